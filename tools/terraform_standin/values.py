"""Terraform values on the wire, and the one thing Python has no value for: the unknown.

Terraform sends MessagePack, in which an extension stands for a value known only after apply. The
extension may carry refinements ("not null", "starts with arn:"), so it is kept as it came:
Terraform compares what it sent with what it gets back.
"""

from __future__ import annotations

import json
from typing import Any

import msgpack  # type: ignore[import-untyped]  # it has no types
from attrs import frozen
from tf.gen import tfplugin_pb2 as pb

State = dict[str, Any]


@frozen
class Unknown:
    """A value that is known only after apply, as Terraform encoded it."""

    code: int
    data: bytes


UNKNOWN = Unknown(0, b"\x00")


def decode(value: pb.DynamicValue) -> Any:
    """Read a value of the protocol; a null object becomes None."""
    if value.json:
        return json.loads(value.json)
    if not value.msgpack:
        return None
    return msgpack.unpackb(value.msgpack, ext_hook=Unknown, strict_map_key=False)


def encode(value: Any) -> pb.DynamicValue:
    """Write a value for the protocol."""
    return pb.DynamicValue(msgpack=msgpack.packb(value, default=_encode_unknown))


def has_unknown(value: object) -> bool:
    """Return whether any part of the value is known only after apply."""
    if isinstance(value, dict):
        return any(has_unknown(item) for item in value.values())
    if isinstance(value, list):
        return any(has_unknown(item) for item in value)
    return isinstance(value, Unknown)


def without_unknown(value: Any) -> Any:
    """Replace unknown values by null, as a request to AWS needs them."""
    if isinstance(value, dict):
        return {name: without_unknown(item) for name, item in value.items()}
    if isinstance(value, list):
        return [without_unknown(item) for item in value]
    return None if isinstance(value, Unknown) else value


def _encode_unknown(value: object) -> msgpack.ExtType:
    if isinstance(value, Unknown):
        return msgpack.ExtType(value.code, value.data)
    message = f"not a Terraform value: {value!r}"
    raise TypeError(message)
