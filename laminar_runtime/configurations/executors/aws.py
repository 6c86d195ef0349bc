"""The executors on AWS: ``executors.AWS.Batch``, ``executors.AWS.Lambda``, and ``executors.AWS.Auto`` for either."""

from __future__ import annotations

from typing import Any, ClassVar, Literal

from laminar_runtime import _records
from laminar_runtime.configurations.executors.aws_batch import Batch
from laminar_runtime.configurations.executors.base import TASK_SECONDS, positive
from laminar_runtime.configurations.executors.placement import check_role
from laminar_runtime.configurations.executors.process import Process
from laminar_runtime.configurations.executors.tasks import Task
from laminar_runtime.configurations.layers import Container
from laminar_runtime.configurations.networks import Network, check_network
from laminar_runtime.exceptions import FlowError
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


def _executor_on_aws(_: object, attribute: _records.Field, value: Any) -> None:
    kind = {"batch": Batch, "function": Lambda}[attribute.name]
    if not isinstance(value, kind):
        example = f"{attribute.name}=executors.AWS.{kind.__name__}()"
        raise FlowError(f"the {attribute.name} of AWS.Auto must be such as in {example}, not {value!r}")


@_records.define(eq=False)
class Auto(Process):
    """Has the compiler choose where each deployed layer runs: on AWS Lambda or on AWS Batch.

    The compiler predicts, by the measured seconds of a profile, when the layer ends on both and what that costs. It
    takes AWS Lambda for layers that end sooner there, and AWS Batch for those that end about as soon and cost less,
    and for those that AWS Lambda cannot run: those that fan out or may take too long, and those whose container or
    hooks need a job. Without a profile all layers run on AWS Batch. ``laminar-codegen check`` prints the choice.

    The image must be one for both: in ECR, and with ``laminar-terraform[lambda]``. If this process schedules the flow,
    the tasks run as with `batch`.

    Args:
        batch: The executor of layers on AWS Batch, with their queue, role and timeout.
        function: The executor of layers on AWS Lambda, with their role, network and timeout. A layer takes at most a
            third of this timeout, by the profile: so a short one keeps longer layers on AWS Batch.

    Raises:
        FlowError: If one of the executors is of another kind, or both name the same role: a role trusts one service.

    Example:
        >>> from laminar_runtime.configurations.executors import AWS
        >>> AWS.Auto(batch=AWS.Batch(queue="big"), function=AWS.Lambda(timeout=60)).function.timeout
        60
    """

    batch: Batch = _records.field(factory=Batch, validator=_executor_on_aws, kw_only=True)
    function: Lambda = _records.field(factory=Lambda, validator=_executor_on_aws, kw_only=True)
    #: Those of `batch`, as of a task on this machine.
    concurrency: int = _records.field(default=1, init=False, repr=False)
    timeout: float = _records.field(default=TASK_SECONDS, init=False, repr=False)

    def __post_init__(self) -> None:
        if self.batch.role is not None and self.batch.role == self.function.role:
            msg = f"AWS.Auto has the role {self.batch.role!r} for jobs and for functions, and a role trusts one service"
            raise FlowError(f"{msg}: give them different ones")
        # As defaults: nobody gave them.
        self.__dict__.update(concurrency=self.batch.concurrency, timeout=self.batch.timeout)

    def finds_volumes(self) -> Literal["folder", "mount", "aws"]:
        """Return where tasks find volumes: as with `batch`, because functions have none."""
        return self.batch.finds_volumes()

    def overrides(self, container: Container) -> dict[str, Any]:
        """Return what a deployed job overrides of its container: a layer whose hooks choose that runs on AWS Batch.

        Args:
            container: The container after the hooks.

        Raises:
            LayerError: If there is no such size.
        """
        return self.batch.overrides(container)

    async def submit(self, task: Task) -> None:
        """Run a task to its end, as with `batch`.

        Args:
            task: The task.

        Raises:
            TaskError: If the task fails.
            FlowError: If this process submits the job, and it cannot be submitted.
        """
        await self.batch.submit(task)


class AWS:
    """The executors on AWS.

    Example:
        >>> AWS.Lambda(timeout=60).timeout
        60
    """

    Auto = Auto
    Batch = Batch
    Lambda = Lambda
