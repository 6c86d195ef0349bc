"""The page of an execution: a record of what happened, and one HTML file that shows it."""
