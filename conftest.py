"""What all tests share, the doctests of the packages included."""

pytest_plugins = ["tests.tiers", "tests.update", "tests.pages"]
