"""Terraform's arguments as the members of an AWS operation, and back.

`max_vcpus` is `maxvCpus` in Batch, `kms_master_key_id` is `KMSMasterKeyID` in S3. Without
underscores and in lower case the names are mostly equal, so they are matched that way against
botocore's model of the operation, and only exceptions are written down. A set argument that matches
nothing is an error: the stand-in must not accept what it does not do.

    {"type": "FARGATE", "max_vcpus": 8}  <->  {"type": "FARGATE", "maxvCpus": 8}
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import datetime
from typing import Any

from tools.terraform_standin.errors import NotImplementedByStandInError
from tools.terraform_standin.schema import Block
from tools.terraform_standin.values import State


def to_api(arguments: State, shape: Any, renames: Mapping[str, str], path: str) -> State:
    """Write arguments as the members of a structure; null and empty blocks are left out."""
    members = {_fold(name): name for name in shape.members}
    request: State = {}
    for name, value in arguments.items():
        if value is None or value == []:
            continue
        member = renames.get(name) or members.get(_fold(name))
        if member is None:
            message = f"the stand-in AWS provider has no argument {path}.{name}"
            raise NotImplementedByStandInError(message)
        request[member] = _value_to_api(value, shape.members[member], _inner(renames, name), f"{path}.{name}")
    return request


def from_api(response: Mapping[str, Any], block: Block, renames: Mapping[str, str]) -> State:
    """Read a response as attributes and blocks, without those that it does not have."""
    members = {_fold(name): name for name in response}
    state: State = {}
    for name in (*block.attributes, *block.blocks):
        member = renames.get(name) or members.get(_fold(name))
        value = response.get(member) if member else None
        if value is None:
            continue
        if name in block.attributes:
            state[name] = _attribute_from_api(value, block.attributes[name].type)
        else:
            items = value if isinstance(value, list) else [value]
            inner = block.blocks[name].block
            state[name] = [from_api(item, inner, _inner(renames, name)) for item in items]
    return state


def tags_to_api(tags: Mapping[str, str], shape: Any, kind: str) -> State:
    """Write tags as the member that an operation has for them.

    ``{"a": "1"}`` is ``{"tags": {"a": "1"}}``, ``{"Tags": [{"Key": "a", "Value": "1"}]}``, or in EC2
    ``{"TagSpecifications": [{"ResourceType": kind, "Tags": [...]}]}``.
    """
    if "TagSpecifications" in shape.members:
        pairs = [{"Key": key, "Value": value} for key, value in tags.items()]
        return {"TagSpecifications": [{"ResourceType": kind, "Tags": pairs}]}
    name = next((name for name in shape.members if _fold(name) == "tags"), None)
    if name is None:
        message = f"the operation has no parameter for tags: {', '.join(shape.members)}"
        raise NotImplementedByStandInError(message)
    member = shape.members[name]
    if member.type_name == "map":
        return {name: dict(tags)}
    names = {_fold(item).removeprefix("tag"): item for item in member.member.members}
    return {name: [{names["key"]: key, names["value"]: value} for key, value in tags.items()]}


def _fold(name: str) -> str:
    return name.replace("_", "").lower()


def _inner(renames: Mapping[str, str], name: str) -> dict[str, str]:
    start = f"{name}."
    return {key.removeprefix(start): value for key, value in renames.items() if key.startswith(start)}


def _value_to_api(value: Any, shape: Any, renames: Mapping[str, str], path: str) -> Any:
    if shape.type_name == "structure":
        body = value[0] if isinstance(value, list) else value
        return to_api(body, shape, renames, path)
    if shape.type_name == "list":
        items = value if isinstance(value, list) else [value]
        return [_value_to_api(item, shape.member, renames, path) for item in items]
    if shape.type_name == "map":
        return {key: _value_to_api(item, shape.value, {}, path) for key, item in value.items()}
    return _SCALARS.get(shape.type_name, _same)(value)


def _flag(value: object) -> bool:
    # Some of Terraform's arguments are texts where AWS has a flag.
    return value in (True, "true")


def _same(value: object) -> object:
    return value


_SCALARS: dict[str, Callable[[Any], object]] = {
    "boolean": _flag,
    "double": float,
    "float": float,
    "integer": int,
    "long": int,
    "string": str,
}


def _attribute_from_api(value: Any, type_: Any) -> Any:
    if isinstance(type_, list):
        kind, element = type_
        if kind == "map":
            return {key: _attribute_from_api(item, element) for key, item in value.items()}
        return [_attribute_from_api(item, element) for item in value]
    if type_ == "string":
        return _string_from_api(value)
    return value


def _string_from_api(value: object) -> str:
    if isinstance(value, datetime):
        return value.strftime("%Y-%m-%dT%H:%M:%SZ")
    if isinstance(value, bool):
        return str(value).lower()
    return str(value)
