"""The command ``laminar-codegen``."""
