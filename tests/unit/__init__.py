"""Unit tests: no server, no child process, no Terraform. `tests/tiers.py` holds them to it."""
