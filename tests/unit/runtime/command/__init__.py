"""The command ``laminar``."""
