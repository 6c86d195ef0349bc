"""Batch jobs as records: their requests, and the times of their attempts."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any, Literal

import attrs

from laminar_codegen.limits import OVERRIDES_LENGTH
from laminar_codegen.rehearsal.asl.calls import Call, require
from laminar_codegen.rehearsal.asl.clock import Clock, Future, Process
from laminar_codegen.rehearsal.batch_requests import ANY, JobRequest, Queue, RefusedError, make_request
from laminar_runtime import task_environment

__all__ = ["Attempt", "Job", "JobResult", "request_of"]

Outcome = Literal["SUCCEEDED", "FAILED", "TIMED_OUT", "TERMINATED"]
State = Literal["PENDING", "RUNNING", "SUCCEEDED", "FAILED"]

_OPTIONAL = (
    "ArrayProperties",
    "ContainerOverrides",
    "DependsOn",
    "Parameters",
    "PropagateTags",
    "RetryStrategy",
    "SchedulingPriorityOverride",
    "ShareIdentifier",
    "Tags",
    "Timeout",
)
_AS_THEY_ARE = frozenset({"Parameters", "Tags", "parameters", "tags"})


@attrs.frozen
class JobResult:
    """The result of an attempt of a job.

    Args:
        exit_code: The exit code of its container; None if its capacity was reclaimed.
        reason: The reason of the container.
        status_reason: The status reason of the job.
    """

    exit_code: int | None = 0
    reason: str = ""
    status_reason: str = "Essential container in task exited"

    @property
    def succeeded(self) -> bool:
        """Whether the attempt succeeded."""
        return self.exit_code == 0


@attrs.define(eq=False)
class Attempt:
    """One attempt of a job, or of a child of an array job.

    Args:
        job: The job or child.
        number: The number of the attempt, from 1.
        started: The time of its start.
        ended: The time of its end; None while it runs.
        outcome: Its outcome; None while it runs.
    """

    job: Job
    number: int
    started: float
    ended: float | None = None
    outcome: Outcome | None = None
    result: JobResult | None = None

    @property
    def environment(self) -> dict[str, str]:
        """The environment variables of its container, including those that Batch adds.

        https://docs.aws.amazon.com/batch/latest/userguide/job_env_vars.html
        """
        request = self.job.request
        return {
            **request.environment,
            "AWS_BATCH_JOB_ID": self.job.id,
            "AWS_BATCH_JOB_ATTEMPT": str(self.number),
            "AWS_BATCH_JQ_NAME": request.queue.name,
            "AWS_BATCH_CE_NAME": request.queue.compute_environment,
            **({} if self.index is None else {"AWS_BATCH_JOB_ARRAY_INDEX": str(self.index)}),
        }

    @property
    def layer(self) -> str:
        """The layer that it runs; empty if it runs no layer."""
        return self.job.request.environment.get(task_environment.LAYER_NAME, "")

    @property
    def index(self) -> int | None:
        """The index of its child of an array job; None for another job."""
        return self.job.index

    @property
    def size(self) -> int | None:
        """The number of children of its array job; None for another job."""
        return self.job.request.array_size


@attrs.define(eq=False)
class Job:
    """A job, an array job, or a child of one.

    Args:
        id: Its id.
        request: The request.
        clock: The virtual time.
        index: The index of a child; None for another job.
        parent: The array job of a child.
    """

    id: str
    request: JobRequest
    clock: Clock
    index: int | None = None
    parent: Job | None = None
    created: int = attrs.field()
    state: State = "PENDING"
    status_reason: str | None = None
    stopped: int | None = None
    attempts: list[Attempt] = attrs.field(factory=list)
    children: tuple[Job, ...] = ()
    process: Process[None] | None = None
    over: Future[bool] = attrs.field()
    _ended: int = 0
    _failed: int = 0

    @created.default
    def _now(self) -> int:
        return self.clock.milliseconds

    @over.default
    def _not_yet(self) -> Future[bool]:
        return Future(self.clock)

    @property
    def units(self) -> tuple[Job, ...]:
        """The jobs that run: its children, or itself."""
        return self.children or (self,)

    def end(self, *, succeeded: bool, reason: str) -> None:
        """End the job. An array job ends with its last child."""
        if self.over.done:
            return
        self.state = "SUCCEEDED" if succeeded else "FAILED"
        self.status_reason = self.status_reason or reason
        self.stopped = self.clock.milliseconds
        self.process = None
        self.over.succeed(succeeded)
        if self.parent is not None:
            self.parent.count(succeeded=succeeded)

    def count(self, *, succeeded: bool) -> None:
        """Count a child that ended."""
        self._ended += 1
        self._failed += not succeeded
        if self._ended == len(self.children):
            failed = self._failed > 0
            self.end(succeeded=not failed, reason=f"Array Child Job{' failed' if failed else 's succeeded'}")

    def detail(self) -> dict[str, Any]:
        """Return the job as DescribeJobs shows it to a state machine."""
        last = self.attempts[-1].result if self.attempts else None
        ends = {"SUCCEEDED": self._ended - self._failed, "FAILED": self._failed}
        summary = {"StatusSummary": ends, "Size": len(self.children)}
        shown = {
            "JobArn": f"arn:aws:batch:us-east-1:123456789012:job/{self.id}",
            "JobId": self.id,
            "JobName": self.request.name,
            "Status": self.state,
            "StatusReason": self.status_reason,
            "CreatedAt": self.created,
            "StoppedAt": self.stopped,
            "ArrayProperties": summary if self.children else None if self.index is None else {"Index": self.index},
            **recase(self.request.shown, upper=True),
            "Container": {
                **recase(self.request.container, upper=True),
                **({} if last is None else {"ExitCode": last.exit_code, "Reason": last.reason}),
            },
        }
        return {key: value for key, value in shown.items() if value is not None}


def request_of(call: Call, definitions: Mapping[str, Mapping[str, Any]]) -> JobRequest:
    """Return the request of a SubmitJob call.

    Args:
        call: The call.
        definitions: The job definitions that are known, as Batch describes them, by how states name them.

    Raises:
        RefusedError: If Batch refuses it.
        NamedError: If Step Functions does.
    """
    name, queue, definition = require(call, "JobName", "JobQueue", "JobDefinition", known=_OPTIONAL)
    overrides = call.arguments.get("ContainerOverrides", {})
    size = len(json.dumps(overrides, separators=(",", ":")))
    if size > OVERRIDES_LENGTH:
        raise RefusedError(f"Container Overrides length must be at most {OVERRIDES_LENGTH}, not {size}: {name}")
    for item in overrides.get("ResourceRequirements", ()):
        if not isinstance(item.get("Value"), str):
            raise RefusedError(f"The value of a resource requirement must be text: {item}")
    submitted = recase(call.arguments, upper=False)
    if call.resource.endswith(".sync"):
        container = submitted.setdefault("containerOverrides", {})
        managed = {"name": "MANAGED_BY_AWS", "value": "STARTED_BY_STEP_FUNCTIONS"}
        container["environment"] = [*container.get("environment", ()), managed]
    known = definitions.get(definition, {"platformCapabilities": [ANY]})
    described = {"jobDefinitionArn": definition, "jobDefinitionName": definition, **known}
    place = Queue(queue, queue.rpartition("/")[2], "compute-environment")
    return make_request(submitted, described, place, account="123456789012", region="us-east-1")


def recase(value: Any, *, upper: bool) -> Any:
    """Return JSON whose names begin with a lower-case letter, as in the API, or an upper-case one, as in states."""
    if isinstance(value, dict):
        return {_recase_name(key, upper=upper): _inside(key, item, upper=upper) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [recase(item, upper=upper) for item in value]
    return value


def _inside(key: str, item: Any, *, upper: bool) -> Any:
    return item if key in _AS_THEY_ARE else recase(item, upper=upper)


def _recase_name(name: str, *, upper: bool) -> str:
    return (name[:1].upper() if upper else name[:1].lower()) + name[1:]
