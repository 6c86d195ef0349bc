"""Leaves the record of a failed attempt in the datastore. It is loaded when something failed, and not before.

On AWS the process of the task does so itself. On a machine, the process that runs the flow does, as it also knows what
ended a task from outside. To leave a record never fails: the failure that it is about matters more.
"""

from __future__ import annotations

import json
import os
import signal
import sys
import time
from collections.abc import Mapping
from typing import Any

from laminar_runtime import task_environment
from laminar_runtime.causes.texts import parse_object
from laminar_runtime.configurations import datastores
from laminar_runtime.configurations.failures import OUT_OF_MEMORY, TIMED_OUT
from laminar_runtime.exceptions import DamagedError, MissingError, TaskError, UnfinishedError
from laminar_runtime.failures import reports, tracebacks
from laminar_runtime.failures.record import Failure, spell_time
from laminar_runtime.failures.redaction import one_line
from laminar_runtime.splits import fanout
from laminar_runtime.storage import failures
from laminar_runtime.storage.layout import LayerKey
from laminar_runtime.task_environment import TaskContext
from laminar_runtime.tasks.attempts import NoAttemptLeftError

__all__ = ["leave", "leave_ending", "leave_error", "of_task_error", "record"]

#: Seconds to wait for the metadata of a container, which its own host has.
_METADATA_TIMEOUT = 1.0


def leave_error(error: BaseException, own: datastores.DataStore | None) -> None:
    """Leave the record of an error that ended the task of this process.

    Args:
        error: The error.
        own: The configured datastore of the flow; None if the flow could not be loaded.
    """
    if isinstance(error, NoAttemptLeftError):  # the attempts before it have records
        return
    known: dict[str, Any] = {
        "kind": "unfinished" if isinstance(error, UnfinishedError) else "error",
        "reason": reports.reason_of(error),
        "error_class": reports.class_name(error),
        "message": reports.message_of(error),
        "traceback": tracebacks.text(error),
        "frame": tracebacks.last_frame(error),
    }
    leave(os.environ, known, own)


def leave_ending(environment: Mapping[str, str], reason: str, code: int, *, late: bool = False) -> None:
    """Leave the record of a task whose process ended without an error report.

    Args:
        environment: The variables of the task.
        reason: What happened.
        code: The exit code of its process, negative for the signal that ended it.
        late: Whether it was stopped because it did not end in time.
    """
    kind = TIMED_OUT if late else OUT_OF_MEMORY if code == -signal.SIGKILL else "exited"
    leave(environment, {"kind": kind, "reason": reason, "exit_code": code}, None, over=late)


def leave(
    environment: Mapping[str, str], known: Mapping[str, Any], own: datastores.DataStore | None, *, over: bool = True
) -> None:
    """Leave the record of a failure of the task of an environment. If that is impossible, print why.

    Args:
        environment: The variables of the task.
        known: What is known of the failure: arguments of `Failure`.
        own: The configured datastore of the flow; None if the flow could not be loaded.
        over: Whether to write over a record that the same start of the task left: it knows its error, as of an import.
    """
    try:
        context = TaskContext.parse(environment)
        root = environment.get(task_environment.DATASTORE_ROOT)
        if context is None or not (root or own):
            return
        store = datastores.from_root(root, own or datastores.Local()) if root else own
        assert store is not None  # noqa: S101 - for mypy: there is a root, or a datastore
        context = fanout.resolve_index(store, context)
        failure = Failure(
            flow=context.flow,
            execution=context.execution,
            layer=context.layer,
            index=context.index,
            splits=context.splits,
            attempt=_attempt(environment, context),
            time=spell_time(time.time()),
            drive=context.drive,
            **{**_facts_of_job(environment), **_with_shown_paths(known, environment)},
        )
        if over or not _has_record(store, context.key, failure):
            failures.write(store.transport.put, context.key, failure)
    except Exception as error:  # noqa: BLE001 - the failure of the task matters more
        sys.stderr.write(f"laminar: the record of this failure cannot be stored: {reports.reason_of(error)}\n")


def _with_shown_paths(known: Mapping[str, Any], environment: Mapping[str, str]) -> dict[str, Any]:
    """Return what is known of a failure with the paths that the environment says are shown."""
    paths = parse_object(environment.get(task_environment.SHOWN_PATHS, ""))
    found = dict(known)
    for name in ("frame", "message", "reason", "traceback"):
        for path, shown in paths.items() if found.get(name) else ():
            found[name] = found[name].replace(path, str(shown))
    return found


def _has_record(store: datastores.DataStore, key: LayerKey, failure: Failure) -> bool:
    """Return whether the start of the task that a failure is of has left a record of it."""
    found = _read(store, key, failure.index, failure.attempt)
    return found is not None and (found.drive, found.job, found.start) == (failure.drive, failure.job, failure.start)


def _read(store: datastores.DataStore, key: LayerKey, index: int, attempt: int) -> Failure | None:
    path = key.failure(index, attempt)
    try:
        return Failure.from_json(store.transport.get(path), key=path)
    except (MissingError, DamagedError):
        return None


def of_task_error(error: TaskError) -> Failure:
    """Return the failure that an error of this process' scheduler stands for.

    Args:
        error: The error.
    """
    # Who or what killed a process on this machine is not known, so that is no lack of memory.
    kind = error.ending or ("error" if error.error_class else "exited")
    return Failure(
        flow=error.flow,
        execution=error.execution,
        layer=error.layer,
        reason=one_line(error.reason),
        kind=kind,  # type: ignore[arg-type] # the reasons of endings are kinds
        index=error.index,
        splits=error.splits,
        attempt=error.attempt,
        time=spell_time(time.time()),
        error_class=error.error_class,
        message=error.message,
        traceback=error.traceback,
        frame=error.frame,
        exit_code=error.exit_code,
    )


def record(store: datastores.DataStore, key: LayerKey, error: TaskError, began: float) -> TaskError:
    """Leave the record of an attempt that this process' scheduler saw fail, unless a job of AWS left its own.

    Args:
        store: The flow's datastore.
        key: The layer.
        error: The error of the attempt.
        began: When the attempt began, in seconds since the epoch.

    Returns:
        The error; if a job left a record, with what that says.
    """
    try:
        found = None if error.error_class else _find(store, key, error, began)
        if found is not None:
            return _evolve(error, found)
        failures.write(store.transport.put, key, of_task_error(error))
    except Exception as other:  # noqa: BLE001 - the failure of the task matters more
        error.add_note(f"The record of this failure cannot be stored: {reports.reason_of(other)}")
    return error


def _find(store: datastores.DataStore, key: LayerKey, error: TaskError, began: float) -> Failure | None:
    found = _read(store, key, error.index, error.attempt)
    return found if found is not None and found.job and found.time >= spell_time(began) else None


def _evolve(error: TaskError, found: Failure) -> TaskError:
    """Return an error with the report that its job left in the datastore."""
    names = ("flow", "execution", "layer", "index", "splits", "attempt", "exit_code", "ending")
    place: dict[str, Any] = {name: getattr(error, name) for name in names}
    report: dict[str, Any] = {name: getattr(found, name) for name in ("error_class", "traceback", "message", "frame")}
    return TaskError(found.reason, **place, **report)


def _attempt(environment: Mapping[str, str], context: TaskContext) -> int:
    """Return the attempt of a task; 0 for one that plans its layer, or whose attempt was not counted yet."""
    if task_environment.PLAN_FILE in environment or not environment.get(task_environment.LAYER_ATTEMPT):
        return 0
    return context.attempt


def _facts_of_job(environment: Mapping[str, str]) -> dict[str, Any]:
    """Return what the environment says about the job, or the function, and where its output goes.

    https://docs.aws.amazon.com/batch/latest/userguide/job_env_vars.html and
    https://docs.aws.amazon.com/lambda/latest/dg/configuration-envvars.html
    """
    start = environment.get("AWS_BATCH_JOB_ATTEMPT", "")
    known = {
        "region": environment.get("AWS_REGION") or environment.get("AWS_DEFAULT_REGION"),
        "job": environment.get("AWS_BATCH_JOB_ID") or environment.get(task_environment.INVOCATION),
        "start": int(start) if start.isdecimal() else None,
        "log_group": environment.get("AWS_LAMBDA_LOG_GROUP_NAME"),
        "log_stream": environment.get("AWS_LAMBDA_LOG_STREAM_NAME"),
        **_log_of_container(environment),
    }
    return {name: value for name, value in known.items() if value}


def _log_of_container(environment: Mapping[str, str]) -> dict[str, str]:
    """Return where the output of this container goes, if it goes to CloudWatch Logs.

    https://docs.aws.amazon.com/AmazonECS/latest/developerguide/task-metadata-endpoint-v4-response.html
    """
    address = environment.get("ECS_CONTAINER_METADATA_URI_V4", "")
    if not address.startswith("http://"):
        return {}
    import urllib.request

    try:
        opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
        with opener.open(address, timeout=_METADATA_TIMEOUT) as answer:
            options = json.load(answer).get("LogOptions") or {}
    except (OSError, ValueError, AttributeError):
        return {}
    names = {"log_group": "awslogs-group", "log_stream": "awslogs-stream", "region": "awslogs-region"}
    return {field: options[name] for field, name in names.items() if isinstance(options.get(name), str)}
