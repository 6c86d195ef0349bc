"""The splits of a fan-out: their number, their elements, and the containers of their jobs."""
