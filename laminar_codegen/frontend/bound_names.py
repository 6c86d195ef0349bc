"""The names that a function binds, by its syntax tree."""

from __future__ import annotations

import ast
from collections.abc import Iterator

__all__ = ["bound_names"]


def bound_names(function: ast.AST) -> frozenset[str]:
    """Find the names that a function binds in its body, and those that functions within it bind.

    Args:
        function: The function.

    Example:
        >>> sorted(bound_names(ast.parse("with open('x') as f, g: import json as j").body[0]))
        ['f', 'j']
    """
    return frozenset(name for node in ast.walk(function) if node is not function for name in _names_of(node))


def _names_of(node: ast.AST) -> Iterator[str]:
    """Yield the names that one node binds."""
    match node:
        case ast.Name(id=name, ctx=ast.Store() | ast.Del()):
            yield name
        case ast.alias(name=name, asname=other):
            yield other or name.partition(".")[0]
        case (
            ast.ExceptHandler(name=str() as name)
            | ast.MatchAs(name=str() as name)
            | ast.MatchStar(name=str() as name)
            | ast.MatchMapping(rest=str() as name)
            | ast.FunctionDef(name=name)
            | ast.AsyncFunctionDef(name=name)
            | ast.ClassDef(name=name)
        ):
            yield name
        case _:
            return
