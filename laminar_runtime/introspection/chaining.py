"""Whether a guard is of a chain of flows.

``if flow := MyFlow(): flow()`` is false in the processes of other flows' tasks, and where the file is only read. But
what it guards may be a chain, by which tasks of the flows that follow have to come, and so does the compiler::

    if one := One():
        one().next(flow=Two(), linker=link)

Whether it is one only the file's text can tell: what is guarded has not run yet.
"""

from __future__ import annotations

import ast
import linecache
from collections.abc import Iterable, Iterator
from types import FrameType

__all__ = ["chains", "guards_chain"]


def guards_chain(frame: FrameType) -> bool:
    """Whether the ``if`` statement that asks whether a flow is true has a chain in its body.

    Args:
        frame: The frame of the code that asks.
    """
    guards = (node for node in _nodes(frame.f_code.co_filename) if isinstance(node, ast.If))
    asking = (node for node in guards if node.lineno <= frame.f_lineno <= (node.test.end_lineno or node.lineno))
    return any(chains(guard.body) for guard in asking)


def chains(statements: Iterable[ast.stmt]) -> bool:
    """Whether statements have a flow follow another one.

    Args:
        statements: The statements.
    """
    return any(_chains(node) for statement in statements for node in ast.walk(statement))


def _nodes(file: str) -> Iterator[ast.AST]:
    linecache.checkcache(file)
    text = "".join(linecache.getlines(file))
    # Most files have no chain, and large ones take long to parse.
    if ".next(" in text:
        yield from ast.walk(ast.parse(text))


def _chains(node: ast.AST) -> bool:
    return (
        isinstance(node, ast.Call)
        and isinstance(node.func, ast.Attribute)
        and node.func.attr == "next"
        and any(keyword.arg == "linker" for keyword in node.keywords)
    )
