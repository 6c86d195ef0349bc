"""Step Functions' operations on executions, where moto answers unlike AWS.

Each function here replaces one of moto's; its docstring states the deviation that it closes.
"""

# ruff: noqa: SLF001 - what is corrected is inside moto

from __future__ import annotations

import datetime as dt
import uuid
from typing import Any

from moto.core.responses import ActionResult
from moto.stepfunctions.parser.asl.eval.program_state import ProgramEnded, ProgramError, ProgramStopped
from moto.stepfunctions.parser.backend.execution import BaseExecutionWorkerCommunication, Execution
from moto.stepfunctions.parser.models import StepFunctionsParserBackend
from moto.stepfunctions.responses import StepFunctionResponse

from laminar_codegen.rehearsal.aws import redrive
from laminar_codegen.rehearsal.aws.patches import Patches

_start_of_backend: Any = StepFunctionsParserBackend.start_execution
_reflect_status: Any = BaseExecutionWorkerCommunication._reflect_execution_status


def install(patches: Patches) -> None:
    """Put the functions of this module in the place of moto's."""
    patches.attribute(StepFunctionsParserBackend, "start_execution", _start)
    patches.attribute(StepFunctionResponse, "describe_execution", _describe)
    patches.attribute(StepFunctionResponse, "describe_state_machine_for_execution", _describe_machine)
    patches.attribute(StepFunctionResponse, "list_executions", _list)
    patches.attribute(StepFunctionResponse, "stop_execution", _stop)
    patches.attribute(BaseExecutionWorkerCommunication, "_reflect_execution_status", _reflect)


def _start(self: StepFunctionsParserBackend, state_machine_arn: str, name: str | None, *args: Any) -> Any:
    """Moto gives an execution without a name the name None."""
    return _start_of_backend(self, state_machine_arn, name or str(uuid.uuid4()), *args)


def _describe(self: StepFunctionResponse) -> ActionResult:
    """Show an execution's output as JSON, when it stopped, and its redrives.

    moto shows an output that is text without its quotes, an output of null not at all, and no
    stop date after a timeout.
    """
    backend: Any = self.stepfunction_backend
    execution = backend.describe_execution(self._get_param("executionArn"))
    described: dict[str, Any] = dict(execution.to_describe_output())
    described["status"] = execution.status
    described["input"] = execution.execution_input
    described.update(redrive.describe(execution))
    return ActionResult(_known(described))


def _describe_machine(self: StepFunctionResponse) -> ActionResult:
    """Moto describes the state machine as it is now, and not as the execution was started with."""
    backend: Any = self.stepfunction_backend
    machine: Any = backend.describe_execution(self._get_param("executionArn")).state_machine
    described = {
        "stateMachineArn": machine.arn,
        "name": machine.name,
        "definition": machine.definition,
        "roleArn": machine.roleArn,
        "updateDate": machine.creation_date,
    }
    return ActionResult(described)


def _list(self: StepFunctionResponse) -> ActionResult:
    """Moto shows neither redrives nor, after a timeout, when the execution stopped."""
    backend: Any = self.stepfunction_backend
    found, token = backend.list_executions(
        self._get_param("stateMachineArn"),
        status_filter=self._get_param("statusFilter"),
        max_results=self._get_int_param("maxResults"),
        next_token=self._get_param("nextToken"),
    )
    return ActionResult(_known({"executions": [_list_item(execution) for execution in found], "nextToken": token}))


def _list_item(execution: Execution) -> dict[str, Any]:
    last = redrive.last_redrive(execution)
    item = {
        **execution.to_execution_list_item(),
        "status": execution.status,
        "redriveCount": 0 if last is None else last.count,
        "redriveDate": None if last is None else last.date,
    }
    return _known(item)


def _stop(self: StepFunctionResponse) -> ActionResult:
    """Moto drops the error and the cause, and answers with a date of its own or none."""
    backend: Any = self.stepfunction_backend
    execution = backend.describe_execution(self._get_param("executionArn"))
    now = dt.datetime.now(tz=dt.UTC)
    execution.stop(stop_date=now, error=self._get_param("error"), cause=self._get_param("cause"))
    return ActionResult({"stopDate": execution.stop_date or now})


def _reflect(self: BaseExecutionWorkerCommunication) -> None:
    """Moto shows that an execution has ended before it shows with what."""
    worker: Any = self.execution.exec_worker
    state = worker.env.program_state()
    if isinstance(state, ProgramEnded):
        self.execution.output = worker.env.states.get_input()
    elif isinstance(state, ProgramError) and state.error is not None:
        self.execution.error = state.error.get("error")
        self.execution.cause = state.error.get("cause")
    elif isinstance(state, ProgramStopped):
        self.execution.error, self.execution.cause = state.error, state.cause
    _reflect_status(self)


def _known(described: dict[str, Any]) -> dict[str, Any]:
    return {key: value for key, value in described.items() if value is not None}
