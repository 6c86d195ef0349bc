"""Planners: where the planner of a deployed flow runs. `AWS.StepFunctions(planner=...)` takes one.

The planner decides before a layer starts what only Python code can decide, such as the number of its splits. It runs
the container's own command. Without this argument it is a Lambda function of the flow's image. On this machine the
scheduler plans layers itself, and a planner has no effect.
"""

from __future__ import annotations

from typing import Any

from laminar_runtime import _records
from laminar_runtime.configurations.executors.base import positive
from laminar_runtime.configurations.networks import Network, check_network
from laminar_runtime.exceptions import FlowError
from laminar_runtime.variables import Text, Variable

__all__ = ["AWS", "Planner"]


class Planner:
    """Base of all planners."""

    image: Text | None


def _check_image(_: object, __: _records.Field, value: Any) -> None:
    if value is not None and not isinstance(value, (str, Variable)):
        raise FlowError(f"the image of a planner must be text or a Variable, not {value!r}")


def _check_memory(_: object, __: _records.Field, value: Any) -> None:
    if not isinstance(value, int) or isinstance(value, bool) or value <= 0:
        raise FlowError(f"the memory of a planner must be whole MiB greater than 0, not {value!r}")


@_records.frozen(kw_only=True)
class Lambda(Planner):
    """Plans layers by a function of AWS Lambda.

    Args:
        memory: Memory in MiB, from 128 to 10,240.
        timeout: Seconds after which an answer is late, from 1 to 900.
        network: The subnets and security groups of the function. By default those of
            `AWS.StepFunctions(network=...)`.
        image: Its image, in ECR, for a flow whose own image is larger than the 10 GB that AWS Lambda accepts. A
            `Variable` without a default may be left out when the flow is deployed: the function then has the flow's
            image. By default it has that of the layer that it plans.

    Raises:
        FlowError: If an argument has a wrong type, or a number is not greater than 0.

    Example:
        >>> from laminar_runtime import Variable
        >>> Lambda(memory=2048, timeout=120, image=Variable("planner_image")).memory
        2048
    """

    memory: int = _records.field(default=1024, validator=_check_memory)
    timeout: float = _records.field(default=300, validator=positive)
    network: Network | None = _records.field(default=None, validator=check_network)
    image: Text | None = _records.field(default=None, validator=_check_image)


class AWS:
    """The planners on AWS.

    Example:
        >>> AWS.Lambda(timeout=120).timeout
        120
    """

    Lambda = Lambda
