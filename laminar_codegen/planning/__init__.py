"""Turns the graph into a plan: which layers run one after the other, and which in parallel."""
