"""Prints what passes make, in few lines that a reader can compare: for cases."""

from __future__ import annotations

import ast
from collections.abc import Callable, Iterable, Mapping
from types import ModuleType
from typing import Any

import yaml

from laminar_codegen.ir.asl import State
from laminar_codegen.ir.expressions import Ref, Value, write
from laminar_codegen.ir.retriers import of_service
from laminar_codegen.ir.terraform import Block, Document
from laminar_codegen.policies.statement import Statement
from laminar_codegen.problems import CompileError, Problem
from laminar_codegen.render.hcl import render_main

__all__ = ["as_hcl", "as_yaml", "evaluated", "options_in", "problems", "refused", "statements", "states"]


def options_in(text: str) -> tuple[dict[str, Any], str]:
    """Return the options of a case, and the rest of its input.

    Args:
        text: The input. Its first line may be ``with joins='exact', depth=3``: the values are Python's.
    """
    if not text.startswith("with "):
        return {}, text
    line, _, rest = text.removeprefix("with ").partition("\n")
    call = ast.parse(f"f({line})", mode="eval").body
    assert isinstance(call, ast.Call)
    return {str(item.arg): ast.literal_eval(item.value) for item in call.keywords}, rest


def evaluated(module: ModuleType, **more: Any) -> Callable[[str], str]:
    """Return a runner of cases whose lines are expressions: what each is worth, in the namespace of a module.

    A text of several lines stands as it is.

    Args:
        module: The module.
        **more: Further names.
    """

    def run(text: str) -> str:
        return "".join(f"{_value(line).rstrip()}\n" for line in text.splitlines() if line.strip())

    def _value(line: str) -> str:
        try:
            value = eval(line, {**vars(module), **more})  # noqa: S307 - a case is code of ours
        except (CompileError, TypeError, ValueError) as error:
            return f"{type(error).__name__}: {error}"
        return value if isinstance(value, str) and "\n" in value else repr(value)

    return run


def problems(found: Iterable[Problem]) -> str:
    """Return problems as users see them, sorted.

    Args:
        found: The problems.
    """
    return "".join(f"{problem}\n" for problem in sorted(found)) or "no problem\n"


def refused(run: Callable[[], str]) -> str:
    """Return what a pass makes, or the problems for which it refuses its input.

    Args:
        run: Runs the pass.
    """
    try:
        return run()
    except CompileError as error:
        return problems(error.problems)


def _text(parts: Iterable[str | Ref]) -> str:
    return "".join(f"${{{part.expression}}}" if isinstance(part, Ref) else part for part in parts)


def as_yaml(value: Any) -> str:
    """Return values as YAML, with references as ``${...}``.

    Args:
        value: The values.
    """
    text: str = yaml.safe_dump(write(value, _text), sort_keys=False, width=10_000, allow_unicode=True)
    return text.removesuffix("...\n")


def states(found: Iterable[State]) -> str:
    """Return states as YAML, without the retriers of the services that they call: cases of `ir.retriers` have these.

    Args:
        found: The states.
    """
    return as_yaml({state.name: _without_retriers(state.fields()) for state in found})


def _without_retriers(fields: Any) -> Any:
    match fields:
        case {"Type": "Task", "Resource": resource, "Retry": retriers}:
            passing = [item.fields() for item in of_service(_text(resource.parts).partition(":states:::")[2])]
            own = [item for item in retriers if item not in passing]
            return {name: own if name == "Retry" else item for name, item in fields.items() if name != "Retry" or own}
        case Mapping():
            return {name: _without_retriers(item) for name, item in fields.items()}
        case list():
            return [_without_retriers(item) for item in fields]
        case _:
            return fields


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
