"""The sources that tests read: each is parsed once in a process, however many tests look at it."""

from __future__ import annotations

import ast
import functools
from pathlib import Path

__all__ = ["tree_of"]


@functools.cache
def tree_of(file: Path) -> ast.Module:
    """Parse a file that does not change while the tests run.

    Args:
        file: The path of a Python file.

    Returns:
        Its syntax tree, which all share: look at it only.
    """
    return ast.parse(file.read_text(encoding="utf-8"))
