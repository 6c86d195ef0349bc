"""The network of Lambda functions: subnets and security groups of a VPC."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from laminar_runtime import _records
from laminar_runtime.exceptions import FlowError
from laminar_runtime.variables import ListVariable, Text, Variable

__all__ = ["Network"]


def _check_ids(_: object, attribute: _records.Field, value: Any) -> None:
    if isinstance(value, ListVariable):
        return
    if not (isinstance(value, (list, tuple)) and all(isinstance(one, (str, Variable)) for one in value)):
        msg = f"the {attribute.name} of a Network must be a list of ids, or a ListVariable, not {value!r}"
        raise FlowError(msg)


def _to_tuple(value: Any) -> Any:
    return tuple(value) if isinstance(value, list) else value


@_records.frozen
class Network:
    """The subnets and the security groups of a VPC that functions of AWS Lambda are connected to.

    A function needs both: with subnets of a VPC it reaches what they reach, and nothing else. It has no public address,
    so it reaches services of AWS by endpoints of the VPC or by a NAT gateway. On this machine a network has no meaning.
    https://docs.aws.amazon.com/lambda/latest/dg/configuration-vpc.html

    Args:
        subnets: The ids of up to 16 subnets, texts or `Variable`; or a `ListVariable` for all of them.
        security_groups: The ids of up to five security groups, in the same way.

    Raises:
        FlowError: If one of them is not a list of texts.

    Example:
        >>> from laminar_runtime.variables import ListVariable
        >>> Network(subnets=["subnet-0a1b2c3d"], security_groups=ListVariable("flow_security_group_ids")).subnets
        ('subnet-0a1b2c3d',)
    """

    subnets: Sequence[Text] | ListVariable = _records.field(converter=_to_tuple, validator=_check_ids)
    security_groups: Sequence[Text] | ListVariable = _records.field(converter=_to_tuple, validator=_check_ids)


def check_network(_: object, attribute: _records.Field, value: Any) -> None:
    """Validate an argument that is a network or None.

    Raises:
        FlowError: If it is neither.
    """
    if value is not None and not isinstance(value, Network):
        raise FlowError(f"the {attribute.argument} of functions must be a Network, not {value!r}")
