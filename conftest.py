"""Settings of all tests, including the doctests of the packages."""

pytest_plugins = ["tests.memory", "tests.tiers", "tests.update", "tests.pages"]
