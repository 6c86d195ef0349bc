"""The world of a replay: its clock, its machines, and how states start executions of them.

https://docs.aws.amazon.com/step-functions/latest/dg/connect-stepfunctions.html
"""

from __future__ import annotations

import json
import random
from collections.abc import Mapping
from typing import Any

import attrs

from laminar_codegen.rehearsal.asl import query_language
from laminar_codegen.rehearsal.asl.calls import Call, Handler, require
from laminar_codegen.rehearsal.asl.clock import AbortedError, Clock
from laminar_codegen.rehearsal.asl.definition import Machine, tasks_of
from laminar_codegen.rehearsal.asl.errors import TASK_FAILED, NamedError
from laminar_codegen.rehearsal.asl.execution import Execution
from laminar_codegen.rehearsal.asl.tasks import Caller
from laminar_codegen.rehearsal.asl.world import RefusedStartError, World
from laminar_codegen.rehearsal.simulated.services import Services

__all__ = ["SimulatedWorld"]

_ROLE = "arn:aws:iam::123456789012:role/replay"


@attrs.define(eq=False)
class SimulatedWorld:
    """A world in virtual time.

    Args:
        machines: The machines by their ARNs.
        services: What answers their tasks.
        overhead: Seconds that each state takes besides what it does.
        chance: Where random numbers come from.
    """

    machines: Mapping[str, Machine]
    services: Services
    overhead: float
    chance: random.Random
    clock: Clock = attrs.field(factory=Clock)
    world: World = attrs.field()

    @world.default
    def _make_world(self) -> World:
        handlers: dict[str, Handler] = {
            "states:startExecution": self._start,
            "aws-sdk:sfn:describeExecution": self._describe,
            "aws-sdk:sfn:startExecution": self._start,
            "states:startExecution.sync": self._start_and_wait,
            "states:startExecution.sync:2": self._start_and_wait,
            **self.services.handlers(),
        }
        functions = query_language.ambient_functions(lambda: self.clock.milliseconds, self.chance)
        return World(self.clock, Caller(handlers.get, self.services.tokens), functions, self.overhead)

    def check(self) -> None:
        """Refuse machines with tasks that nothing answers.

        Raises:
            UnsupportedError: If there is one.
        """
        for machine in self.machines.values():
            for task in tasks_of(machine):
                self.world.caller.handler(task)

    def start(self, machine_arn: str, name: str, given: Any, prefix: str = "StepFunctions") -> Execution:
        """Start an execution, or give the one that runs by this name with this input.

        Args:
            machine_arn: The ARN of its machine.
            name: Its name.
            given: Its input.
            prefix: What the names of errors begin with.

        Raises:
            NamedError: If Step Functions refuses to.
        """
        machine = self.machines.get(machine_arn)
        if machine is None:
            cause = f"State Machine Does Not Exist: '{machine_arn}'"
            raise NamedError(f"{prefix}.StateMachineDoesNotExistException", cause)
        try:
            return self.world.start(machine, machine_arn, name, given, _ROLE)
        except RefusedStartError as error:
            raise NamedError(f"{prefix}.{error.code}Exception", error.cause) from error

    def _describe(self, call: Call) -> Any:
        (arn,) = require(call, "ExecutionArn", known=("IncludedData",))
        execution = self.world.executions.get(arn)
        if execution is None:
            raise NamedError("Sfn.ExecutionDoesNotExistException", f"Execution Does Not Exist: '{arn}'")
        status = {"Status": execution.status, "RedriveCount": execution.redrives}
        return {"ExecutionArn": arn, "StateMachineArn": execution.machine_arn, "Name": execution.name, **status}

    def _take(self, call: Call) -> Execution:
        (machine_arn,) = require(call, "StateMachineArn", known=("Name", "Input", "TraceHeader"))
        given = call.arguments.get("Input", {})
        name = call.arguments.get("Name") or f"{self.chance.getrandbits(128):032x}"
        prefix = "Sfn" if call.resource.startswith("aws-sdk:") else "StepFunctions"
        execution = self.start(machine_arn, name, json.loads(given) if isinstance(given, str) else given, prefix)
        nested = self.world.executions[call.execution].nested
        if execution not in nested:
            nested.append(execution)
        return execution

    def _start(self, call: Call) -> Any:
        execution = self._take(call)
        return {"ExecutionArn": execution.arn, "StartDate": execution.start_time}

    async def _start_and_wait(self, call: Call) -> Any:
        execution = self._take(call)
        call.submitted()
        try:
            await execution.over
        except AbortedError:
            if execution.process is not None:
                execution.process.abort()
            raise
        parsed = call.resource.endswith(":2")
        if execution.status != "SUCCEEDED":
            raise NamedError(TASK_FAILED, json.dumps(_description(execution, parsed=parsed), separators=(",", ":")))
        return _description(execution, parsed=parsed)


def _description(execution: Execution, *, parsed: bool) -> dict[str, Any]:
    """Return an execution as DescribeExecution shows it to a state machine."""
    shown: dict[str, Any] = {
        "ExecutionArn": execution.arn,
        "Input": execution.input,
        "InputDetails": {"Included": True},
        "Name": execution.name,
        "StartDate": execution.start_time,
        "StateMachineArn": execution.machine_arn,
        "Status": execution.status,
        "StopDate": execution.clock.timestamp,
    }
    if execution.status == "SUCCEEDED":
        shown |= {"Output": execution.output, "OutputDetails": {"Included": True}}
    if execution.error is not None:
        shown |= execution.error.output
    if not parsed:
        shown |= {key: json.dumps(shown[key]) for key in ("Input", "Output") if key in shown}
    return shown
