"""Arguments of Terraform as the parameters of an operation of AWS.

Before: ``{"attempt_duration_seconds": 60}``. After: ``{"attemptDurationSeconds": 60}``.

Without underscores and in lower case the names are mostly equal, so they are matched that way against botocore's model
of the operation, and only exceptions are written down.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import Any

from laminar_codegen.rehearsal.document.values import as_flag, as_number, as_text

__all__ = ["make_request"]

_SCALARS: Mapping[str, Callable[[Any], Any]] = {
    "boolean": as_flag,
    "double": as_number,
    "float": as_number,
    "integer": as_number,
    "long": as_number,
    "string": as_text,
}


def make_request(
    arguments: Mapping[str, Any],
    shape: Any,
    renames: Mapping[str, str],
    unknown: Callable[[str], object],
    before: str = "",
) -> dict[str, Any]:
    """Make the parameters of an operation; what is null is left out.

    Args:
        arguments: The arguments of a resource, or of a block in it.
        shape: The structure that the operation takes, by botocore's model.
        renames: The members that arguments are named otherwise than, by their paths, as in ``target.ecs_target``.
        unknown: Takes the path of each argument that matches no member.
        before: The path of the block, with a dot behind it.

    Raises:
        EvaluationError: If a value is of another type than the operation takes.
    """
    members = {_fold(name): name for name in shape.members}
    request: dict[str, Any] = {}
    for name, value in arguments.items():
        path = f"{before}{name}"
        member = renames.get(path) or members.get(_fold(name))
        if value is None or value == []:
            continue
        if member is None:
            unknown(path)
        else:
            request[member] = _convert(value, shape.members[member], renames, unknown, path)
    return request


def _fold(name: str) -> str:
    return name.replace("_", "").lower()


def _convert(value: Any, shape: Any, renames: Mapping[str, str], unknown: Callable[[str], object], path: str) -> Any:
    match shape.type_name:
        case "structure":
            return make_request(_one(value), shape, renames, unknown, f"{path}.")
        case "list":
            items: Iterable[Any] = value if isinstance(value, list) else [value]
            return [_convert(item, shape.member, renames, unknown, path) for item in items]
        case "map":
            return {key: _convert(item, shape.value, renames, unknown, path) for key, item in _one(value).items()}
        case kind:
            return _SCALARS.get(kind, _as_it_is)(value)


def _one(value: Any) -> Mapping[str, Any]:
    """Return the block that stands where Terraform takes one, as it is or in a list."""
    found = value[0] if isinstance(value, list) and len(value) == 1 else value
    if not isinstance(found, Mapping):
        as_text(found)  # a list or null is refused in its words
        return {}
    return found


def _as_it_is(value: Any) -> Any:
    return value
