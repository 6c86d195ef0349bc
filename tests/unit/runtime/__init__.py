"""Tests of the runtime, in folders and modules that mirror it."""
