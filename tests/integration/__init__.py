"""Tests that need the embedded AWS, another server or child processes, and no Terraform."""
