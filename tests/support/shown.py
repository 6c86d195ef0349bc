"""Prints what passes make, in few lines that a reader can compare: for cases."""

from __future__ import annotations

import ast
import json
import re
import textwrap
from collections.abc import Callable, Iterable, Iterator
from types import ModuleType
from typing import Any

import yaml

from laminar_codegen.ir.asl import DRIVE, Choice, Map, Parallel, State, Task
from laminar_codegen.ir.expressions import Ref, Value, write
from laminar_codegen.ir.terraform import Block, Document
from laminar_codegen.policies.statement import Statement
from laminar_codegen.problems import CompileError, Problem
from laminar_codegen.render.hcl import render_main
from tests.support.graph_notation import graphs_in

__all__ = ["as_hcl", "as_yaml", "evaluator", "options_in", "or_problems", "problems", "statements", "states"]


def options_in(text: str, *names: str) -> tuple[dict[str, Any], str]:
    """Return the options of a case, and the rest of its input.

    Args:
        text: The input. Its first line may be ``with joins='exact', depth=3``: the values are Python's.
        *names: The names that options may have.

    Raises:
        ValueError: If an option has another name.
    """
    if not text.startswith("with "):
        return {}, text
    line, _, rest = text.removeprefix("with ").partition("\n")
    call = ast.parse(f"f({line})", mode="eval").body
    assert isinstance(call, ast.Call)
    options = {str(item.arg): ast.literal_eval(item.value) for item in call.keywords}
    if unknown := options.keys() - {*names}:
        raise ValueError(f"no option is named {', '.join(sorted(unknown))}: there are {', '.join(names)}")
    return options, rest


def evaluator(module: ModuleType, **more: Any) -> Callable[[str], str]:
    """Return a runner of cases of functions: what expressions are worth, in the namespace of a module.

    Each line is an expression. Or a graph stands first, the `graph` of the expressions, and these are the lines that
    begin with ``> ``. A text of several lines, and what a generator yields, stands as it is.

    Args:
        module: The module.
        **more: Further names.
    """

    def run(text: str) -> str:
        lines = text.splitlines()
        asked = [line.removeprefix("> ") for line in lines if line.startswith("> ")]
        given = "\n".join(line for line in lines if not line.startswith("> "))
        names = {
            **vars(module),
            **more,
            **({"graphs": graphs_in(given), "graph": graphs_in(given)[0]} if asked else {}),
        }
        return "".join(f"{_value(line, names).rstrip()}\n" for line in asked or lines if line.strip())

    return run


def _value(line: str, names: dict[str, Any]) -> str:
    try:
        value = eval(line, names)  # noqa: S307 - a case is code of ours
        value = [*value] if isinstance(value, Iterator) else value
    except (CompileError, KeyError, TypeError, ValueError) as error:
        return f"{type(error).__name__}: {error}"
    return value if isinstance(value, str) and "\n" in value else repr(value)


def problems(found: Iterable[Problem]) -> str:
    """Return problems as users see them, sorted.

    Args:
        found: The problems.
    """
    return "".join(f"{problem}\n" for problem in sorted(found)) or "no problem\n"


def or_problems(run: Callable[[], str]) -> str:
    """Return what a pass makes, or the problems for which it refuses its input.

    Args:
        run: Runs the pass.
    """
    try:
        return run()
    except CompileError as error:
        return problems(error.problems)


def _text(parts: Iterable[str | Ref]) -> str:
    text = "".join(f"${{{part.expression}}}" if isinstance(part, Ref) else part for part in parts)
    return text.replace(DRIVE, "DRIVE")


def as_yaml(value: Any) -> str:
    """Return values as YAML, with references as ``${...}``.

    Args:
        value: The values.
    """
    text: str = yaml.safe_dump(write(value, _text), sort_keys=False, width=10_000, allow_unicode=True)
    return text.removesuffix("...\n")


def states(found: Iterable[State], *, arguments: bool = True) -> str:
    """Return states, those within others indented: what each does, and where its execution goes on.

    Left out are comments, and the retriers of the service that a task calls: cases of `ir.retriers` have these.

    Args:
        found: The states.
        arguments: Whether what tasks are called with is printed, too.
    """
    return "".join(f"{line}\n" for state in found for line in _state(state, arguments=arguments))


def _state(state: State, *, arguments: bool) -> Iterator[str]:
    parts = [part for name, part in _parts(state) if part]
    yield f"{state.name}: {', '.join([_kind(state), *parts])}"
    if arguments and isinstance(state, Task):
        yield from textwrap.indent(as_yaml(state.arguments), "  ").splitlines()
    for inner in (state.states,) if isinstance(state, Map) else state.branches if isinstance(state, Parallel) else ():
        lines = [line for found in inner for line in _state(found, arguments=arguments)]
        yield from (f"{'  - ' if place == 0 else '    '}{line}" for place, line in enumerate(lines))


def _kind(state: State) -> str:
    return f"Task {state.integration}" if isinstance(state, Task) else type(state).__name__


def _parts(state: State) -> Iterator[tuple[str, str]]:
    for name in ("items", "selector", "concurrency", "iterations", "count", "seconds", "error", "cause", "timeout"):
        value = getattr(state, name, None)
        yield name, f"{name} {_short(value)}" if value not in (None, {}, 1) else ""
    yield "output", f"output {_short(state.output)}" if getattr(state, "output", None) else ""
    for retrier in getattr(state, "retry", ()):
        yield "retry", f"retry {' '.join(retrier.errors)} {retrier.attempts} times"
    for catcher in getattr(state, "catch", ()):
        yield "catch", f"on {' '.join(catcher.errors)} go to {catcher.next} with {_short(catcher.output)}"
    for rule in getattr(state, "rules", ()):
        yield "rule", f"if {_short(rule.condition)} go to {rule.next}"
    yield "default", f"else {state.default}" if isinstance(state, Choice) else ""
    yield "next", f"then {state.next}" if getattr(state, "next", None) else ""


def _short(value: Any) -> str:
    """Return values on one line; expressions of JSONata in backquotes."""
    return re.sub(r'"\{% (.*?) %\}"', r"`\1`", json.dumps(write(value, _text)))


def as_hcl(*resources: Block, **local: Value) -> str:
    """Return resources and local values as HCL.

    Args:
        *resources: The resources.
        **local: The local values, by name.
    """
    document = Document(
        comment="", providers={}, variables=(), locals=local, data=(), resources=tuple(resources), outputs=()
    )
    return render_main(document).removeprefix("#\n").lstrip()


def statements(found: Iterable[Statement]) -> str:
    """Return statements of a policy: the name and the actions, then a line for each resource and each condition.

    Args:
        found: The statements.
    """
    return "".join(f"{line}\n" for statement in found for line in _statement(statement))


def _statement(statement: Statement) -> Iterable[str]:
    yield f"{statement.sid}: {', '.join(statement.actions)}"
    resources = (statement.resources,) if isinstance(statement.resources, Ref) else statement.resources
    yield from (f"  on {write(resource, _text)}" for resource in resources)
    for test, key, values in statement.conditions:
        yield f"  if {key} {test} {' or '.join(write(value, _text) for value in values)}"
