"""One execution of a state machine: what it was started with, where it is, and what happened in it."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping
from typing import Any, Literal

import attrs

from laminar_codegen.rehearsal.asl.clock import Clock, Future, Process, spell
from laminar_codegen.rehearsal.asl.definition import Machine
from laminar_codegen.rehearsal.asl.errors import NamedError
from laminar_codegen.rehearsal.asl.history import Event, History
from laminar_codegen.rehearsal.asl.scopes import Scope

__all__ = ["Execution", "Status"]

Status = Literal["RUNNING", "SUCCEEDED", "FAILED", "TIMED_OUT", "ABORTED"]

#: The last events of executions, by how they ended.
_ENDS = {
    "SUCCEEDED": "ExecutionSucceeded",
    "FAILED": "ExecutionFailed",
    "TIMED_OUT": "ExecutionTimedOut",
    "ABORTED": "ExecutionAborted",
}


@attrs.define(eq=False)
class Execution:
    """An execution.

    Args:
        machine: The machine.
        machine_arn: Its ARN.
        name: The execution's name.
        input: What it was started with.
        clock: The time.
        role: The role that it calls services with.
        status: How it ended, if it did.
        created: When it was started, in seconds.
        started: When it was started, or redriven for the last time, in seconds.
        ended: When it ended, None while it runs.
        redrives: How often it was redriven.
        nested: The executions that it started.
        aborted: The error with which it is stopped, if it is with one.
        terminated: Whether it ends at its next transition, as its machine is deleted.
    """

    machine: Machine
    machine_arn: str
    name: str
    input: Any
    clock: Clock
    role: str = "arn:aws:iam::123456789012:role/replay"
    status: Status = "RUNNING"
    output: Any = None
    error: NamedError | None = None
    created: float = attrs.field()
    started: float = attrs.field()
    ended: float | None = None
    redrives: int = 0
    history: History = attrs.field(factory=History)
    nested: list[Execution] = attrs.field(factory=list)
    scope: Scope = attrs.field()
    over: Future[None] = attrs.field()
    process: Process[Any] | None = None
    aborted: NamedError | None = None
    terminated: bool = False

    @created.default
    def _now(self) -> float:
        return self.clock.now

    @started.default
    def _at_first(self) -> float:
        return self.created

    @scope.default
    def _at_start(self) -> Scope:
        return Scope(self.machine, self.input)

    @over.default
    def _not_yet(self) -> Future[None]:
        return Future(self.clock)

    @property
    def arn(self) -> str:
        """The execution's ARN."""
        return f"{self.machine_arn.replace(':stateMachine:', ':execution:')}:{self.name}"

    @property
    def start_time(self) -> str:
        """When it was started, as Step Functions shows times to states."""
        return spell(self.clock.epoch + dt.timedelta(seconds=self.created))

    def context(self) -> Mapping[str, Any]:
        """Return the value of ``$states.context``.

        https://docs.aws.amazon.com/step-functions/latest/dg/input-output-contextobject.html
        """
        redriven = {"RedriveTime": self.clock.timestamp} if self.redrives else {}
        return {
            "Execution": {
                "Id": self.arn,
                "Input": self.input,
                "Name": self.name,
                "RoleArn": self.role,
                "StartTime": self.start_time,
                "RedriveCount": self.redrives,
                **redriven,
            },
            "StateMachine": {"Id": self.machine_arn, "Name": self.machine_arn.rpartition(":")[2]},
        }

    def event(self, kind: str, previous: int, **details: Any) -> Event:
        """Return an event that happens now."""
        return Event(previous, self.clock.now, kind, details)

    def end(self, status: Status, *, output: Any = None, error: NamedError | None = None) -> None:
        """End the execution."""
        self.status, self.output, self.error = status, output, error
        self.ended = self.clock.now
        details: Mapping[str, Any] = (
            {"output": output} if status == "SUCCEEDED" else {} if error is None else error.details
        )
        self.history.close(self.event(_ENDS[status], self.scope.last, **details))
        self.over.succeed(None)

    def restart(self) -> None:
        """Restart the execution where it failed."""
        self.status, self.output, self.error, self.ended, self.aborted = "RUNNING", None, None, None, None
        self.started = self.clock.now
        self.redrives += 1
        self.over = Future(self.clock)
