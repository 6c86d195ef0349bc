"""Between the data of states (PascalCase JSON) and the data of AWS APIs as botocore models it."""

from __future__ import annotations

import datetime as dt
import functools
import re
from collections.abc import Collection, Mapping
from typing import Any

from botocore.model import ListShape, MapShape, OperationModel, Shape, StringShape, StructureShape
from moto.stepfunctions.parser.asl.utils.encoding import to_json_str
from moto.stepfunctions.parser.utils import camel_to_snake_case

# The optimised integration of Batch takes the values as they are; others write an object that is
# given where the API wants text as JSON text.
_TYPED_SERVICES = frozenset({"batch"})
_INTEGERS = frozenset({"integer", "long"})

#: JSON without white space, as Step Functions writes it: states may look for a field in the text of a cause.
compact_json = functools.partial(to_json_str, separators=(",", ":"))


class RefusedArgumentsError(Exception):
    """Arguments that Step Functions refuses when it evaluates them."""


def operation(client: Any, action: str) -> OperationModel:
    """Return the model of an action that is named as a method of its client."""
    name = client.meta.method_to_api_mapping[action]
    model: OperationModel = client.meta.service_model.operation_model(name)
    return model


def to_api(client: Any, action: str, parameters: dict[str, Any]) -> None:
    """Turn a task's Arguments into an API's parameters, in place.

    Raises RefusedArgumentsError for what Step Functions refuses.
    """
    shape = operation(client, action).input_shape
    typed = client.meta.service_model.service_name in _TYPED_SERVICES
    converted = {} if shape is None else _structure(parameters, shape, typed=typed)
    parameters.clear()
    parameters.update(converted)


def refuse_unknown(parameters: Mapping[str, Any], known: Collection[str]) -> None:
    """Raise RefusedArgumentsError for a field that is not known."""
    for name in parameters:
        if name not in known:
            raise RefusedArgumentsError(f"The field '{name}' is not supported by Step Functions")


def make_json(value: Any) -> Any:
    """Replace what JSON cannot hold (dates, bytes) in place; returns what replaces the value."""
    if isinstance(value, dt.datetime):
        return value.astimezone(dt.UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
    if isinstance(value, bytes):
        return value.decode()
    if isinstance(value, dict):
        value.update({key: make_json(item) for key, item in value.items()})
    elif isinstance(value, list):
        value[:] = [make_json(item) for item in value]
    return value


def error_prefix(service: str) -> str:
    """Moto leaves a service's name as it stands in the ARN: `s3` for what AWS reports as `S3`."""
    known = {
        "dynamodb": "DynamoDb",
        "eventbridge": "EventBridge",
        "secretsmanager": "SecretsManager",
    }
    return known.get(service.lower(), service[:1].upper() + service[1:])


def _structure(value: Any, shape: StructureShape, *, typed: bool) -> dict[str, Any]:
    if not isinstance(value, dict):
        raise RefusedArgumentsError(f"The value for {shape.name} must be an OBJECT")
    members = {_normal(name): (name, member) for name, member in shape.members.items()}
    refuse_unknown(value, [name for name in value if _is_pascal(name) and _normal(name) in members])
    converted = {}
    for key, item in value.items():
        name, member = members[_normal(key)]
        converted[name] = _value(key, item, member, typed=typed)
    return converted


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
    if shape.type_name == "blob" and not isinstance(value, bytes):
        return compact_json(value).encode()
    if typed and shape.type_name in _INTEGERS and not _is_integer(value):
        raise RefusedArgumentsError(f"The value for the field '{field}' must be an INTEGER")
    return value


def _text(field: str, value: Any, *, typed: bool) -> str:
    if isinstance(value, str):
        return value
    if typed:
        raise RefusedArgumentsError(f"The value for the field '{field}' must be a STRING")
    return to_json_str(value)


def _is_integer(value: Any) -> bool:
    return isinstance(value, int) and not isinstance(value, bool)


def _is_pascal(name: str) -> bool:
    return re.match("[A-Z]", name) is not None


def _normal(name: str) -> str:
    normal: str = camel_to_snake_case(name)
    return normal
