"""Stores that releases wrote, each named after its format. Those of earlier formats are never written again."""
