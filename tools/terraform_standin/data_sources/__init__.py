"""The data sources, grouped by the objects that they look up."""
