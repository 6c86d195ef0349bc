"""Reports of failures: tracebacks, and error reports that a task's process writes."""
