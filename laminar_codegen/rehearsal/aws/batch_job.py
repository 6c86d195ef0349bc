"""A Batch job's record: what has happened to it, and how DescribeJobs shows that.

Only `BatchJobs` changes records, under its lock.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import Any, Literal

import attrs

from laminar_codegen.rehearsal.aws.process import LocalProcess
from laminar_codegen.rehearsal.batch_requests import JobRequest

State = Literal["SUBMITTED", "PENDING", "RUNNABLE", "STARTING", "RUNNING", "SUCCEEDED", "FAILED"]

STATES: tuple[State, ...] = (
    "SUBMITTED",
    "PENDING",
    "RUNNABLE",
    "STARTING",
    "RUNNING",
    "SUCCEEDED",
    "FAILED",
)
NOT_STARTED = frozenset({"SUBMITTED", "PENDING", "RUNNABLE"})
TERMINAL = frozenset({"SUCCEEDED", "FAILED"})


@attrs.frozen(kw_only=True)
class Attempt:
    """How one attempt ended."""

    exit_code: int | None
    status_reason: str
    reason: str | None
    started: int
    stopped: int
    log_stream: str | None

    def describe(self) -> dict[str, Any]:
        """As in DescribeJobs."""
        container = _without_none(exitCode=self.exit_code, reason=self.reason, logStreamName=self.log_stream)
        return {
            "container": container,
            "startedAt": self.started,
            "stoppedAt": self.stopped,
            "statusReason": self.status_reason,
        }


@attrs.define(eq=False)
class Job:
    """A job, an array job (which has children and runs nothing itself) or a child of one."""

    id: str
    request: JobRequest
    index: int | None = None
    parent: Job | None = None
    state: State = "SUBMITTED"
    created: int = attrs.field(kw_only=True)
    started: int | None = None
    stopped: int | None = None
    status_reason: str | None = None
    attempts: list[Attempt] = attrs.field(factory=list)
    children: tuple[Job, ...] = ()
    child_states: Counter[State] = attrs.field(factory=Counter)
    blockers: set[str] = attrs.field(factory=set)
    termination: str | None = None
    process: LocalProcess | None = None
    callbacks: list[Callable[[], None]] = attrs.field(factory=list)

    @property
    def arn(self) -> str:
        """The job's ARN."""
        return f"arn:aws:batch:{self.request.region}:{self.request.account}:job/{self.id}"

    @property
    def ended(self) -> bool:
        """Whether nothing more will happen to the job."""
        return self.state in TERMINAL

    def log_path(self, directory: Path, attempt: int) -> Path:
        """Return the file with an attempt's output."""
        root = self.id.partition(":")[0]
        child = "" if self.index is None else f"{self.index}-"
        return directory / f"{self.request.name}-{root}" / f"{child}{attempt}.log"

    def enter(self, state: State) -> None:
        """Change the state, and the parent's count of it."""
        if self.parent is not None:
            self.parent.child_states[self.state] -= 1
            self.parent.child_states[state] += 1
        self.state = state

    def describe_short(self) -> dict[str, Any]:
        """As in ListJobs."""
        last = self.attempts[-1] if self.attempts else None
        return _without_none(
            jobArn=self.arn,
            jobId=self.id,
            jobName=self.request.name,
            createdAt=self.created,
            status=self.state,
            statusReason=self.status_reason,
            startedAt=self.started,
            stoppedAt=self.stopped,
            container=last and _without_none(exitCode=last.exit_code, reason=last.reason),
            arrayProperties=self._array_properties(),
            jobDefinition=self.request.shown["jobDefinition"],
        )

    def describe(self) -> dict[str, Any]:
        """As in DescribeJobs."""
        last = self.attempts[-1].describe()["container"] if self.attempts else {}
        return {
            **self.describe_short(),
            **self.request.shown,
            "attempts": [attempt.describe() for attempt in self.attempts],
            "container": {**self.request.container, **last},
        }

    def _array_properties(self) -> dict[str, Any] | None:
        if self.children:
            summary = {state: self.child_states[state] for state in STATES}
            return {"statusSummary": summary, "size": len(self.children)}
        return None if self.index is None else {"index": self.index}


def _without_none(**values: Any) -> dict[str, Any]:
    return {name: value for name, value in values.items() if value is not None}
