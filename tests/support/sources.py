"""The sources that tests read: a process parses each of them once, and walks it once, however many tests look at it."""

from __future__ import annotations

import ast
import functools
from collections.abc import Iterator
from pathlib import Path
from typing import TypeVar

__all__ = ["nodes_of", "tree_of"]

_Node = TypeVar("_Node", bound=ast.AST)


@functools.cache
def tree_of(file: Path) -> ast.Module:
    """Parse a file that does not change while the tests run.

    Args:
        file: The path of a Python file.

    Returns:
        Its syntax tree, which all share: look at it only.
    """
    return ast.parse(file.read_text(encoding="utf-8"))


def nodes_of(file: Path, kind: type[_Node]) -> Iterator[_Node]:
    """Yield the nodes of a kind in the syntax tree of a file.

    Args:
        file: The path of a Python file.
        kind: The class of the nodes, without its subclasses.

    Yields:
        The nodes from the outside to the inside.
    """
    for node in _nodes_by_kind(file).get(kind, ()):
        assert isinstance(node, kind)
        yield node


@functools.cache
def _nodes_by_kind(file: Path) -> dict[type[ast.AST], list[ast.AST]]:
    found: dict[type[ast.AST], list[ast.AST]] = {}
    for node in ast.walk(tree_of(file)):
        found.setdefault(type(node), []).append(node)
    return found
