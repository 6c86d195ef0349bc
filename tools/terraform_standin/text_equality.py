"""When two texts mean the same, so that formatting is not a difference to apply.

same_caseless   any text                           upper and lower case
same_json       any document                       key order and white space
same_policy     an IAM policy                      also the order of lists, "x" for ["x"]
same_container  a Batch job's container            also the order of the environment, empty values,
                                                   and what AWS adds by itself
"""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

TextEquality = Callable[[str, str], bool]

# What AWS answers for a container on Fargate that leaves it out.
_DEFAULT_PLATFORM = {"platformVersion": "LATEST"}


def same_caseless(left: str, right: str) -> bool:
    """Whether two texts differ in case only."""
    return left.lower() == right.lower()


def same_json(left: str, right: str) -> bool:
    """Whether two JSON strings are the same document."""
    return bool(json.loads(left) == json.loads(right))


def same_policy(left: str, right: str) -> bool:
    """Whether two IAM policies grant the same, however their lists are written."""
    return bool(_reduce_policy(json.loads(left)) == _reduce_policy(json.loads(right)))


def same_container(left: str, right: str) -> bool:
    """Whether two container properties of Batch describe the same container."""
    return bool(_reduce_container(json.loads(left)) == _reduce_container(json.loads(right)))


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


def _reduce_container(value: Any) -> Any:
    if isinstance(value, dict):
        reduced = {name: _reduce_member(name, item) for name, item in value.items()}
        return {name: item for name, item in reduced.items() if item not in (None, [], {})}
    if isinstance(value, list):
        return [_reduce_container(item) for item in value]
    return value


def _reduce_member(name: str, value: Any) -> Any:
    if name == "environment" and isinstance(value, list):
        return sorted((item for item in value if item.get("value")), key=_sort_key)
    if name == "fargatePlatformConfiguration" and value == _DEFAULT_PLATFORM:
        return None
    return _reduce_container(value)


def _sort_key(value: object) -> str:
    return json.dumps(value, sort_keys=True)
