"""What AWS's API models demand of a request: required members, types, lengths, ranges, patterns and enumerations.

botocore checks types, required members and least lengths before it sends a request. Its models have all that the API
documents, such as the greatest length of a name and its pattern, and the services check that too. So does this::

    StartExecution {"stateMachineArn": "arn:...", "name": "x" * 81}
    -> name: has 81 characters, and may have at most 80

https://smithy.io/2.0/spec/constraint-traits.html
"""

from __future__ import annotations

import functools
import re
from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Any

from laminar_codegen.rehearsal.api_models import operation_model

if TYPE_CHECKING:
    from botocore.model import Shape

__all__ = ["UNICODE_CLASSES", "broken_constraints"]

#: Classes of characters of Unicode that `re` does not have, by what comes close inside a set.
UNICODE_CLASSES = {r"\p{L}": r"\w", r"\p{N}": r"\d", r"\p{Z}": r"\s", r"\p{ASCII}": r"[\x00-\x7f]"}
#: Ranges that other engines take as a minus: ``[\w-/]``.
_LOOSE_RANGE = re.compile(r"(\\w|\\d|\\s)-(?=[^\]])")
_TYPES: Mapping[str, tuple[type, ...]] = {
    "blob": (bytes, bytearray, str),
    "boolean": (bool,),
    "double": (int, float),
    "float": (int, float),
    "integer": (int,),
    "list": (list, tuple),
    "long": (int,),
    "map": (Mapping,),
    "string": (str,),
    "structure": (Mapping,),
}


def broken_constraints(service: str, operation: str, parameters: Mapping[str, Any]) -> list[str]:
    """Return what a request breaks of the constraints of its API.

    Args:
        service: The service, as signatures name it: ``states``, ``batch``.
        operation: The operation, as the API names it.
        parameters: Its parameters, as JSON values, by the names that the API has for them.

    Returns:
        A sentence for each constraint that is broken, with the path of the parameter. Empty if there is none, and for
        an operation that the models do not have.

    Example:
        >>> broken_constraints("batch", "TerminateJob", {"jobId": "1"})
        ['reason: is required']
    """
    model = operation_model(service, operation)
    if model is None or model.input_shape is None:
        return []
    return list(_walk(model.input_shape, parameters, ""))


def _walk(shape: Shape, value: Any, path: str) -> Iterator[str]:
    wanted = _TYPES.get(shape.type_name)
    if wanted is None:  # a timestamp, in one of its forms
        return
    if not isinstance(value, wanted) or (isinstance(value, bool) and shape.type_name != "boolean"):
        yield f"{path}: must be a value of type {shape.type_name}, not {value!r:.60}"
        return
    for rule in (_size, _pattern, _enumeration):
        broken = rule(shape, value)
        if broken:
            yield f"{path}: {broken}"
    yield from _inside(shape, value, path)


def _inside(shape: Any, value: Any, path: str) -> Iterator[str]:
    match shape.type_name:
        case "structure":
            yield from _members(shape, value, f"{path}." if path else "")
        case "list":
            for number, item in enumerate(value):
                yield from _walk(shape.member, item, f"{path}[{number}]")
        case "map":
            for key, item in value.items():
                yield from _walk(shape.key, key, f"{path} key {key!r:.40}")
                yield from _walk(shape.value, item, f"{path}[{key!r:.40}]")


def _members(shape: Any, value: Mapping[str, Any], prefix: str) -> Iterator[str]:
    for name in shape.required_members:
        if value.get(name) is None:
            yield f"{prefix}{name}: is required"
    for name, given in value.items():
        if name not in shape.members:
            yield f"{prefix}{name}: is not known"
        elif given is not None and not _is_written_as_text(shape.members[name], given):
            yield from _walk(shape.members[name], given, f"{prefix}{name}")


def _is_written_as_text(member: Any, given: Any) -> bool:
    """Return whether a value is text only because it stands in the query, in a header or in the path."""
    return isinstance(given, str) and "location" in member.serialization and member.type_name != "string"


def _size(shape: Shape, value: Any) -> str:
    """Return which bound of a length, a number of items or a number itself is broken."""
    if shape.type_name == "boolean":
        return ""
    least, most = shape.metadata.get("min"), shape.metadata.get("max")
    size = value if isinstance(value, int | float) else len(value)
    kind = "" if isinstance(value, int | float) else " characters" if isinstance(value, str) else " items"
    if least is not None and size < least:
        return (
            f"has {size}{kind}, and must have at least {least}" if kind else f"is {size}, and must be {least} or more"
        )
    if most is not None and size > most:
        return f"has {size}{kind}, and may have at most {most}" if kind else f"is {size}, and may be at most {most}"
    return ""


def _pattern(shape: Shape, value: Any) -> str:
    pattern = shape.metadata.get("pattern")
    if pattern is None or not isinstance(value, str):
        return ""
    compiled = _compile(pattern)
    if compiled is None or compiled.fullmatch(value):
        return ""
    return f"{value!r:.80} does not match the pattern {pattern}"


def _enumeration(shape: Any, value: Any) -> str:
    allowed = shape.metadata.get("enum")
    if not allowed or value in allowed:
        return ""
    return f"{value!r:.40} is none of {', '.join(allowed)}"


@functools.cache
def _compile(pattern: str) -> re.Pattern[str] | None:
    """Return a pattern as `re` has it, None if it has classes of characters that `re` does not have."""
    for theirs, ours in UNICODE_CLASSES.items():
        pattern = pattern.replace(theirs, ours)
    try:
        return re.compile(_LOOSE_RANGE.sub(r"\1\-", pattern), re.DOTALL)
    except re.error:
        return None
