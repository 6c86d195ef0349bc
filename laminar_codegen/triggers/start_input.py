r"""The input of the starter as JSON text: parameters with placeholders, which EventBridge replaces when it delivers.

Before: ``{"day": SCHEDULED_TIME, "note": "<b>"}``. After::

    {"trigger":"nightly","kind":"schedule","id":"<aws.scheduler.scheduled-time>","parameters":
    {"day":"<aws.scheduler.scheduled-time>","note":"\u003cb\u003e"}}

The text stands in the document as it is: Terraform's `jsonencode` would escape the marks of placeholders. Marks in the
user's own texts are escaped here, so that they are never taken for placeholders.
"""

from __future__ import annotations

import json
import math
from collections.abc import Callable, Iterator, Mapping
from typing import Any

from laminar_codegen.ir.expressions import Input, Joined, Ref
from laminar_runtime.configurations.triggers import EXECUTION_ID, Placeholder
from laminar_runtime.introspection import naming
from laminar_runtime.introspection.attributes import refusal
from laminar_runtime.layer import Parameters
from laminar_runtime.variables import Variable

__all__ = ["find_flaws", "find_placeholders", "write_input", "write_json"]

#: Returns the text of a placeholder.
Written = Callable[[Placeholder], str]


def write_input(label: str, kind: str, identity: Any, parameters: Mapping[str, Any], written: Written) -> Joined:
    """Write the input of the starter.

    Args:
        label: The label of the trigger.
        kind: What it is, ``schedule`` or ``event``: executions keep it.
        identity: What the execution is named after: a placeholder, or a list of them.
        parameters: The parameters of the flow, with placeholders.
        written: Returns the text of a placeholder.
    """
    # The starter makes the id of an execution from its name.
    executions = {name: value for name, value in parameters.items() if value == EXECUTION_ID}
    others = {name: value for name, value in parameters.items() if name not in executions}
    given = {"trigger": label, "kind": kind, "id": identity, "parameters": others}
    return write_json({**given, **({"executions": executions} if executions else {})}, written)


def write_json(value: Any, written: Written | None = None) -> Joined:
    """Write a value as JSON, with Terraform's references in it.

    Args:
        value: The value: JSON, with placeholders, variables and references.
        written: Returns the text of a placeholder, None if there are none.
    """
    return Joined(*_write(value, written))


def _write(value: Any, written: Written | None) -> Iterator[str | Ref | Joined]:
    match value:
        case Placeholder() if written is not None:
            yield written(value)
        case Variable():
            yield Ref(f"jsonencode({Input.of(value).expression})")
        case Ref(expression):
            yield Ref(f"jsonencode({expression})")
        case Joined():
            # Names and ARNs have no character that JSON escapes.
            yield from ('"', value, '"')
        case Mapping():
            yield "{"
            for place, (name, item) in enumerate(value.items()):
                yield f"{',' if place else ''}{_text(name, written)}:"
                yield from _write(item, written)
            yield "}"
        case list() | tuple():
            yield "["
            for place, item in enumerate(value):
                yield "," if place else ""
                yield from _write(item, written)
            yield "]"
        case _:
            yield _text(value, written)


def _text(value: Any, written: Written | None) -> str:
    text = json.dumps(value)
    return text if written is None else text.replace("<", "\\u003c").replace(">", "\\u003e")


def find_placeholders(value: Any) -> Iterator[Placeholder]:
    """Yield the placeholders in a value.

    Args:
        value: The value.
    """
    match value:
        case Placeholder():
            yield value
        case Mapping():
            for item in value.values():
                yield from find_placeholders(item)
        case list() | tuple():
            for item in value:
                yield from find_placeholders(item)


def find_flaws(parameters: Mapping[str, Any]) -> Iterator[str]:
    """Yield what is wrong with the parameters of a trigger, placeholders apart.

    Args:
        parameters: The parameters.
    """
    for name, value in parameters.items():
        if (reason := naming.flaw(name)) is not None:
            yield f"the name of parameter {name!r} {reason}"
        elif refusal(Parameters, name) is not None:
            yield f"parameter '{name}' has a reserved name"
        elif not _is_json(value):
            yield f"parameter '{name}' is {value!r}, which is not a JSON value"
        elif value != EXECUTION_ID and EXECUTION_ID in find_placeholders(value):
            yield f"parameter '{name}' has EXECUTION_ID within it: only a whole parameter can be the id of an execution"


def _is_json(value: Any) -> bool:
    match value:
        case Placeholder() | Variable() | None | bool() | int() | str():
            return True
        case float():
            return math.isfinite(value)
        case Mapping():
            return all(isinstance(name, str) and _is_json(item) for name, item in value.items())
        case list() | tuple():
            return all(map(_is_json, value))
        case _:
            return False
