r"""The input of the starter as JSON text: parameters with placeholders, which EventBridge replaces when it delivers.

Before: ``{"day": SCHEDULED_TIME, "note": "<b>"}``. After::

    {"trigger":"nightly","id":"<aws.scheduler.scheduled-time>","parameters":{"day":"<aws.scheduler.scheduled-time>",
    "note":"\u003cb\u003e"}}

The text stands in the document as it is: Terraform's `jsonencode` would escape the marks of placeholders. Marks in the
user's own texts are escaped here, so that they are never taken for placeholders.
"""

from __future__ import annotations

import json
import math
from collections.abc import Iterator, Mapping
from typing import Any

from laminar_runtime.configurations.triggers import Placeholder
from laminar_runtime.introspection import naming
from laminar_runtime.introspection.attributes import refusal
from laminar_runtime.layer import Parameters

__all__ = ["find_flaws", "find_placeholders", "write_input"]


def write_input(label: str, identity: Any, parameters: Mapping[str, Any], written: Mapping[Placeholder, str]) -> str:
    """Write the input of the starter.

    Args:
        label: The label of the trigger.
        identity: What the execution is named after: placeholders.
        parameters: The parameters of the flow, with placeholders.
        written: The text of each placeholder.
    """
    return _write({"trigger": label, "id": identity, "parameters": dict(parameters)}, written)


def _write(value: Any, written: Mapping[Placeholder, str]) -> str:
    match value:
        case Placeholder():
            return written[value]
        case Mapping():
            items = (f"{_write(name, written)}:{_write(item, written)}" for name, item in value.items())
            return f"{{{','.join(items)}}}"
        case list() | tuple():
            return f"[{','.join(_write(item, written) for item in value)}]"
        case _:
            return json.dumps(value).replace("<", "\\u003c").replace(">", "\\u003e")


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


def _is_json(value: Any) -> bool:
    match value:
        case Placeholder() | None | bool() | int() | str():
            return True
        case float():
            return math.isfinite(value)
        case Mapping():
            return all(isinstance(name, str) and _is_json(item) for name, item in value.items())
        case list() | tuple():
            return all(map(_is_json, value))
        case _:
            return False
