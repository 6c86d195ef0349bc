"""Pickles that name the classes of the user's program the same way in each process."""
