"""How failures are reported: tracebacks, and reports that travel between processes."""
