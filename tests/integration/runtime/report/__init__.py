"""The page of an execution in a browser."""
