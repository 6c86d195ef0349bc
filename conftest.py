"""Settings of all tests, including the doctests of the packages."""

pytest_plugins = ["tests.tiers", "tests.update", "tests.pages"]
