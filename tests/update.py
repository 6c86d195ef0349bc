"""The flag that rewrites what tests expect."""

from __future__ import annotations

from pathlib import Path

import pytest


def pytest_addoption(parser: pytest.Parser) -> None:
    """Add the flag."""
    parser.addoption("--update-golden", action="store_true", help="rewrite the expected files and cases of the tests")


@pytest.fixture
def update_golden(request: pytest.FixtureRequest) -> bool:
    """Whether expected files are rewritten."""
    return bool(request.config.getoption("--update-golden"))


def compare(expected: Path, found: str, *, update: bool) -> None:
    """Assert that a file holds a text, or have it hold the text.

    Args:
        expected: The file.
        found: The text.
        update: Whether the file is written.
    """
    if update:
        expected.parent.mkdir(parents=True, exist_ok=True)
        expected.write_bytes(found.encode())
    hint = f"{expected.name} of {expected.parent.name} differs: pytest --update-golden rewrites it"
    assert found == (expected.read_bytes().decode() if expected.exists() else ""), hint
