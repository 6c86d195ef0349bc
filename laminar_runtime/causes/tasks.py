"""Failures of tasks of state machines, by what the state machine says of them: jobs, functions, and other calls."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from laminar_runtime import task_environment
from laminar_runtime.causes import functions
from laminar_runtime.causes.histories import StateTask
from laminar_runtime.causes.texts import parse_object
from laminar_runtime.exceptions import FlowError, MissingError
from laminar_runtime.failures import jobs
from laminar_runtime.failures.record import Failure, Kind, spell_time
from laminar_runtime.failures.redaction import one_line
from laminar_runtime.task_environment import TaskContext

__all__ = ["UNKNOWN", "of_function", "of_job", "of_state", "place_of", "variables_of"]

#: The errors of AWS Lambda for a function that ended without an answer, by kind.
_FUNCTION_ENDS: Mapping[str, Kind] = {"Sandbox.Timedout": "timed out", "Runtime.OutOfMemory": "out of memory"}
#: The error of Step Functions for a function whose answer names none, and what the answer says then.
UNKNOWN, _LATE, _KILLED = "Lambda.Unknown", "Task timed out after", "signal: killed"
#: What an error of a call says if a role may not make it.
_DENIED = ("AccessDenied", "is not authorized to perform", "not authorized to assume")

#: Reads a list of indexes of a layer's plan, by its task and its name.
ReadList = Callable[[TaskContext, str], str]


def variables_of(task: StateTask) -> dict[str, str]:
    """Return what a state gave to its task: its variables, as far as the request names them.

    Args:
        task: The task.
    """
    if task.payload:
        return _variables_of_payload(task.payload)
    overrides = task.request.get("ContainerOverrides") or {}
    listed = overrides.get("Environment") or []
    return {item["Name"]: item["Value"] for item in listed if "Name" in item and "Value" in item}


def _variables_of_payload(payload: Mapping[str, Any]) -> dict[str, str]:
    """Return the variables of a task on AWS Lambda, as `laminar_runtime.run_task` makes them."""
    names = {
        "execution": task_environment.EXECUTION_ID,
        "layer": task_environment.LAYER_NAME,
        "attempt": task_environment.LAYER_ATTEMPT,
        "indexes": task_environment.LAYER_INDEXES,
        "child": task_environment.BATCH_INDEX,
        "splits": task_environment.LAYER_SPLITS,
    }
    return {variable: str(payload[field]) for field, variable in names.items() if field in payload}


def place_of(variables: Mapping[str, str], flow: str, read: ReadList) -> dict[str, Any]:
    """Return where a task belongs: arguments of `Failure`. Without a layer there is none.

    Args:
        variables: The variables of the task.
        flow: The flow's name, if the variables do not have it.
        read: Reads a list of indexes of the layer's plan.
    """
    layer = variables.get(task_environment.LAYER_NAME, "")
    flow = variables.get(task_environment.FLOW_NAME, flow)
    named = {**variables, task_environment.FLOW_NAME: flow or "-"}
    try:
        parsed = TaskContext.parse(named) if layer else None
        context = parsed and parsed.resolve(lambda name: read(parsed, name))
    except (FlowError, MissingError):
        context = None
    if context is None:
        return {"flow": flow, "layer": layer}
    named_attempt = variables.get(task_environment.LAYER_ATTEMPT, "")
    attempt = {"attempt": int(named_attempt)} if named_attempt.isdecimal() else {}
    return {"flow": flow, "layer": layer, "index": context.index, "splits": context.splits, **attempt}


def of_job(detail: Mapping[str, Any], execution: str, place: Mapping[str, Any]) -> Failure:
    """Return the failure of a job.

    Args:
        detail: The description of the job.
        execution: The execution's id.
        place: Where it belongs.
    """
    return Failure(execution=execution, **place, **jobs.facts_of(detail))


def of_function(task: StateTask, execution: str, place: Mapping[str, Any]) -> Failure:
    """Return the failure of a function that ran a layer, or planned it.

    Args:
        task: The task of the state machine.
        execution: The execution's id.
        place: Where it belongs.
    """
    answer = parse_object(task.cause)
    message = str(answer.get("errorMessage") or task.cause)
    kind = _FUNCTION_ENDS.get(task.error)
    if kind is None and _LATE in message:
        kind = "timed out"
    if kind is None:
        killed = _KILLED in message
        ended = "exited" if task.error.startswith("Runtime.") or task.error == UNKNOWN else "error"
        kind = "out of memory" if killed else "permission denied" if _is_denied(task) else ended  # type: ignore[assignment]
    # The function's own error says where it happened, which is said beside it.
    _, found, reason = message.partition(f" of execution {execution}: ")
    error = task.error if kind == "error" else ""
    return Failure(
        execution=execution,
        **place,
        kind=kind or "error",
        reason=one_line(reason if found else message if kind == "error" else f"{task.error}: {message}"),
        error_class=error,
        time=spell_time(task.seconds),
        job=functions.request_of(task),
        log_group=functions.log_group(task),
    )


def of_state(task: StateTask, execution: str, place: Mapping[str, Any]) -> Failure:
    """Return the failure of a state whose service refused what it requested, or of a state without a task.

    Args:
        task: The task of the state machine.
        execution: The execution's id.
        place: Where it belongs.
    """
    kind: Kind = "permission denied" if _is_denied(task) else "timed out" if task.error == "States.Timeout" else "error"
    if kind == "error" and task.service:
        kind = "not started"
    where = f"in state '{task.state}': " if task.state else ""
    reason = one_line(f"{where}{task.error}: {task.cause}" if task.cause else f"{where}{task.error}")
    return Failure(execution=execution, **place, kind=kind, reason=reason, time=spell_time(task.seconds))


def _is_denied(task: StateTask) -> bool:
    return any(text in f"{task.error} {task.cause}" for text in _DENIED)
