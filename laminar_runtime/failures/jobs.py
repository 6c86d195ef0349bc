"""Why a job of AWS Batch failed, by its description.

https://docs.aws.amazon.com/batch/latest/APIReference/API_JobDetail.html and, for the texts of reasons,
https://docs.aws.amazon.com/AmazonECS/latest/developerguide/stopped-task-error-codes.html and
https://docs.aws.amazon.com/batch/latest/userguide/job_stuck_in_runnable_time_limit_actions.html
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from laminar_runtime.failures.record import Kind, spell_time
from laminar_runtime.failures.redaction import one_line

__all__ = ["BEGINNINGS", "DENIED", "STOPPED_BY_DEPENDENCY", "facts_of", "kind_of", "log_group", "variables"]

#: The status of a job that did not run, as one that it depends on failed.
STOPPED_BY_DEPENDENCY = "Dependent Job failed"
#: The exit code of a task whose layer has a dependency that has not finished.
_UNFINISHED = 66
#: The status of a job whose container ran and exited, and of one whose container did not start.
_EXITED, _NOT_STARTED = "Essential container in task exited", "Task failed to start"
#: The log group of jobs whose definition names none.
_LOG_GROUP = "/aws/batch/job"
#: How the status of a job begins that a limit of its queue canceled, because no capacity could run it for too long.
_LIMIT = "Canceled by JobStateTimeLimit action"
_SIGNALLED = 128

#: How a reason of the container, or of the status, begins, by kind. The first one that fits is taken.
BEGINNINGS: tuple[tuple[Kind, tuple[str, ...]], ...] = (
    ("out of memory", ("OutOfMemoryError",)),
    ("timed out", ("Job attempt duration exceeded timeout",)),
    ("reclaimed", ("Host EC2", "Your Spot Task was interrupted")),
    ("not placed", (_LIMIT, "MISCONFIGURATION:", "CAPACITY:", "ACTION_REQUIRED", "UNDETERMINED")),
    ("image not pulled", ("CannotPull", "CannotInspectContainerError")),
)
#: What is in the reason of a container that did not start because of a role.
DENIED = ("AccessDenied", "is not authorized to", "unable to assume the role", "Access Denied")


def kind_of(detail: Mapping[str, Any]) -> Kind:
    """Return what kind of failure ended a job.

    Args:
        detail: The description of the job.

    Example:
        >>> kind_of({"container": {"reason": "OutOfMemoryError: Container killed", "exitCode": 137}})
        'out of memory'
    """
    container, status = detail.get("container") or {}, str(detail.get("statusReason") or "")
    reason, code = str(container.get("reason") or ""), container.get("exitCode")
    if code is None and any(text in f"{reason} {status}" for text in DENIED):
        return "permission denied"
    for kind, beginnings in BEGINNINGS:
        if reason.startswith(beginnings) or status.startswith(beginnings):
            return kind
    if code == _UNFINISHED:
        return "unfinished"
    if status == _EXITED or (code is not None and not status):
        return "exited"
    return "not started" if status in {"", _NOT_STARTED} else "stopped"


def facts_of(detail: Mapping[str, Any]) -> dict[str, Any]:
    """Return what the description of a failed job says: arguments of `laminar_runtime.failures.record.Failure`.

    Args:
        detail: The description of the job.
    """
    container = detail.get("container") or {}
    kind, code = kind_of(detail), container.get("exitCode")
    attempts = detail.get("attempts") or []
    stopped = detail.get("stoppedAt")
    stream = container.get("logStreamName") or ""
    return {
        "kind": kind,
        "reason": one_line(_reason(detail, kind)),
        "exit_code": code if isinstance(code, int) else None,
        "job": str(detail.get("jobId", "")),
        "start": len(attempts),
        "time": "" if stopped is None else spell_time(stopped / 1000),
        "log_stream": stream,
        "log_group": log_group(detail) if stream else "",
    }


def log_group(detail: Mapping[str, Any]) -> str:
    """Return the log group of the output of a job.

    Args:
        detail: The description of the job.
    """
    options = ((detail.get("container") or {}).get("logConfiguration") or {}).get("options") or {}
    return str(options.get("awslogs-group") or _LOG_GROUP)


def variables(detail: Mapping[str, Any]) -> dict[str, str]:
    """Return the environment of the task of a job, as far as its description has it.

    Args:
        detail: The description of the job.
    """
    listed = (detail.get("container") or {}).get("environment") or []
    found = {item["name"]: item["value"] for item in listed if "name" in item and "value" in item}
    index = (detail.get("arrayProperties") or {}).get("index")
    return found if index is None else {**found, "AWS_BATCH_JOB_ARRAY_INDEX": str(index)}


def _reason(detail: Mapping[str, Any], kind: Kind) -> str:  # noqa: PLR0911 - one for each kind
    container = detail.get("container") or {}
    status, code = str(detail.get("statusReason") or ""), container.get("exitCode")
    said = str(container.get("reason") or status or "AWS Batch names no reason")
    match kind:
        case "out of memory":
            memory = _memory(container)
            return f"out of memory: {said}" + (f"; it had {memory} MiB" if memory else "")
        case "timed out":
            seconds = (detail.get("timeout") or {}).get("attemptDurationSeconds")
            return f"timed out: it did not end within {seconds} seconds" if seconds else f"timed out: {said}"
        case "reclaimed":
            return f"reclaimed: AWS took its spot capacity back ({said})"
        case "not placed":
            return f"not placed: no capacity of its job queue runs it ({status})"
        case "image not pulled":
            return f"its image {container.get('image', '')} cannot be pulled: {said}"
        case "permission denied":
            return f"permission denied: {said}"
        case "unfinished":
            return "a layer that it depends on has not finished"
        case "exited":
            ended = f"its process ended with exit code {code}"
            signal = f" (signal {code - _SIGNALLED})" if isinstance(code, int) and code > _SIGNALLED else ""
            return f"{ended}{signal} and left no error; its log has its output"
        case "stopped":
            return f"its job was stopped: {status}"
        case _:
            return f"its container did not start: {said}"


def _memory(container: Mapping[str, Any]) -> str:
    listed = container.get("resourceRequirements") or []
    return next((str(item.get("value")) for item in listed if item.get("type") == "MEMORY"), "")
