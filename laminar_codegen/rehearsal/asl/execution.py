"""One execution of a state machine: what it was started with, where it is, and what happened in it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Literal

import attrs

from laminar_codegen.rehearsal.asl.clock import Clock, Future, Process
from laminar_codegen.rehearsal.asl.definition import Machine
from laminar_codegen.rehearsal.asl.errors import NamedError
from laminar_codegen.rehearsal.asl.history import History
from laminar_codegen.rehearsal.asl.scopes import Scope

__all__ = ["Execution", "Status"]

Status = Literal["RUNNING", "SUCCEEDED", "FAILED", "TIMED_OUT", "ABORTED"]


@attrs.define(eq=False)
class Execution:
    """An execution.

    Args:
        machine: The machine.
        machine_arn: Its ARN.
        name: The execution's name.
        input: What it was started with.
        clock: The virtual time.
        status: How it ended, if it did.
        started: When it was started, or redriven for the last time, in seconds.
        ended: When it ended, None while it runs.
        redrives: How often it was redriven.
        nested: The executions that it started.
    """

    machine: Machine
    machine_arn: str
    name: str
    input: Any
    clock: Clock
    status: Status = "RUNNING"
    output: Any = None
    error: NamedError | None = None
    start_time: str = attrs.field()
    started: float = attrs.field()
    ended: float | None = None
    redrives: int = 0
    history: History = attrs.field(factory=History)
    nested: list[Execution] = attrs.field(factory=list)
    scope: Scope = attrs.field()
    over: Future[None] = attrs.field()
    process: Process[Any] | None = None

    @start_time.default
    def _time(self) -> str:
        return self.clock.timestamp

    @started.default
    def _now(self) -> float:
        return self.clock.now

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
                "RoleArn": "arn:aws:iam::123456789012:role/replay",
                "StartTime": self.start_time,
                "RedriveCount": self.redrives,
                **redriven,
            },
            "StateMachine": {"Id": self.machine_arn, "Name": self.machine_arn.rpartition(":")[2]},
        }

    def end(self, status: Status, *, output: Any = None, error: NamedError | None = None) -> None:
        """End the execution."""
        self.status, self.output, self.error = status, output, error
        self.ended = self.clock.now
        self.history.events += 1
        self.over.succeed(None)

    def restart(self) -> None:
        """Restart the execution where it failed."""
        self.status, self.output, self.error, self.ended = "RUNNING", None, None, None
        self.started = self.clock.now
        self.redrives += 1
        self.over = Future(self.clock)
