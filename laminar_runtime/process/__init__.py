"""The process that a task runs in: its output, its child processes, its processors, its exit codes."""
