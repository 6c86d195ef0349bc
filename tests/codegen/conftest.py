"""What the tests of the compiler share: one flag, and no traces in the folders of the flows that they read."""

from __future__ import annotations

import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from laminar_codegen.pipeline import Compilation, compile_flow


def pytest_addoption(parser: pytest.Parser) -> None:
    """Add the flag that rewrites what is expected."""
    parser.addoption("--update-golden", action="store_true", help="rewrite the expected files of tests/golden")


@pytest.fixture
def update_golden(request: pytest.FixtureRequest) -> bool:
    """Whether expected files are rewritten. The flag is there when tests/codegen is named on the command line."""
    return bool(request.config.getoption("--update-golden", default=False))


@pytest.fixture(autouse=True)
def _no_bytecode(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "dont_write_bytecode", True)


@pytest.fixture
def compiled(tmp_path: Path) -> Callable[[str], Compilation]:
    """Compiles the text of a flow's file."""

    def compile_text(text: str) -> Compilation:
        file = tmp_path / "flow.py"
        file.write_text(text, encoding="utf-8")
        return compile_flow(str(file))

    return compile_text
