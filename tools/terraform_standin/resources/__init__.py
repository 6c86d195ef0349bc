"""The resource types, grouped by service."""
