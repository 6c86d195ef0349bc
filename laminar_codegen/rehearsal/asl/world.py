"""The executions of a world, from their starts to their ends, whatever drives their clock."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Mapping
from typing import Any

import attrs

from laminar_codegen.limits import EXECUTION_SECONDS, HISTORY_EVENTS, STATE_BYTES
from laminar_codegen.rehearsal.asl.clock import AbortedError, Clock
from laminar_codegen.rehearsal.asl.definition import Machine
from laminar_codegen.rehearsal.asl.errors import RUNTIME, TIMEOUT, NamedError
from laminar_codegen.rehearsal.asl.execution import Execution
from laminar_codegen.rehearsal.asl.interpreter import Interpreter
from laminar_codegen.rehearsal.asl.maps import MapServices
from laminar_codegen.rehearsal.asl.tasks import Caller

__all__ = ["RefusedStartError", "World", "why_not_redrivable"]

#: Names of executions: https://docs.aws.amazon.com/step-functions/latest/apireference/API_StartExecution.html
_NAME = re.compile(r"[^\s?*<>{}\[\]\"#%\\^|~`$&,;:/\x00-\x1f\x7f-\x9f]{1,80}")


class RefusedStartError(Exception):
    """An execution that Step Functions does not start.

    Args:
        code: The code of its error, such as ``InvalidName``.
        cause: Why.
    """

    def __init__(self, code: str, cause: str) -> None:
        super().__init__(cause)
        self.code = code
        self.cause = cause


class _ExecutionTimeoutError(NamedError):
    """An execution took longer than it may."""


def _nothing(_: Execution) -> None:
    """Do nothing at the end of an execution."""


@attrs.define(eq=False)
class World:
    """A world.

    Args:
        clock: Its time.
        caller: Calls the services of its tasks.
        functions: What expressions may call besides the language's own.
        overhead: Seconds that each state takes besides what it does.
        executions: Its executions by their ARNs, in the order of their starts.
        ended: Called with each execution that has ended.
    """

    clock: Clock
    caller: Caller
    functions: Mapping[str, Any]
    overhead: float = 0
    executions: dict[str, Execution] = attrs.field(factory=dict)
    ended: Callable[[Execution], None] = _nothing

    def start(self, machine: Machine, machine_arn: str, name: str, given: Any, role: str) -> Execution:
        """Start an execution, or give the one that runs by this name with this input.

        Args:
            machine: Its machine.
            machine_arn: The ARN of that.
            name: Its name.
            given: Its input.
            role: The role that it calls services with.

        Raises:
            RefusedStartError: If Step Functions refuses to.
        """
        if _NAME.fullmatch(name) is None:
            raise RefusedStartError("InvalidName", f"Invalid Name: '{name}'")
        if len(json.dumps(given, ensure_ascii=False).encode()) > STATE_BYTES:
            raise RefusedStartError("InvalidExecutionInput", f"The input has more than {STATE_BYTES} bytes")
        execution = Execution(machine, machine_arn, name, given, self.clock, role)
        before = self.executions.get(execution.arn)
        if before is not None:
            if before.status == "RUNNING" and before.input == given:
                return before
            raise RefusedStartError("ExecutionAlreadyExists", f"Execution Already Exists: '{execution.arn}'")
        self._run(execution)
        return execution

    def redrive(self, execution: Execution) -> None:
        """Go on with an execution where it failed.

        https://docs.aws.amazon.com/step-functions/latest/dg/redrive-executions.html

        Raises:
            ValueError: If it cannot be redriven.
        """
        reason = why_not_redrivable(execution)
        if reason is not None:
            raise ValueError(reason)
        execution.restart()
        self._run(execution)

    def stop(self, execution: Execution, error: NamedError | None = None) -> None:
        """End an execution that runs, with all that it waits for."""
        if execution.process is not None:
            execution.aborted = error
            execution.process.abort()

    def _run(self, execution: Execution) -> None:
        self.executions[execution.arn] = execution
        execution.process = self.clock.start(self._live(execution))

    async def _live(self, execution: Execution) -> None:
        try:
            await self._live_as_child(execution)
        finally:
            self.ended(execution)

    async def _live_as_child(self, execution: Execution) -> None:
        services = MapServices(self._live_as_child, self.caller.read)
        interpreter = Interpreter(execution, self.functions, self.caller, services, self.overhead)
        limit = execution.machine.timeout or EXECUTION_SECONDS
        try:
            _note_start(execution)
            run = interpreter.run(execution.scope)
            output = await self.clock.within(limit, run, lambda: _ExecutionTimeoutError(TIMEOUT))
        except _ExecutionTimeoutError:
            execution.end("TIMED_OUT")
        except NamedError as error:
            execution.end("FAILED", error=error)
        except AbortedError:
            execution.end("ABORTED", error=execution.aborted)
            raise
        except Exception as error:
            if not self.clock.survives(error):
                raise
            execution.end("FAILED", error=NamedError(RUNTIME, f"The interpreter failed: {error!r}"))
        else:
            execution.end("SUCCEEDED", output=output)


def why_not_redrivable(execution: Execution) -> str | None:
    """Return why an execution cannot be redriven, None if it can."""
    if execution.status in ("RUNNING", "SUCCEEDED"):
        return f"Execution is {execution.status} and cannot be redriven"
    if execution.history.events >= HISTORY_EVENTS - 1:
        return f"Execution has {execution.history.events} events and cannot be redriven"
    return None


def _note_start(execution: Execution) -> None:
    if execution.redrives:
        about: dict[str, Any] = {"redriveCount": execution.redrives}
        event = execution.event("ExecutionRedriven", execution.history.events, **about)
    else:
        event = execution.event("ExecutionStarted", 0, input=execution.input, roleArn=execution.role)
    execution.history.note(event)
