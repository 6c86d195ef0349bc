"""The world of a replay: its clock, its machines, and the executions of them that start each other.

https://docs.aws.amazon.com/step-functions/latest/dg/connect-stepfunctions.html
"""

from __future__ import annotations

import json
import random
import re
from collections.abc import Mapping
from typing import Any

import attrs

from laminar_codegen.limits import HISTORY_EVENTS, STATE_BYTES
from laminar_codegen.rehearsal.asl import query_language
from laminar_codegen.rehearsal.asl.calls import required
from laminar_codegen.rehearsal.asl.clock import AbortedError, Clock
from laminar_codegen.rehearsal.asl.definition import Machine, tasks_of
from laminar_codegen.rehearsal.asl.errors import TASK_FAILED, TIMEOUT, NamedError
from laminar_codegen.rehearsal.asl.execution import Execution
from laminar_codegen.rehearsal.asl.interpreter import Interpreter
from laminar_codegen.rehearsal.asl.tasks import Caller
from laminar_codegen.rehearsal.simulated.services import Call, Handler, Services

__all__ = ["World"]

#: Seconds that an execution may take: https://docs.aws.amazon.com/step-functions/latest/dg/service-quotas.html
_YEAR = 31_536_000

#: Names of executions: https://docs.aws.amazon.com/step-functions/latest/apireference/API_StartExecution.html
_NAME = re.compile(r"[^\s?*<>{}\[\]\"#%\\^|~`$&,;:/\x00-\x1f\x7f-\x9f]{1,80}")


class _ExecutionTimeoutError(NamedError):
    """An execution took longer than it may."""


@attrs.define(eq=False)
class World:
    """A world.

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
    executions: dict[str, Execution] = attrs.field(factory=dict)
    caller: Caller = attrs.field()
    functions: Mapping[str, Any] = attrs.field()

    @caller.default
    def _caller(self) -> Caller:
        start: dict[str, Handler] = {
            "states:startExecution": self._start,
            "aws-sdk:sfn:describeExecution": self._describe,
            "aws-sdk:sfn:startExecution": self._start,
            "states:startExecution.sync": self._start_and_wait,
            "states:startExecution.sync:2": self._start_and_wait,
        }
        return Caller({**start, **self.services.handlers()}, self.services.tokens)

    @functions.default
    def _functions(self) -> Mapping[str, Any]:
        return query_language.ambient_functions(lambda: self.clock.milliseconds, self.chance)

    def check(self) -> None:
        """Refuse machines with tasks that nothing answers.

        Raises:
            UnsupportedError: If there is one.
        """
        for machine in self.machines.values():
            for task in tasks_of(machine):
                self.caller.handler(task)

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
        if _NAME.fullmatch(name) is None:
            raise NamedError(f"{prefix}.InvalidNameException", f"Invalid Name: '{name}'")
        if len(json.dumps(given, ensure_ascii=False).encode()) > STATE_BYTES:
            raise NamedError(f"{prefix}.InvalidExecutionInputException", f"The input has more than {STATE_BYTES} bytes")
        execution = Execution(machine, machine_arn, name, given, self.clock)
        before = self.executions.get(execution.arn)
        if before is not None:
            if before.status == "RUNNING" and before.input == given:
                return before
            cause = f"Execution Already Exists: '{execution.arn}'"
            raise NamedError(f"{prefix}.ExecutionAlreadyExistsException", cause)
        self.executions[execution.arn] = execution
        execution.process = self.clock.start(self._live(execution))
        return execution

    def redrive(self, execution: Execution) -> None:
        """Go on with an execution where it failed.

        https://docs.aws.amazon.com/step-functions/latest/dg/redrive-executions.html

        Raises:
            ValueError: If it cannot be redriven.
        """
        if execution.status in ("RUNNING", "SUCCEEDED"):
            raise ValueError(f"an execution that is {execution.status} cannot be redriven")
        if execution.history.events >= HISTORY_EVENTS - 1:
            raise ValueError(f"an execution of {execution.history.events} events cannot be redriven")
        execution.restart()
        execution.process = self.clock.start(self._live(execution))

    async def _live(self, execution: Execution) -> None:
        interpreter = Interpreter(execution, self.caller, self.functions, self.overhead)
        limit = execution.machine.timeout or _YEAR
        try:
            execution.history.note()
            output = await self.clock.within(
                limit, interpreter.run(execution.scope), lambda: _ExecutionTimeoutError(TIMEOUT)
            )
        except _ExecutionTimeoutError:
            execution.end("TIMED_OUT")
        except NamedError as error:
            execution.end("FAILED", error=error)
        except AbortedError:
            execution.end("ABORTED")
            raise
        else:
            execution.end("SUCCEEDED", output=output)

    def _describe(self, call: Call) -> Any:
        (arn,) = required(call, "ExecutionArn", known=("IncludedData",))
        execution = self.executions.get(arn)
        if execution is None:
            raise NamedError("Sfn.ExecutionDoesNotExistException", f"Execution Does Not Exist: '{arn}'")
        status = {"Status": execution.status, "RedriveCount": execution.redrives}
        return {"ExecutionArn": arn, "StateMachineArn": execution.machine_arn, "Name": execution.name, **status}

    def _take(self, call: Call) -> Execution:
        (machine_arn,) = required(call, "StateMachineArn", known=("Name", "Input", "TraceHeader"))
        given = call.arguments.get("Input", {})
        name = call.arguments.get("Name") or f"{self.chance.getrandbits(128):032x}"
        prefix = "Sfn" if call.resource.startswith("aws-sdk:") else "StepFunctions"
        execution = self.start(machine_arn, name, json.loads(given) if isinstance(given, str) else given, prefix)
        nested = self.executions[call.execution].nested
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
