"""Profiles that releases wrote, each named after its format: 1 has no version."""
