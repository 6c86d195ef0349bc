"""Values of Terraform in Python: texts, numbers, booleans, null, lists, maps, and sets as sorted lists.

How Terraform converts one into another:
https://developer.hashicorp.com/terraform/language/expressions/types#type-conversion
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from laminar_codegen.rehearsal.document.errors import EvaluationError

__all__ = ["SetOf", "as_flag", "as_number", "as_text", "encode", "equal", "kind", "pairs", "set_of"]

#: A float that is a whole number up to here is one for Python, too.
_EXACT = 2**53


class SetOf(list[Any]):
    """A set: its elements once each, texts in their order."""


def set_of(items: Iterable[Any]) -> SetOf:
    """Return a set of items.

    Args:
        items: The items.
    """
    found = SetOf()
    for item in items:
        if not any(equal(item, other) for other in found):
            found.append(item)
    if all(isinstance(item, str) for item in found):
        found.sort()
    return found


def kind(value: Any) -> str:
    """Return what Terraform calls the type of a value.

    Args:
        value: The value.
    """
    return "null" if value is None else _KINDS.get(type(value), "map")


_KINDS = {bool: "bool", int: "number", float: "number", str: "string", list: "list", SetOf: "set"}


def as_text(value: Any) -> str:
    """Return a value as text, as a template writes it.

    Args:
        value: The value.

    Raises:
        EvaluationError: If it is no text, number or boolean.
    """
    match value:
        case str():
            return value
        case bool():
            return "true" if value else "false"
        case int():
            return str(value)
        case float():
            return str(int(value)) if value.is_integer() and abs(value) < _EXACT else repr(value)
        case _:
            raise EvaluationError(f"a string is needed, and this is a {kind(value)}")


def as_number(value: Any) -> int | float:
    """Return a value as a number.

    Args:
        value: The value.

    Raises:
        EvaluationError: If it is none, and no text of one.
    """
    if isinstance(value, str):
        try:
            value = float(value)
        except ValueError:
            raise EvaluationError(f"a number is needed, and this is {value!r}") from None
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise EvaluationError(f"a number is needed, and this is a {kind(value)}")
    return int(value) if isinstance(value, float) and value.is_integer() and abs(value) < _EXACT else value


def as_flag(value: Any) -> bool:
    """Return a value as a boolean.

    Args:
        value: The value.

    Raises:
        EvaluationError: If it is none, and no text of one.
    """
    if isinstance(value, str) and value in {"true", "false"}:
        return value == "true"
    if not isinstance(value, bool):
        raise EvaluationError(f"a bool is needed, and this is {repr(value) if value is not None else 'null'}")
    return value


def equal(left: Any, right: Any) -> bool:
    """Whether two values are equal: of the same type, which ``1`` and ``true`` are not.

    Args:
        left: The one.
        right: The other.
    """
    if isinstance(left, list) and isinstance(right, list):
        return len(left) == len(right) and all(map(equal, left, right))
    if isinstance(left, Mapping) and isinstance(right, Mapping):
        return left.keys() == right.keys() and all(equal(value, right[key]) for key, value in left.items())
    return kind(left) == kind(right) and bool(left == right)


def pairs(value: Any) -> Iterator[tuple[Any, Any]]:
    """Yield the keys and the elements of a collection, those of a map sorted by their keys.

    Args:
        value: The collection.

    Raises:
        EvaluationError: If it is none.
    """
    if isinstance(value, SetOf):
        yield from ((item, item) for item in value)
    elif isinstance(value, list):
        yield from enumerate(value)
    elif isinstance(value, Mapping):
        yield from ((key, value[key]) for key in sorted(value))
    else:
        raise EvaluationError(f"a list, a set or a map is needed, and this is a {kind(value)}")


def encode(value: Any) -> str:
    """Return a value as JSON, as ``jsonencode`` writes it: keys sorted, three characters escaped.

    https://developer.hashicorp.com/terraform/language/functions/jsonencode

    Args:
        value: The value.
    """
    text = json.dumps(_plain(value), sort_keys=True, separators=(",", ":"), ensure_ascii=False)
    for character in "<>&\u2028\u2029":
        text = text.replace(character, f"\\u{ord(character):04x}")
    return text


def _plain(value: Any) -> Any:
    if isinstance(value, Mapping):
        return {key: _plain(item) for key, item in value.items()}
    if isinstance(value, list):
        return [_plain(item) for item in value]
    return as_number(value) if isinstance(value, float) else value
