"""Turns the plan into states of Amazon States Language."""
