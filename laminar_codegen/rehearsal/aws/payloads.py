"""Between the data of states (PascalCase JSON) and the data of AWS APIs as botocore models it.

https://docs.aws.amazon.com/step-functions/latest/dg/supported-services-awssdk.html
"""

from __future__ import annotations

import datetime as dt
import json
import re
from collections.abc import Iterable, Mapping
from typing import Any

from botocore.model import ListShape, MapShape, Shape, StringShape, StructureShape
from botocore.response import StreamingBody

__all__ = ["RefusedArgumentsError", "compact_json", "from_api", "to_api"]

_INTEGERS = frozenset({"integer", "long"})
#: Where a word of a name begins: `jobArn`, `ETag`.
_WORD = re.compile("((?<=[a-z0-9])[A-Z]|(?!^)[A-Z](?=[a-z]))")


class RefusedArgumentsError(Exception):
    """Arguments that Step Functions refuses when it evaluates them."""


def compact_json(value: Any) -> str:
    """Return JSON without white space, as Step Functions writes it: states may look for a field in a cause's text."""
    return json.dumps(value, separators=(",", ":"), ensure_ascii=False)


def to_api(arguments: Mapping[str, Any], shape: Shape | None, *, typed: bool) -> dict[str, Any]:
    """Turn the Arguments of a task into the parameters of an API.

    Args:
        arguments: The Arguments.
        shape: The input of the operation, None if it has none.
        typed: Whether values are taken as they are, as the optimised integration of Batch does; others write an object
            that is given where the API wants text as JSON text.

    Returns:
        The parameters.

    Raises:
        RefusedArgumentsError: What Step Functions refuses.
    """
    if not isinstance(shape, StructureShape):
        _refuse_unknown(arguments, ())
        return {}
    return _structure(arguments, shape, typed=typed)


def from_api(answer: Any, shape: Shape | None) -> Any:
    """Turn the answer of an API into what states see: names in PascalCase, no dates, bytes or open streams.

    Args:
        answer: The answer, without botocore's metadata.
        shape: The output of the operation, None if it has none.

    Raises:
        UnicodeDecodeError: If it has bytes that are no text.
    """
    if isinstance(shape, StructureShape) and isinstance(answer, dict):
        return {_pascal(name): from_api(value, shape.members.get(name)) for name, value in answer.items()}
    if isinstance(shape, ListShape) and isinstance(answer, list):
        return [from_api(item, shape.member) for item in answer]
    if isinstance(shape, MapShape) and isinstance(answer, dict):
        return {key: from_api(value, shape.value) for key, value in answer.items()}
    if isinstance(answer, StreamingBody | bytes):
        return (answer if isinstance(answer, bytes) else answer.read()).decode()
    if isinstance(answer, dt.datetime):
        return answer.astimezone(dt.UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
    return answer


def _structure(value: Any, shape: StructureShape, *, typed: bool) -> dict[str, Any]:
    if not isinstance(value, dict):
        raise RefusedArgumentsError(f"The value for {shape.name} must be an OBJECT")
    members = {_plain(name): (name, member) for name, member in shape.members.items()}
    _refuse_unknown(value, [name for name in value if name[:1].isupper() and _plain(name) in members])
    converted = {}
    for key, item in value.items():
        name, member = members[_plain(key)]
        converted[name] = _value(key, item, member, typed=typed)
    return converted


def _refuse_unknown(parameters: Iterable[str], known: Iterable[str]) -> None:
    for name in parameters:
        if name not in known:
            raise RefusedArgumentsError(f"The field '{name}' is not supported by Step Functions")


def _value(field: str, value: Any, shape: Shape, *, typed: bool) -> Any:
    if isinstance(shape, StructureShape):
        return _structure(value, shape, typed=typed)
    if isinstance(shape, ListShape):
        if not isinstance(value, list):
            raise RefusedArgumentsError(f"The value for the field '{field}' must be an ARRAY")
        return [_value(field, item, shape.member, typed=typed) for item in value]
    if isinstance(shape, MapShape) and isinstance(value, dict):
        return {key: _value(key, item, shape.value, typed=typed) for key, item in value.items()}
    if isinstance(shape, StringShape):
        return _text(field, value, typed=typed)
    if shape.type_name == "blob":
        return compact_json(value).encode()
    if typed and shape.type_name in _INTEGERS and not _is_integer(value):
        raise RefusedArgumentsError(f"The value for the field '{field}' must be an INTEGER")
    return value


def _text(field: str, value: Any, *, typed: bool) -> str:
    if isinstance(value, str):
        return value
    if typed:
        raise RefusedArgumentsError(f"The value for the field '{field}' must be a STRING")
    return compact_json(value)


def _is_integer(value: Any) -> bool:
    return isinstance(value, int) and not isinstance(value, bool)


def _plain(name: str) -> str:
    """Return a name whose case and underscores do not matter: `SseKmsKeyId` is the API's `SSEKMSKeyId`."""
    return name.replace("_", "").lower()


def _pascal(name: str) -> str:
    return "".join(word.title() for word in _WORD.sub(r"_\1", name).split("_"))
