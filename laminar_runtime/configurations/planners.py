"""Planners: where the planner of a deployed flow runs. `AWS.StepFunctions(planner=...)` takes one.

The planner decides before a layer starts what only Python code can decide, such as the number of its splits. It runs
the container's own command. Without this argument it is a Lambda function of the flow's image. On this machine the
scheduler plans layers itself, and a planner has no effect.
"""

from __future__ import annotations

from typing import Any, Literal

from laminar_runtime import _records
from laminar_runtime.configurations.executors.aws_batch import validate_platform
from laminar_runtime.configurations.executors.base import positive
from laminar_runtime.configurations.executors.placement import check_priority, check_queue, check_share
from laminar_runtime.configurations.networks import Network, check_network
from laminar_runtime.exceptions import FlowError
from laminar_runtime.variables import Text, Variable

__all__ = ["AWS", "Planner"]


class Planner:
    """Base of all planners."""


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


@_records.frozen(kw_only=True)
class Batch(Planner):
    """Plans layers by jobs of AWS Batch, where an organisation has no AWS Lambda.

    Each question to the planner is a job, which takes the start of a container: half a minute or more on Fargate.

    Args:
        cpu: Virtual CPUs.
        memory: Memory in MiB. On Fargate both are rounded up to the next size.
        timeout: Seconds after which a job is stopped, at least 60.
        platform: The platform of the jobs: ``FARGATE`` or ``EC2``.
        queue: A name for a job queue of its own: see `executors.AWS.Batch`.
        share_identifier: The share that the jobs count for: see `executors.AWS.Batch`.
        priority: The priority of the jobs within their share, from 0 to 9999.

    Raises:
        FlowError: If an argument has a wrong type, a number is out of its range, the platform is unknown, a name is not
            valid, or there is a priority without a share.

    Example:
        >>> Batch(cpu=0.5, memory=1024).platform
        'FARGATE'
    """

    cpu: float = _records.field(default=1, validator=positive)
    memory: int = _records.field(default=2048, validator=_check_memory)
    timeout: float = _records.field(default=3600, validator=positive)
    platform: Literal["FARGATE", "EC2"] = _records.field(default="FARGATE", validator=validate_platform)
    queue: str | None = _records.field(default=None, validator=check_queue)
    share_identifier: Text | None = _records.field(default=None, validator=check_share)
    priority: int | None = _records.field(default=None, validator=check_priority)

    def __post_init__(self) -> None:
        if self.priority is not None and self.share_identifier is None:
            raise FlowError("the planner has a priority, which counts within a share only: add share_identifier=...")


class AWS:
    """The planners on AWS.

    Example:
        >>> AWS.Lambda(timeout=120).timeout
        120
    """

    Batch = Batch
    Lambda = Lambda
