"""The executors on AWS: ``executors.AWS.Batch`` and ``executors.AWS.Lambda``."""

from __future__ import annotations

from typing import Any, ClassVar

from laminar_runtime import _records
from laminar_runtime.configurations.executors.aws_batch import Batch
from laminar_runtime.configurations.executors.base import positive
from laminar_runtime.configurations.executors.placement import check_role
from laminar_runtime.configurations.executors.process import Process
from laminar_runtime.configurations.layers import Container
from laminar_runtime.configurations.networks import Network, check_network
from laminar_runtime.limits import LAMBDA_SECONDS, MAP_CONCURRENCY, MAX_INVOCATIONS
from laminar_runtime.process import processors

__all__ = ["AWS"]


@_records.define(eq=False)
class Lambda(Process):
    """Runs each task of a deployed flow as an invocation of a Lambda function.

    An invocation starts in seconds; an AWS Batch job takes a minute or more. It may run for 15 minutes. The image must
    be in ECR and contain ``laminar-terraform[lambda]``. `Container.memory` is from 128 to 10,240 MiB. AWS Lambda
    allocates one processor per 1,769 MiB, so `Container.cpu` stays at its default. A fan-out has at most 1,000 splits:
    https://docs.aws.amazon.com/lambda/latest/dg/gettingstarted-limits.html

    If this process schedules the flow, the tasks run as with `Process`, without AWS.

    Args:
        timeout: Seconds after which a task is stopped, at most 900.
        concurrency: The maximum number of concurrent tasks. For a deployed flow it is that of the splits of a layer, at
            most 40. On this machine it is that of all tasks, at most the number of processors of this process.
        role: A name for a role of its own, such as ``loader``: the variable ``loader_role_arn`` of the deployment. It
            is made with the permissions that the layers with this name need, unless it is given.
        network: The subnets and security groups of the function of a deployed layer. By default those of
            `AWS.StepFunctions(network=...)`.

    Raises:
        FlowError: If a number is not greater than 0, the name of the role is not valid, or `network` is no network.

    Example:
        >>> from laminar_runtime.configurations.executors import AWS
        >>> AWS.Lambda(timeout=60).timeout
        60
    """

    service: ClassVar[str] = "AWS Lambda"
    overridable: ClassVar[tuple[str, ...]] = ()
    fixed: ClassVar[str] = "AWS Lambda cannot change for one invocation: run the layer on AWS Batch"
    most_splits: ClassVar[int | None] = MAX_INVOCATIONS
    claims_splits: ClassVar[bool] = False

    timeout: float = _records.field(default=LAMBDA_SECONDS[1], validator=positive, kw_only=True)
    concurrency: int = _records.field(default=MAP_CONCURRENCY, validator=positive, kw_only=True)
    role: str | None = _records.field(default=None, validator=check_role, kw_only=True)
    network: Network | None = _records.field(default=None, validator=check_network, kw_only=True)

    def overrides(self, container: Container) -> dict[str, Any]:  # noqa: ARG002 - the same for all
        """Return what an invocation overrides of its container: nothing.

        Args:
            container: The container after the hooks.
        """
        return {}

    def _at_once(self) -> int:
        return min(self.concurrency, processors.available())


class AWS:
    """The executors on AWS.

    Example:
        >>> AWS.Lambda(timeout=60).timeout
        60
    """

    Batch = Batch
    Lambda = Lambda
