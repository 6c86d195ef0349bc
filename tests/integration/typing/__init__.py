"""Flows that type checkers read, in their strict modes."""
