"""RedriveExecution, which moto does not have.

A redriven execution keeps its ARN, definition, input and history. It goes on from the states that
did not succeed (see `progress`); retries and timeouts begin anew.
https://docs.aws.amazon.com/step-functions/latest/dg/redrive-executions.html

Deviations from AWS that stay: an execution can be redriven however long ago it ended and however long
its history is; a Parallel or Map whose own output was too large runs its branches not again.
"""

# ruff: noqa: SLF001 - what is corrected is inside moto

from __future__ import annotations

import datetime as dt
from typing import Any

import attrs
from moto.core.exceptions import AWSError
from moto.core.responses import ActionResult
from moto.stepfunctions.parser.api import ExecutionStatus, HistoryEventType, StateMachineType
from moto.stepfunctions.parser.asl.eval.environment import Environment
from moto.stepfunctions.parser.asl.eval.event.event_manager import EventHistoryContext
from moto.stepfunctions.parser.backend.execution import Execution
from moto.stepfunctions.parser.backend.execution_worker import ExecutionWorker
from moto.stepfunctions.responses import StepFunctionResponse

from laminar_codegen.rehearsal.aws.patches import Patches
from laminar_codegen.rehearsal.aws.progress import Progress, attach, progress_of

_ATTRIBUTE = "laminar_redrive"
_REDRIVABLE = frozenset({ExecutionStatus.FAILED, ExecutionStatus.ABORTED, ExecutionStatus.TIMED_OUT})

_environment_of: Any = ExecutionWorker._get_evaluation_environment
_execute_first: Any = ExecutionWorker._execution_logic


class ExecutionNotRedrivableError(AWSError):
    """An execution that runs or has succeeded."""

    TYPE = "ExecutionNotRedrivable"


@attrs.frozen
class Redrive:
    """The last redrive of an execution, and what it went on from."""

    count: int
    date: dt.datetime
    progress: Progress
    before: Environment


def install(patches: Patches) -> None:
    """Put the functions of this module in the place of moto's, and add the operation."""
    patches.attribute(ExecutionWorker, "_get_evaluation_environment", _environment)
    patches.attribute(ExecutionWorker, "_execution_logic", _execute)
    patches.attribute(StepFunctionResponse, "redrive_execution", _redrive)


def describe(execution: Execution) -> dict[str, Any]:
    """Return the fields of DescribeExecution about redrives."""
    redrive = last_redrive(execution)
    reason = _why_not(execution)
    return {
        "redriveCount": 0 if redrive is None else redrive.count,
        "redriveDate": None if redrive is None else redrive.date,
        "redriveStatus": "REDRIVABLE" if reason is None else "NOT_REDRIVABLE",
        "redriveStatusReason": reason,
    }


def last_redrive(execution: Execution) -> Redrive | None:
    """How an execution was redriven last, if it was."""
    redrive: Redrive | None = getattr(execution, _ATTRIBUTE, None)
    return redrive


def _why_not(execution: Execution) -> str | None:
    if execution.sm_type == StateMachineType.EXPRESS:
        return "Execution is of an EXPRESS state machine and cannot be redriven"
    if execution.exec_status not in _REDRIVABLE:
        return f"Execution is {execution.status} and cannot be redriven"
    return None


def _redrive(self: StepFunctionResponse) -> ActionResult:
    backend: Any = self.stepfunction_backend
    execution = backend.describe_execution(self._get_param("executionArn"))
    if (reason := _why_not(execution)) is not None:
        raise ExecutionNotRedrivableError(reason)
    worker: Any = execution.exec_worker
    before = last_redrive(execution)
    redrive = Redrive(
        1 if before is None else before.count + 1,
        dt.datetime.now(tz=dt.UTC),
        progress_of(worker.env).rewound(),
        worker.env,
    )
    _restart(execution, redrive)
    return ActionResult({"redriveDate": redrive.date})


def _restart(execution: Any, redrive: Redrive) -> None:
    setattr(execution, _ATTRIBUTE, redrive)
    execution.stop_date = execution.error = execution.cause = None
    execution.exec_status = ExecutionStatus.RUNNING
    execution.exec_worker = execution._get_start_execution_worker()
    execution.exec_worker.start()


def _environment(self: ExecutionWorker) -> Environment:
    """Moto does not have RedriveCount in the context."""
    env: Any = _environment_of(self)
    communication: Any = self._execution_communication
    redrive = last_redrive(communication.execution)
    context = env.states.context_object.context_object_data["Execution"]
    context["RedriveCount"] = 0 if redrive is None else redrive.count
    attach(env, Progress() if redrive is None else redrive.progress)
    if redrive is not None:
        context["RedriveTime"] = redrive.date
        _continue_history(env, redrive)
    made: Environment = env
    return made


def _continue_history(env: Any, redrive: Redrive) -> None:
    env.event_manager = redrive.before.event_manager
    env.map_run_record_pool_manager = redrive.before.map_run_record_pool_manager
    last = env.event_manager.get_event_history()[-1]
    env.event_history_context = EventHistoryContext(previous_event_id=last["id"])


def _execute(self: ExecutionWorker) -> None:
    communication: Any = self._execution_communication
    redrive = last_redrive(communication.execution)
    if redrive is None:
        _execute_first(self)
        return
    program = self._get_evaluation_entrypoint()
    env = self._get_evaluation_environment()
    self.env = env
    details: Any = {"executionRedrivenEventDetails": {"redriveCount": redrive.count}}
    env.event_manager.add_event(
        context=env.event_history_context,
        event_type=HistoryEventType.ExecutionRedriven,
        event_details=details,
    )
    program.eval(env)
    communication.terminated()
