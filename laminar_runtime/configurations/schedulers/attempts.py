"""Runs one split from this process: its hooks, its executor, and the waits between its attempts."""

from __future__ import annotations

import signal
import time
from collections.abc import Iterator
from contextlib import AbstractContextManager
from typing import TYPE_CHECKING

from laminar_runtime import _records, progress, task_environment, types
from laminar_runtime.blocks import block
from laminar_runtime.configurations.executors.base import Executor, Raised, failure_by
from laminar_runtime.configurations.executors.tasks import Permit, Task
from laminar_runtime.configurations.failures import OUT_OF_MEMORY, shell_code
from laminar_runtime.configurations.layers import Retry
from laminar_runtime.exceptions import FlowError, LaminarError, TaskError
from laminar_runtime.failures import redaction
from laminar_runtime.layer import Layer
from laminar_runtime.programs.origins import origin_of
from laminar_runtime.storage import outputs
from laminar_runtime.tasks import layer_hooks, task

if TYPE_CHECKING:
    from laminar_runtime.execution import Execution

__all__ = ["repeats", "run_split"]


async def run_split(registered: Layer, index: int, splits: int, attempt: int) -> Layer:
    """Run one split of a layer, with all its attempts. If it finished before a resume, it does not run again.

    Args:
        registered: The layer, an instance of its execution.
        index: The split's index.
        splits: The number of splits of the layer.
        attempt: The first attempt, from 1.

    Returns:
        The instance of the layer for the last attempt.

    Raises:
        TaskError: If the split failed on its last attempt.
    """
    import asyncio

    execution, name, configuration = registered.execution, registered.name, None
    while True:
        layer = execution.layer(registered, index=index, splits=splits, attempt=attempt)
        layer.configuration = configuration or layer.configuration
        job = _task(execution, layer)
        if execution.retry and splits != 1 and job.finished():
            progress.current().end_split(name)
            return layer
        began = time.time()
        try:
            with _task_errors(execution, layer, job), layer_hooks.calling(execution, layer, "submission"):
                submitted = _records.evolve(job, container=layer.configuration.container)
                executor = _executor(execution, layer)
                redaction.hide(submitted.container.secrets)
                try:
                    with _watch(executor, submitted):
                        await executor.submit(submitted)
                finally:
                    outputs.keep(execution.datastore.transport, execution.key(layer), index, attempt, job.output.text())
        except FlowError:  # the flow is incorrect: each attempt would fail
            progress.current().fail_split(name)
            raise
        except LaminarError as error:
            progress.current().fail_split(name)
            failed = _record(execution, layer, error, began)
            retry = layer.configuration.retry
            if attempt >= retry.attempts or not repeats(retry, failed):
                if failed is error:
                    raise
                raise failed from None
            progress.warn(_again(failed, job.title, attempt, retry))
            with _task_errors(execution, layer, job), layer_hooks.calling(execution, layer, "retry"):
                await asyncio.sleep(layer.configuration.retry.wait(attempt))
            configuration, attempt = layer.configuration, attempt + 1
        else:
            progress.current().end_split(name)
            return layer


def _watch(executor: Executor, job: Task) -> AbstractContextManager[None]:
    """Keep the times of an attempt in the ``with`` block."""
    # Imported here: a task does not need it.
    from laminar_runtime.storage import attempt_times

    context = job.context
    index = context.index if context.splits != 1 else None
    return attempt_times.watch(context.layer, index, context.attempt, "thread" if executor.in_process else "process")


def _record(execution: Execution, layer: Layer, error: LaminarError, began: float) -> LaminarError:
    """Leave the record of a failed attempt, and return its error, with what its job reported."""
    if not isinstance(error, TaskError):
        return error
    from laminar_runtime.tasks import failure_records

    return failure_records.record(execution.datastore, execution.key(layer), error, began)


def _again(error: LaminarError, title: str, attempt: int, retry: Retry) -> str:
    """Return the line about an attempt that is followed by another one."""
    reason = " ".join(error.reason.split()) if isinstance(error, TaskError) else redaction.redact(str(error))
    where = f" ({error.frame})" if isinstance(error, TaskError) and error.frame else ""
    return f"layer {title}: attempt {attempt} of {retry.attempts} failed: {reason}{where}"


#: The exit code of a process that was killed, as shells, Docker and AWS Batch say it.
_KILLED = 128 + signal.SIGKILL


def repeats(retry: Retry, error: LaminarError) -> bool:
    """Return whether a task runs again after its failure. A process decides by the error itself, and exits with 1."""
    if not retry.on:
        return True
    cause = error.__cause__ if isinstance(error, Raised) else error
    if not isinstance(error, TaskError) or (error.exit_code is None and not error.ending):
        return retry.repeats(cause or error)
    if error.ending:
        return error.ending in retry.on
    code = shell_code(error.exit_code or 0)
    # A process without a report may be a program that replaced the task: it counts as an error that is named.
    named = code == 1 and any(isinstance(item, type) for item in retry.on)
    return named or code in retry.on or (code == _KILLED and OUT_OF_MEMORY in retry.on)


def _task(execution: Execution, layer: Layer) -> Task:
    key = execution.key(layer)
    redaction.hide(layer.configuration.container.secrets)
    context = task_environment.TaskContext(
        execution=key.execution,
        flow=key.flow,
        layer=layer.name,
        index=types.unwrap(layer.index),
        splits=types.unwrap(layer.splits),
        attempt=types.unwrap(layer.attempt),
        retry=execution.retry,
        stored_as="" if key.layer == layer.name else key.layer,
        upstream=key.upstream,
    )

    permit = Permit()

    def run() -> None:
        # A new instance, as in another process, so that a hook of the scheduler and the task do not share attributes.
        own = execution.layer(layer, index=layer.index, splits=layer.splits, attempt=layer.attempt)
        task.run_layer(execution, own, context, permit)

    return Task(
        context=context,
        container=layer.configuration.container,
        datastore_root=execution.datastore.root,
        origin=origin_of(type(execution.flow), called=execution.called, datastore=execution.datastore),
        run=run,
        finished=lambda: task.has_finished(execution.datastore, key, context),
        permit=permit,
    )


def _executor(execution: Execution, layer: Layer) -> Executor:
    return layer.configuration.executor or execution.flow.configuration.executor


@block
def _task_errors(execution: Execution, layer: Layer, job: Task) -> Iterator[None]:
    """Raise errors of the user's own code, for example of a hook, as the error of the task."""
    try:
        yield
    except LaminarError:
        raise
    except Exception as error:  # noqa: BLE001 - it is raised again, with the task
        failed = failure_by(job, error, in_process=getattr(_executor(execution, layer), "in_process", False))
    else:
        return
    raise failed
