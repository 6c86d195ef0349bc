"""Compiled flows, run on the embedded AWS."""
