"""The tests, a folder for each tier (tests/tiers.py), with folders in it that mirror the packages."""
