"""The splits of a fan-out: their indexes, their number, the groups of jobs that run them, and joins over them."""
