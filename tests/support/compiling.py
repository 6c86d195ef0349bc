"""The fixtures of the compiler's tests: they leave no traces in the folders of the flows that they read."""

from __future__ import annotations

import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from laminar_codegen.pipeline import Compilation, compile_flow


@pytest.fixture(autouse=True)
def no_bytecode(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "dont_write_bytecode", True)


@pytest.fixture
def compiled(tmp_path: Path) -> Callable[[str], Compilation]:
    """Compiles the text of a flow's file."""

    def compile_text(text: str) -> Compilation:
        file = tmp_path / "flow.py"
        file.write_text(text, encoding="utf-8")
        return compile_flow(str(file))

    return compile_text
