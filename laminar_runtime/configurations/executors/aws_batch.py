"""Tasks as AWS Batch jobs: of a deployed flow or, with a job queue, submitted by this process."""

from __future__ import annotations

import weakref
from typing import TYPE_CHECKING, Any, Literal

from laminar_runtime import _records
from laminar_runtime.configurations.executors.base import TASK_SECONDS, positive
from laminar_runtime.configurations.executors.placement import check_priority, check_queue, check_role, check_share
from laminar_runtime.configurations.executors.process import Process
from laminar_runtime.configurations.executors.tasks import Task
from laminar_runtime.configurations.layers import Container
from laminar_runtime.exceptions import FlowError
from laminar_runtime.process import processors
from laminar_runtime.variables import Text, text_of

if TYPE_CHECKING:
    import asyncio

__all__ = ["Batch", "validate_platform"]


def validate_platform(_: object, __: _records.Field, value: Any) -> None:
    """Validate the platform of jobs.

    Raises:
        FlowError: If it is unknown.
    """
    if value not in {"FARGATE", "EC2"}:
        raise FlowError(f"the platform of AWS.Batch must be 'FARGATE' or 'EC2', not {value!r}")


@_records.define(eq=False)
class Batch(Process):
    """Runs each task as an AWS Batch job.

    For a deployed flow, the Terraform configuration has the job queues, the role and the image, so these arguments are
    not needed. If this process schedules the flow, it submits the jobs to `job_queue_arn`, a queue of EC2 capacity. The
    datastore must then be in S3, and each container needs an image and may not have secrets. Without a queue and a
    role, the tasks run as with `Process`, without AWS.

    Args:
        job_queue_arn: The job queue for jobs that this process submits. It must have EC2 capacity.
        job_role_arn: The role of these jobs. It must be allowed to read and write the datastore.
        poll: Seconds between two polls of the jobs.
        platform: The platform of deployed jobs: ``FARGATE`` or ``EC2``. EC2 has GPUs, other log drivers, and instances
            of your choice.
        queue: A name for a job queue of its own, such as ``big``: the variable ``big_job_queue_arn`` of the deployment.
            None means the queue of the kind of capacity, such as ``job_queue_arn``.
        share_identifier: The share that deployed jobs count for, where the job queue has a fair-share policy: up to 255
            letters and digits, or a `Variable`. Such a queue takes no job without one, and any other queue none with
            one. https://docs.aws.amazon.com/batch/latest/userguide/fair-share-scheduling.html
        priority: The priority of deployed jobs within their share, from 0 to 9999, the higher first. 0 if there is a
            share and no priority.
        role: A name for a role of its own, such as ``loader``: the variable ``loader_role_arn`` of the deployment. It
            is made with the permissions that the layers with this name need, unless it is given.
        concurrency: The maximum number of concurrent tasks that run as processes. For jobs, the job queue decides.
        timeout: Seconds after which a task is stopped.

    Raises:
        FlowError: If only one of `job_queue_arn` and `job_role_arn` is given, the platform is unknown, a number is out
            of its range, a name is not valid, or there is a priority without a share.

    Example:
        >>> from laminar_runtime.configurations.executors import AWS
        >>> queue = "arn:aws:batch:us-east-1:123456789012:job-queue/flows"
        >>> AWS.Batch(queue, "arn:aws:iam::123456789012:role/task").poll
        30.0
        >>> AWS.Batch(platform="EC2", timeout=3600).platform
        'EC2'
        >>> AWS.Batch(queue="big", share_identifier="research", priority=10, role="loader").queue
        'big'
    """

    job_queue_arn: str | None = None
    job_role_arn: str | None = None
    poll: float = _records.field(default=30.0, validator=positive)
    platform: Literal["FARGATE", "EC2"] = _records.field(default="FARGATE", validator=validate_platform, kw_only=True)
    queue: str | None = _records.field(default=None, validator=check_queue, kw_only=True)
    share_identifier: Text | None = _records.field(default=None, validator=check_share, kw_only=True)
    priority: int | None = _records.field(default=None, validator=check_priority, kw_only=True)
    role: str | None = _records.field(default=None, validator=check_role, kw_only=True)
    concurrency: int = _records.field(factory=processors.available, validator=positive, kw_only=True)
    timeout: float = _records.field(default=TASK_SECONDS, validator=positive, kw_only=True)
    _dispatchers: weakref.WeakKeyDictionary[asyncio.AbstractEventLoop, Any] = _records.field(
        factory=weakref.WeakKeyDictionary, init=False, repr=False
    )

    def __post_init__(self) -> None:
        if bool(self.job_queue_arn) != bool(self.job_role_arn):
            raise FlowError("AWS.Batch needs both job_queue_arn and job_role_arn, or neither of them")
        if self.priority is not None and self.share_identifier is None:
            raise FlowError("AWS.Batch has a priority, which counts within a share only: add share_identifier=...")

    def finds_volumes(self) -> Literal["folder", "mount", "aws"]:
        """Return that the jobs that this process submits have the volumes themselves."""
        return "aws" if self.job_queue_arn else "folder"

    def overrides(self, container: Container) -> dict[str, Any]:
        """Return what a deployed job overrides of its container.

        Args:
            container: The container after the hooks.

        Raises:
            LayerError: If there is no such size.
        """
        from laminar_runtime.splits import job_container

        return job_container.job_overrides(container, job_container.deployed_size(container, self.platform))

    def _share(self) -> dict[str, Any]:
        """Return what a request for a job has of its share."""
        if self.share_identifier is None:
            return {}
        return {"shareIdentifier": text_of(self.share_identifier), "schedulingPriorityOverride": self.priority or 0}

    async def submit(self, task: Task) -> None:
        """Run a task to its end.

        Args:
            task: The task.

        Raises:
            TaskError: If the task fails.
            FlowError: If this process submits the job, and its container has no image, or one that is a variable
                without a value here, or has secrets, or the datastore is not in S3.
        """
        import asyncio

        from laminar_runtime.configurations.executors.batch_dispatch import Dispatcher

        if not (self.job_queue_arn and self.job_role_arn):
            await super().submit(task)
            return
        _check_submittable(task)
        loop = asyncio.get_running_loop()
        if loop not in self._dispatchers:
            queue, role, share = self.job_queue_arn, self.job_role_arn, self._share()
            self._dispatchers[loop] = Dispatcher(queue, role, self.poll, self.timeout, share)
        await self._dispatchers[loop].run(task)


def _check_submittable(task: Task) -> None:
    if not task.datastore_root.startswith("s3://"):
        msg = f"flow '{task.context.flow}': AWS Batch jobs need a datastore in S3, for example datastores.AWS.S3()"
        raise FlowError(msg)
    layer = f"layer '{task.context.layer}' of flow '{task.context.flow}'"
    if task.container.image is None:
        raise FlowError(f"{layer} needs an image: Container(image=...)")
    text_of(task.container.image)
    if task.container.secrets:
        msg = (
            f"{layer} has secrets, but jobs that this process submits have no execution role to read them with: "
            "deploy the flow, or read the secrets in the layer's code"
        )
        raise FlowError(msg)
