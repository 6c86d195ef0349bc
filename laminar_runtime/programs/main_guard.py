"""Finds the values that flows get only when their file is run: who imports the file, as the compiler does, misses them.

::

    if __name__ == "__main__" and (flow := Report(scheduler=AWS.StepFunctions(schedule="rate(1 hour)"))):
        flow()

An import of this file finds the flow without a schedule. It misses nothing if the flow is made at module level::

    flow = Report(scheduler=AWS.StepFunctions(schedule="rate(1 hour)"))

    if __name__ == "__main__" and flow:
        flow()

The block of such a guard may hold a chain of flows. It is read, as it is behind ``if flow:``.
"""

from __future__ import annotations

import ast
from collections.abc import Container, Iterator

from laminar_runtime.introspection.chaining import chains

__all__ = ["called_flows", "calls_behind_condition", "guarded_arguments", "guarded_chains"]


def guarded_arguments(source: bytes, flows: Container[str], made: Container[str] = ()) -> Iterator[tuple[int, str]]:
    r"""Yield the lines and the values that flows get behind a check of ``__name__``.

    Args:
        source: The text of a file that Python takes.
        flows: The names that flows have there.
        made: The names of flows that it makes at module level: chains behind their guards are read.

    Yields:
        The line, and the call with its arguments, as ``Report(schedule=...)``.

    Example:
        >>> list(guarded_arguments(b"if __name__ == '__main__':\n    Report(executor=e)()", {"Report"}))
        [(2, 'Report(executor=...)')]
    """
    for statement in _guards(source):
        if not _guards_chain(statement, made):
            for part in (statement.test, *statement.body):
                yield from _arguments(part, flows)


def guarded_chains(source: bytes, made: Container[str]) -> Iterator[ast.Module]:
    r"""Yield the blocks that run flows one after the other, behind a check of ``__name__`` and of a flow.

    Args:
        source: The text of a file that Python takes.
        made: The names of flows that it makes at module level.

    Example:
        >>> text = b"if __name__ == '__main__' and one:\n    one().next(flow=two, linker=link)"
        >>> [ast.unparse(block) for block in guarded_chains(text, {"one", "two"})]
        ['one().next(flow=two, linker=link)']
    """
    for statement in _guards(source):
        if _guards_chain(statement, made):
            yield ast.Module(statement.body, type_ignores=[])


def called_flows(source: bytes, flows: Container[str]) -> set[str]:
    r"""Return the flows that a file calls only if it runs as a program.

    Args:
        source: The text of a file that Python takes.
        flows: The names that flows have there.

    Example:
        >>> called_flows(b"if __name__ == '__main__' and (flow := Report()):\n    flow()", {"Inner", "Report"})
        {'Report'}
    """
    nodes = (node for statement in _guards(source) for node in ast.walk(statement) if isinstance(node, ast.Call))
    return {node.func.id for node in nodes if isinstance(node.func, ast.Name) and node.func.id in flows}


def calls_behind_condition(source: bytes) -> bool:
    r"""Return whether a file calls anything behind a condition, such as ``if flow:``: it may be a flow.

    Args:
        source: The text of a file that Python takes.

    Example:
        >>> calls_behind_condition(b"if flow := Report():\n    flow()"), calls_behind_condition(b"flow = Report()")
        (True, False)
    """
    conditions = (statement for statement in ast.parse(source).body if isinstance(statement, ast.If))
    nodes = (node for condition in conditions for part in condition.body for node in ast.walk(part))
    return any(isinstance(node, ast.Call) for node in nodes)


def _guards(source: bytes) -> Iterator[ast.If]:
    """Yield the statements of a file that check its ``__name__``."""
    # Most files have none, and need not be parsed twice.
    if b"__main__" not in source:
        return
    for statement in ast.parse(source).body:
        if isinstance(statement, ast.If) and _checks_for_main(statement.test):
            yield statement


def _guards_chain(statement: ast.If, made: Container[str]) -> bool:
    """Return whether a statement checks the file's name and flows, nothing else, and guards a chain."""
    parts = statement.test.values if isinstance(statement.test, ast.BoolOp) else []
    others = [part for part in parts if not _checks_for_main(part)]
    asked = bool(others) and all(isinstance(part, ast.Name) and part.id in made for part in others)
    return asked and chains(statement.body)


def _checks_for_main(test: ast.expr) -> bool:
    """Return whether a condition holds only in a file that is run: it compares ``__name__``, maybe among others."""
    if isinstance(test, ast.BoolOp) and isinstance(test.op, ast.And):
        return any(map(_checks_for_main, test.values))
    if not isinstance(test, ast.Compare) or not isinstance(test.ops[0], ast.Eq):
        return False
    sides = {ast.unparse(side) for side in (test.left, *test.comparators)}
    return sides == {"__name__", repr("__main__")}


def _arguments(part: ast.AST, flows: Container[str]) -> Iterator[tuple[int, str]]:
    for node in ast.walk(part):
        match node:
            case ast.Call(func=ast.Name(id=name)) if name in flows and (node.args or node.keywords):
                names = [*("..." for _ in node.args), *(f"{item.arg or '**'}=..." for item in node.keywords)]
                yield node.lineno, f"{name}({', '.join(names)})"
            case ast.Call(func=ast.Attribute(attr="next")) if any(item.arg == "flow" for item in node.keywords):
                yield node.lineno, "next(flow=...)"
            case _:
                pass
