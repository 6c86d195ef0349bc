"""Facts about the user's classes and functions: type hints, arguments, attributes."""
