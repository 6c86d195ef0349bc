"""The data sources, grouped by what they look up."""
