"""Detection of chains of flows in the body of an ``if`` statement.

The condition of ``if flow := MyFlow(): flow()`` is false in the tasks of other flows, and when the compiler reads the
file. But if the body is a chain, tasks of the later flows and the compiler must run it::

    if one := One():
        one().next(flow=Two(), linker=link)

Only the source shows whether the body is a chain, because the body has not run yet.
"""

from __future__ import annotations

import ast
import linecache
from collections.abc import Iterable, Iterator
from types import FrameType

__all__ = ["chains", "guards_chain"]


def guards_chain(frame: FrameType) -> bool:
    """Return whether the ``if`` statement that evaluates a flow has a chain of flows in its body.

    Args:
        frame: The frame of the ``if`` statement.
    """
    guards = (node for node in _nodes(frame.f_code.co_filename) if isinstance(node, ast.If))
    asking = (node for node in guards if node.lineno <= frame.f_lineno <= (node.test.end_lineno or node.lineno))
    return any(chains(guard.body) for guard in asking)


def chains(statements: Iterable[ast.stmt]) -> bool:
    """Return whether statements chain a flow to another one.

    Args:
        statements: The statements.
    """
    return any(_chains(node) for statement in statements for node in ast.walk(statement))


def _nodes(file: str) -> Iterator[ast.AST]:
    linecache.checkcache(file)
    text = "".join(linecache.getlines(file))
    # Most files have no chain, and a large file takes long to parse.
    if ".next(" in text:
        yield from ast.walk(ast.parse(text))


def _chains(node: ast.AST) -> bool:
    return (
        isinstance(node, ast.Call)
        and isinstance(node.func, ast.Attribute)
        and node.func.attr == "next"
        and any(keyword.arg == "linker" for keyword in node.keywords)
    )
