"""Typed parameters: what subclasses of `Parameters` declare, the JSON forms of their types, and conversion.

A task that only reads stored parameters needs `declarations` alone; `cattrs` is loaded by the first conversion.
"""
