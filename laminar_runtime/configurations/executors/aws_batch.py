"""Tasks as AWS Batch jobs: those of a deployed flow, or, given a job queue, scheduled from this process."""

from __future__ import annotations

import weakref
from typing import TYPE_CHECKING, Any, Literal

from laminar_runtime import _records
from laminar_runtime.configurations.executors.base import positive
from laminar_runtime.configurations.executors.process import Process
from laminar_runtime.configurations.executors.tasks import Task
from laminar_runtime.exceptions import FlowError
from laminar_runtime.process import processors

if TYPE_CHECKING:
    import asyncio

__all__ = ["Batch"]


def _known(_: object, __: _records.Field, value: Any) -> None:
    if value not in {"FARGATE", "EC2"}:
        raise FlowError(f"the platform of AWS.Batch must be 'FARGATE' or 'EC2', not {value!r}")


@_records.define(eq=False)
class Batch(Process):
    """Runs each task as an AWS Batch job.

    Deployed, the jobs go to the job queues that the Terraform document is given: a queue and a role need not be named
    here, nor images in the containers. Where this process schedules, they are jobs of the queue and the role that are
    named here, on EC2 capacity; the datastore must then be in S3, and each container must name an image and may not ask
    for secrets. Without queue and role, this process runs the tasks as `Process` does, and needs no AWS.

    Args:
        job_queue_arn: The job queue, of EC2 capacity, for jobs that this process submits.
        job_role_arn: The role of these jobs: it reads and writes the datastore.
        poll: Seconds between two looks at the jobs.
        platform: What deployed jobs run on, ``FARGATE`` or ``EC2``. EC2 has GPUs, other log drivers, and instances of
            your choice.
        concurrency: How many tasks run at once as processes. A job queue decides itself how many jobs do.
        timeout: Seconds after which a task is stopped.

    Raises:
        FlowError: If a queue is given without a role or a role without a queue, or the platform is not known.

    Example:
        >>> from laminar_runtime.configurations.executors import AWS
        >>> queue = "arn:aws:batch:us-east-1:123456789012:job-queue/flows"
        >>> AWS.Batch(queue, "arn:aws:iam::123456789012:role/task").poll
        30.0
        >>> AWS.Batch(platform="EC2", timeout=3600).platform
        'EC2'
    """

    job_queue_arn: str | None = None
    job_role_arn: str | None = None
    poll: float = _records.field(default=30.0, validator=positive)
    platform: Literal["FARGATE", "EC2"] = _records.field(default="FARGATE", validator=_known, kw_only=True)
    concurrency: int = _records.field(factory=processors.available, validator=positive, kw_only=True)
    timeout: float = _records.field(default=86400, validator=positive, kw_only=True)
    _dispatchers: weakref.WeakKeyDictionary[asyncio.AbstractEventLoop, Any] = _records.field(
        factory=weakref.WeakKeyDictionary, init=False, repr=False
    )

    def __post_init__(self) -> None:
        if bool(self.job_queue_arn) != bool(self.job_role_arn):
            raise FlowError("AWS.Batch takes a job queue and a job role, or neither: give both, or none")

    async def submit(self, task: Task) -> None:
        """Run a task to its end.

        Args:
            task: The task.

        Raises:
            TaskError: If it fails.
            FlowError: If a job is to be submitted, and its container has no image or asks for secrets, or the datastore
                is not in S3.
        """
        import asyncio

        from laminar_runtime.configurations.executors.batch_dispatch import Dispatcher

        if not (self.job_queue_arn and self.job_role_arn):
            await super().submit(task)
            return
        _check_submittable(task)
        loop = asyncio.get_running_loop()
        if loop not in self._dispatchers:
            self._dispatchers[loop] = Dispatcher(self.job_queue_arn, self.job_role_arn, self.poll, self.timeout)
        await self._dispatchers[loop].run(task)


def _check_submittable(task: Task) -> None:
    if not task.datastore_root.startswith("s3://"):
        msg = f"flow '{task.context.flow}': AWS Batch jobs need a datastore in S3, as in datastores.AWS.S3(root=...)"
        raise FlowError(msg)
    layer = f"layer '{task.context.layer}' of flow '{task.context.flow}'"
    if task.container.image is None:
        raise FlowError(f"{layer} needs an image: Container(image=...)")
    if task.container.secrets:
        msg = (
            f"{layer} asks for secrets, and jobs that this process submits have no execution role to read them with: "
            "deploy the flow, or have the task read them itself"
        )
        raise FlowError(msg)
