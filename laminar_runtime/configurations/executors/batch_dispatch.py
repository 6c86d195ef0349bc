"""Submits tasks as AWS Batch jobs from this process, and polls the jobs. boto3 is loaded on use.

Splits of a layer with equal containers are submitted as one array job. One poll describes the jobs of all layers.
"""

from __future__ import annotations

import contextlib
import hashlib
import json
import math
import shlex
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import TYPE_CHECKING, Any, TypeVar

from laminar_runtime import _records, task_environment
from laminar_runtime.configurations import mounts
from laminar_runtime.configurations.containers import JOB_TAGS, Container, job_tags, local_variables
from laminar_runtime.configurations.executors.base import failure
from laminar_runtime.configurations.executors.tasks import Task
from laminar_runtime.configurations.failures import REASONS
from laminar_runtime.exceptions import TaskError
from laminar_runtime.failures import jobs
from laminar_runtime.limits import ARRAY_CHILDREN, DESCRIBED_JOBS, JOB_NAME_LENGTH, JOB_TIMEOUT
from laminar_runtime.regions import choose_region
from laminar_runtime.splits import job_container
from laminar_runtime.variables import Variable, text_of, texts_of

if TYPE_CHECKING:
    import asyncio

    from mypy_boto3_batch.client import BatchClient
    from mypy_boto3_batch.type_defs import JobDetailTypeDef

__all__ = ["Dispatcher"]

Item = TypeVar("Item")

#: The most indexes in a variable of an array job: all overrides together have `OVERRIDES_LENGTH`.
_LISTED = 1_000
#: Seconds to wait for more splits before an array job is submitted.
_GATHERING = 0.05


@_records.define(eq=False)
class _Job:
    """A submitted job: the task of each of its children, or of itself, with the future that awaits its end."""

    id: str
    members: list[tuple[Task, asyncio.Future[None]]]

    @property
    def over(self) -> bool:
        return all(future.done() for _, future in self.members)


def _event() -> asyncio.Event:
    import asyncio

    return asyncio.Event()


@_records.define(eq=False)
class Dispatcher:
    """Submits the tasks of one run, and polls their jobs.

    Args:
        queue: The ARN of the job queue.
        role: The ARN of the jobs' role.
        poll: Seconds between two polls of the jobs.
        timeout: Seconds after which a job is stopped.
        share: What a request has of the share of its job, nothing on a queue without a fair-share policy.
    """

    queue: str
    role: str
    poll: float
    timeout: float
    share: dict[str, Any] = _records.field(factory=dict)
    _waiting: list[tuple[Task, asyncio.Future[None]]] = _records.field(factory=list, init=False)
    _jobs: dict[str, _Job] = _records.field(factory=dict, init=False)
    _definitions: dict[str, str] = _records.field(factory=dict, init=False)
    _work: asyncio.Task[None] | None = _records.field(default=None, init=False)
    _wake: asyncio.Event = _records.field(factory=_event, init=False)
    _made: BatchClient | None = _records.field(default=None, init=False)

    async def run(self, task: Task) -> None:
        """Run a task to its end.

        Args:
            task: The task.

        Raises:
            TaskError: If the task fails.
        """
        import asyncio

        future: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._waiting.append((task, future))
        self._wake.set()
        if self._work is None or self._work.done():
            self._work = asyncio.create_task(self._attend())
        try:
            await future
        finally:
            future.cancel()
            await self._stop_unused_jobs()

    async def _attend(self) -> None:
        """Submit waiting tasks, and poll the jobs, until all have ended."""
        import asyncio

        try:
            polled = time.monotonic()
            while self._waiting or self._jobs:
                self._wake.clear()
                if self._waiting:
                    await asyncio.sleep(_GATHERING)
                    waiting, self._waiting = self._waiting, []
                    for members in _groups(waiting):
                        await self._submit(members)
                pause = polled + self.poll - time.monotonic()
                with contextlib.suppress(TimeoutError):
                    await asyncio.wait_for(self._wake.wait(), max(pause, 0))
                if time.monotonic() >= polled + self.poll:
                    await self._poll_jobs()
                    polled = time.monotonic()
        except Exception as error:  # noqa: BLE001 - it is raised where the tasks are awaited
            for task, future in [*self._waiting, *(member for job in self._jobs.values() for member in job.members)]:
                _settle(future, failure(task, f"{type(error).__name__}: {error}"))

    def _client(self) -> BatchClient:
        if self._made is None:
            import boto3
            from botocore.config import Config

            config = Config(retries={"mode": "adaptive", "max_attempts": 10})
            session = boto3.Session()
            self._made = session.client("batch", region_name=choose_region(session.region_name), config=config)
        return self._made

    async def _submit(self, members: list[tuple[Task, asyncio.Future[None]]]) -> None:
        members = [member for member in members if not member[1].done()]
        if not members:
            return
        task = members[0][0]
        try:
            definition = await _in_thread(self._definition, task)
            request = _request(self, [task for task, _ in members], definition)
            answer = await _in_thread(self._client().submit_job, **request)
        except Exception as error:  # noqa: BLE001 - it is raised where the tasks are awaited
            for member, future in members:
                _settle(future, failure(member, f"its job cannot be submitted: {type(error).__name__}: {error}"))
            return
        job = _Job(answer["jobId"], members)
        self._jobs[job.id] = job

    def _definition(self, task: Task) -> str:
        """Return the job definition for a task's container. It is registered once, and used by all later runs."""
        container = task.container
        properties: Any = {
            "image": text_of(container.image or ""),
            "command": shlex.split(container.command),
            "jobRoleArn": self.role,
            "resourceRequirements": [
                {"type": "MEMORY", "value": str(container.memory)},
                # EC2 capacity has whole processors only.
                {"type": "VCPU", "value": str(max(1, math.ceil(container.cpu)))},
                *([{"type": "GPU", "value": str(container.gpu)}] if container.gpu else []),
            ],
            **_volumes(container),
        }
        # The children of an array job do not have its tags: their tasks have those of the definition.
        tags = {JOB_TAGS[0]: task.context.flow, **texts_of(container.tags)}
        name = f"laminar-{hashlib.sha256(json.dumps([properties, tags], sort_keys=True).encode()).hexdigest()[:32]}"
        if name not in self._definitions:
            client = self._client()
            found = client.describe_job_definitions(jobDefinitionName=name, status="ACTIVE")["jobDefinitions"]
            self._definitions[name] = (
                found[0]["jobDefinitionArn"]
                if found
                else client.register_job_definition(
                    jobDefinitionName=name, type="container", containerProperties=properties, tags=tags
                )["jobDefinitionArn"]
            )
        return self._definitions[name]

    async def _poll_jobs(self) -> None:
        """Describe all jobs, and set the results of the tasks that ended."""
        for ids in _chunks(list(self._jobs), DESCRIBED_JOBS):
            described = (await _in_thread(self._client().describe_jobs, jobs=ids))["jobs"]
            for detail in described:
                await self._settle_job(self._jobs[detail["jobId"]], detail)
        self._jobs = {name: job for name, job in self._jobs.items() if not job.over}

    async def _settle_job(self, job: _Job, detail: JobDetailTypeDef) -> None:
        array = detail.get("arrayProperties", {})
        if detail["status"] == "FAILED" and not array:
            _settle(job.members[0][1], failure(job.members[0][0], _reason(detail), **_ending(detail)))
        elif array and (detail["status"] == "FAILED" or array.get("statusSummary", {}).get("FAILED")):
            await self._settle_failed_children(job)
        if detail["status"] == "SUCCEEDED" or (array and detail["status"] == "FAILED"):
            for task, future in job.members:
                _settle(future, None if task.finished() else failure(task, _NOT_RUN))

    async def _settle_failed_children(self, job: _Job) -> None:
        """Set the errors of the failed children of an array job."""
        failed = await _in_thread(self._failed_children, job.id)
        for ids in _chunks(failed, DESCRIBED_JOBS):
            described = (await _in_thread(self._client().describe_jobs, jobs=ids))["jobs"]
            for detail in described:
                task, future = job.members[int(detail["jobId"].rpartition(":")[2])]
                _settle(future, failure(task, _reason(detail), **_ending(detail)))

    def _failed_children(self, job: str) -> list[str]:
        pages = self._client().get_paginator("list_jobs").paginate(arrayJobId=job, jobStatus="FAILED")
        return [child["jobId"] for page in pages for child in page["jobSummaryList"]]

    async def _stop_unused_jobs(self) -> None:
        """Stop the jobs whose tasks were all given up."""
        abandoned = [job for job in self._jobs.values() if job.over and any(f.cancelled() for _, f in job.members)]
        for job in abandoned:
            del self._jobs[job.id]
            reason = "the scheduler of the flow stopped it"
            with contextlib.suppress(Exception):  # the job then ends by itself; the first error matters more
                await _in_thread(self._client().terminate_job, jobId=job.id, reason=reason)


async def _in_thread(function: Callable[..., Any], *arguments: Any, **named: Any) -> Any:
    """Call a blocking function in a thread, outside of the event loop."""
    import asyncio

    return await asyncio.to_thread(function, *arguments, **named)


_NOT_RUN = "its command succeeded, but the layer did not finish: check that the file calls its flow"


def _settle(future: asyncio.Future[None], error: TaskError | None) -> None:
    if future.done():
        return
    if error is None:
        future.set_result(None)
    else:
        future.set_exception(error)


def _groups(
    waiting: Iterable[tuple[Task, asyncio.Future[None]]],
) -> Iterator[list[tuple[Task, asyncio.Future[None]]]]:
    """Yield the tasks of each array job: splits of one attempt at one layer with equal containers."""
    groups: dict[Any, list[tuple[Task, asyncio.Future[None]]]] = {}
    for member in waiting:
        task = member[0]
        same = _records.evolve(task.context, index=0)
        groups.setdefault((same, repr(task.container)), []).append(member)
    for members in groups.values():
        members.sort(key=lambda member: member[0].context.index)
        yield from _chunks(members, ARRAY_CHILDREN[1] if _whole([task for task, _ in members]) else _LISTED)


def _whole(tasks: Sequence[Task]) -> bool:
    """Return whether the splits are 0, 1, 2, ..., so that they equal the indexes of the children."""
    return len(tasks) <= ARRAY_CHILDREN[1] and all(task.context.index == place for place, task in enumerate(tasks))


def _volumes(container: Container) -> dict[str, Any]:
    """Return what a job definition has for the volumes of a container, nothing without one."""
    given = [
        {name: text_of(value) if isinstance(value, Variable) else value for name, value in fields.items()}
        for fields in map(_records.plain, container.volumes)
    ]
    return mounts.job_members(given, lambda text: text.rpartition("/")[2]) if given else {}


def _request(dispatcher: Dispatcher, tasks: list[Task], definition: str) -> dict[str, Any]:
    environment = {**local_variables(tasks[0].container, {}), **tasks[0].environment()}
    array: dict[str, Any] = {}
    if len(tasks) > 1:
        del environment[task_environment.LAYER_INDEX]
        array = {"arrayProperties": {"size": len(tasks)}}
        if not _whole(tasks):
            environment[task_environment.LAYER_INDEXES] = ",".join(str(task.context.index) for task in tasks)
    context = tasks[0].context
    own = texts_of(tasks[0].container.tags)
    return {
        "jobName": f"{context.flow}-{context.layer}"[:JOB_NAME_LENGTH],
        "jobQueue": dispatcher.queue,
        "jobDefinition": definition,
        "containerOverrides": {"environment": [{"name": name, "value": value} for name, value in environment.items()]},
        # The scheduler runs a failed task again, because it counts the attempts of the layer.
        "retryStrategy": job_container.retry_strategy(spot=tasks[0].container.spot),
        "timeout": {"attemptDurationSeconds": max(JOB_TIMEOUT[0], math.ceil(dispatcher.timeout))},
        **array,
        "tags": job_tags(context.flow, context.layer, context.execution, own.items()),
        "propagateTags": True,
        **dispatcher.share,
    }


def _reason(detail: JobDetailTypeDef) -> str:
    container = detail.get("container", {})
    parts = {
        "job": detail["jobId"],
        "exit code": container.get("exitCode"),
        "status": detail.get("statusReason"),
        "reason": container.get("reason"),
        "log stream": container.get("logStreamName"),
    }
    return "its job failed: " + ", ".join(f"{name} {value}" for name, value in parts.items() if value is not None)


def _ending(detail: JobDetailTypeDef) -> dict[str, Any]:
    """Return the exit code of a failed job, and why it was ended from outside."""
    kind = jobs.kind_of(detail)
    return {"exit_code": detail.get("container", {}).get("exitCode"), "ending": kind if kind in REASONS else ""}


def _chunks(items: list[Item], size: int) -> Iterator[list[Item]]:
    return (items[at : at + size] for at in range(0, len(items), size))
