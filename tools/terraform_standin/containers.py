"""When two container properties of Batch mean the same: both are decoded into the SDK's type, reduced, and compared.

    {"Image": "a", "colour": "red", "environment": []}   and   {"image": "a"}   mean the same

Decoding takes names of members in any case and drops the unknown ones, as Go's JSON does. Only the members that are
listed here may be empty where they are absent; the order of other lists counts.
"""

from __future__ import annotations

import json
from functools import cache, partial
from typing import Any

from tools.terraform_standin.errors import InvalidConfigurationError
from tools.terraform_standin.text_equality import TextEquality

__all__ = ["decode", "same", "without_null"]

#: Members that may be empty where they are absent.
_EMPTY = frozenset(
    {
        "command",
        "devices",
        "environment",
        "mountOptions",
        "mountPoints",
        "options",
        "permissions",
        "resourceRequirements",
        "secretOptions",
        "secrets",
        "tmpfs",
        "ulimits",
        "volumes",
    }
)
#: The answer of AWS for a container on Fargate without one.
_DEFAULT_PLATFORM = {"platformVersion": "LATEST"}
_TYPES: dict[str, tuple[type, ...]] = {
    "boolean": (bool,),
    "integer": (int,),
    "list": (list,),
    "long": (int,),
    "map": (dict,),
    "string": (str,),
    "structure": (dict,),
}


def same(shape: str) -> TextEquality:
    """Return whether two JSON texts describe the same, as a function.

    Args:
        shape: The type of the SDK that they are decoded into, such as ``ContainerProperties``.
    """
    return partial(_same, shape)


def decode(shape: str, text: str) -> Any:
    """Return what a JSON text is in the SDK's type.

    Args:
        shape: The type.
        text: The text.

    Raises:
        InvalidConfigurationError: If a value has another type.
    """
    return _decode(json.loads(text), _model().shape_for(shape), shape)


def without_null(value: Any) -> Any:
    """Return a decoded value without the members that are null, which are not sent.

    Args:
        value: The value.
    """
    if isinstance(value, dict):
        return {name: without_null(item) for name, item in value.items() if item is not None}
    return [without_null(item) for item in value] if isinstance(value, list) else value


def _same(shape: str, left: str, right: str) -> bool:
    return bool(_reduce(decode(shape, left)) == _reduce(decode(shape, right)))


@cache
def _model() -> Any:
    from botocore.session import Session  # slow to import, and not needed to declare the schemas

    return Session().get_service_model("batch")


def _decode(value: Any, shape: Any, path: str) -> Any:
    wanted: Any = _TYPES.get(shape.type_name)
    if value is None or wanted is None:
        return value
    if not isinstance(value, wanted) or (isinstance(value, bool) and shape.type_name in ("integer", "long")):
        message = f"{path}: cannot decode {json.dumps(value)} as {shape.type_name}"
        raise InvalidConfigurationError(message)
    if shape.type_name == "structure":
        members = {name.lower(): name for name in shape.members}
        known = {members[name.lower()]: item for name, item in value.items() if name.lower() in members}
        return {name: _decode(item, shape.members[name], f"{path}.{name}") for name, item in known.items()}
    if shape.type_name == "list":
        return [_decode(item, shape.member, path) for item in value]
    return value


def _reduce(value: Any) -> Any:
    if isinstance(value, dict):
        reduced = {name: _reduce_member(name, item) for name, item in value.items()}
        return {name: item for name, item in reduced.items() if item is not None}
    if isinstance(value, list):
        return [_reduce(item) for item in value]
    return value


def _reduce_member(name: str, value: Any) -> Any:
    if name == "environment" and isinstance(value, list):
        value = sorted((item for item in value if item.get("value")), key=lambda item: str(item.get("name")))
    if name == "fargatePlatformConfiguration" and value == _DEFAULT_PLATFORM:
        return None
    if name in _EMPTY and not value:
        return None
    return _reduce(value)
