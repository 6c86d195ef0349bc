"""Documents that are rehearsed: read, evaluated, put in order."""
