"""The causes of failed executions of deployed flows, from histories and the descriptions of jobs and functions."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Any

from laminar_runtime import task_environment
from laminar_runtime.exceptions import UnfinishedError

if TYPE_CHECKING:
    from mypy_boto3_stepfunctions.client import SFNClient
    from mypy_boto3_stepfunctions.type_defs import HistoryEventTypeDef

__all__ = ["find_cause", "find_time_limit", "is_unfinished", "parse_object"]


def find_cause(client: SFNClient, arn: str) -> str:
    """Return the failed state of an execution and the cause, from the end of its history, for a message.

    Args:
        client: The client of Step Functions.
        arn: The ARN of the execution.
    """
    from botocore.exceptions import BotoCoreError, ClientError

    try:
        history = client.get_execution_history(executionArn=arn, reverseOrder=True, maxResults=1000)["events"]
    except (BotoCoreError, ClientError) as error:
        return f"; its history has the cause, but cannot be read: {error}"
    events = {event["id"]: event for event in history}
    failures = [event for number, event in sorted(events.items(), reverse=True) if _failure(event)]
    # The cause is among the predecessors of the execution's end. Later failures may be tasks that were stopped.
    end = next((event for event in failures if event["type"].startswith("Execution")), None)
    led = [event for event in _predecessors(end, events) if _failure(event)] or failures
    # The failure of a task has more details than the failure of the Map or Parallel state around it.
    own = (event for event in led if not event["type"].startswith(("Execution", "Map", "Parallel")))
    failed = next(own, led[0] if led else None)
    if failed is None:
        return ""
    details, state = _failure(failed) or {}, _state(failed, events)
    where, cause = f" in state '{state}'" if state else "", details.get("cause", "")
    reason = _find_nested_cause(client, cause) or f": {details.get('error', 'an error')}: {_readable(cause)}"
    return f"{where}{reason}"


def _find_nested_cause(client: SFNClient, cause: str) -> str:
    """Return the cause of a nested execution that failed; empty if the state started none, or it cannot be read."""
    from botocore.exceptions import BotoCoreError, ClientError

    arn = parse_object(cause).get("ExecutionArn")
    try:
        return "" if arn is None else find_cause(client, arn)
    except (BotoCoreError, ClientError):
        return ""


def find_time_limit(client: SFNClient, arn: str) -> tuple[str, int | None] | None:
    """Return the execution that ran longer than it may, if an execution ended because of that.

    The state machine of a chain, or of executions that take turns, runs those of flows, which have the time limits.

    Args:
        client: The client of Step Functions.
        arn: The ARN of an execution that did not succeed.

    Returns:
        The ARN of that execution, and the seconds that its state machine allows, None if they are not known. None if
        the execution ended for another reason.
    """
    from botocore.exceptions import BotoCoreError, ClientError

    try:
        ended = client.describe_execution(executionArn=arn)
    except (BotoCoreError, ClientError):
        return None
    status, cause = str(ended["status"]), ended.get("cause", "")
    while status != "TIMED_OUT":
        # A state that runs another execution fails with the description of that one.
        nested = parse_object(cause)
        if "ExecutionArn" not in nested:
            return None
        arn, status, cause = str(nested["ExecutionArn"]), str(nested.get("Status")), str(nested.get("Cause", ""))
    try:
        definition = client.describe_state_machine_for_execution(executionArn=arn)["definition"]
    except (BotoCoreError, ClientError):
        return arn, None
    return arn, parse_object(definition).get("TimeoutSeconds")


def is_unfinished(error: str, cause: str) -> bool:
    """Return whether an execution failed because jobs succeeded without finishing their layers.

    Args:
        error: The error of the execution. For a Lambda function it is the name of the error's class.
        cause: The cause of the execution. For a job or a nested execution it is its description, as JSON.
    """
    if error == UnfinishedError.__name__:
        return True
    found = parse_object(cause)
    if "ExecutionArn" in found:
        return is_unfinished(str(found.get("Error", "")), str(found.get("Cause", "")))
    container = found.get("Container")
    return isinstance(container, dict) and container.get("ExitCode") == task_environment.UNFINISHED


def _state(event: HistoryEventTypeDef, events: Mapping[int, HistoryEventTypeDef]) -> str | None:
    """Return the state of an event: the last state that was entered before it."""
    entered = (cause.get("stateEnteredEventDetails") for cause in _predecessors(event, events))
    return next((details["name"] for details in entered if details), None)


def _predecessors(
    event: HistoryEventTypeDef | None, events: Mapping[int, HistoryEventTypeDef]
) -> Iterator[HistoryEventTypeDef]:
    """Yield an event and its predecessors, from the last to the first."""
    while event is not None:
        yield event
        event = events.get(event.get("previousEventId", 0))


def _failure(event: HistoryEventTypeDef) -> dict[str, Any] | None:
    found = (value for key, value in event.items() if key.endswith("EventDetails") and isinstance(value, dict))
    return next((value for value in found if "error" in value or "cause" in value), None)


def _readable(cause: str) -> str:
    """Shorten the cause of a failure: of the description of a job, a function or an execution, keep what matters."""
    job = parse_object(cause)
    if "errorMessage" in job:
        return str(job["errorMessage"])
    if "ExecutionArn" in job:
        ended = f"execution {job['ExecutionArn']} ended {job.get('Status')}"
        return f"{ended}: {job.get('Error', 'an error')}: {_readable(str(job.get('Cause', '')))}"
    if "JobName" not in job:
        return cause
    container = job.get("Container") or {}
    parts = {
        "job": job.get("JobId"),
        "status": job.get("StatusReason"),
        "exit code": container.get("ExitCode"),
        "reason": container.get("Reason"),
        "log stream": container.get("LogStreamName"),
    }
    return ", ".join(f"{name} {value}" for name, value in parts.items() if value is not None)


def parse_object(cause: str) -> dict[str, Any]:
    """Parse a JSON object; return an empty one if the text is not a JSON object.

    Args:
        cause: The text.
    """
    try:
        found = json.loads(cause)
    except ValueError:
        return {}
    return found if isinstance(found, dict) else {}
