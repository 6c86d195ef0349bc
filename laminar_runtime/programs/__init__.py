"""The user's program: how a process imports it, and how another process imports it again."""
