"""Reads the user's program: loads the file without running it, and finds the source lines of its classes."""
