"""When two texts mean the same, so that formatting is not a difference to apply.

same_caseless   any text                           upper and lower case
same_json       any document                       key order and white space
same_policy     an IAM policy                      also the order of lists, "x" for ["x"]
"""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

TextEquality = Callable[[str, str], bool]


def same_caseless(left: str, right: str) -> bool:
    """Return whether two texts differ in case only."""
    return left.lower() == right.lower()


def same_json(left: str, right: str) -> bool:
    """Return whether two JSON strings are the same document."""
    return bool(json.loads(left) == json.loads(right))


def same_policy(left: str, right: str) -> bool:
    """Return whether two IAM policies grant the same, however their lists are written."""
    return bool(_reduce_policy(json.loads(left)) == _reduce_policy(json.loads(right)))


def _reduce_policy(value: Any) -> Any:
    if isinstance(value, dict):
        return {
            name: {"AWS": "*"} if name == "Principal" and item == "*" else _reduce_policy(item)
            for name, item in value.items()
        }
    if isinstance(value, list):
        items = sorted((_reduce_policy(item) for item in value), key=_sort_key)
        return items[0] if len(items) == 1 else items
    if isinstance(value, bool):
        return str(value).lower()
    return str(value) if isinstance(value, int | float) else value


def _sort_key(value: object) -> str:
    return json.dumps(value, sort_keys=True)
