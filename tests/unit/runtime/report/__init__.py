"""The page of an execution, and drawings of flows."""
