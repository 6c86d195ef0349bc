"""How long layers take: measured from past executions, and read from a file."""
