"""Random flows, run in processes."""
