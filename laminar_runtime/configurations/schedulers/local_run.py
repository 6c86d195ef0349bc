"""One run of the local scheduler: its event loop, the errors that end it, and the layers in it."""

from __future__ import annotations

import time
from collections.abc import Callable, Coroutine
from typing import TYPE_CHECKING, Any

from laminar_runtime import graph_notes, progress, task_environment
from laminar_runtime.blocks import add_note
from laminar_runtime.configurations.executors.base import Raised
from laminar_runtime.configurations.schedulers import event_loop, ignored, local_volumes, run_record
from laminar_runtime.configurations.schedulers.splits import run_splits
from laminar_runtime.exceptions import ExecutionError, LaminarError, TimeLimitError
from laminar_runtime.failures import tracebacks
from laminar_runtime.layer import Layer, Parameters
from laminar_runtime.splits import fanout
from laminar_runtime.storage import attempt_times

if TYPE_CHECKING:
    from laminar_runtime.execution import Execution

__all__ = ["run", "run_layer"]

#: Runs the layers of an execution to their end.
RunLayers = Callable[["Execution"], Coroutine[Any, Any, None]]


def run(execution: Execution, run_layers: RunLayers) -> None:
    """Run an execution to its end, in an event loop of its own.

    Args:
        execution: The execution.
        run_layers: Runs its layers.

    Raises:
        ExecutionError: If a resumed execution was stopped before its parameters were stored.
        TimeLimitError: If it takes longer than its flow may.
        TaskError: If a layer fails.
        Exception: The layer's own error, unchanged, if its tasks run in this process.
    """
    if execution.retry:
        _check_parameters(execution)
    graph_notes.write_graph(execution)
    for line in (*ignored.notes(execution.flow), *local_volumes.notes(execution.flow)):
        progress.warn(line)
    # A layer of another flow may have called this one: hooks and schedulers run outside of its task.
    with task_environment.outside(), run_record.recording(execution):
        error = _run_loop(execution, _loop(execution, run_layers))
        if error is not None:
            raise error


async def run_layer(layer: Layer, execution: Execution, attempt: int) -> list[Layer]:
    """Run a layer, with all its splits and attempts.

    Args:
        layer: A layer of the execution.
        execution: The execution.
        attempt: The first attempt, from 1.

    Returns:
        The layer's splits, or the layer itself if it has none.

    Raises:
        TaskError: If a split failed on its last attempt, and the fan-out does not tolerate it. The other splits are
            stopped.
    """
    key, store = execution.key(layer), execution.datastore
    started = time.monotonic()
    splits = fanout.count(store, key, layer.configuration.foreach)
    view = progress.current()
    view.begin(layer.name, splits)
    try:
        done, failed = await run_splits(layer, splits, attempt)
    except BaseException as error:
        view.end(layer.name, "failed" if isinstance(error, Exception) else "stopped")
        raise
    if splits != 1 or failed:
        seconds = round(time.monotonic() - started, 3)
        store.ledger.write_record(key, splits=splits, seconds=seconds, failed=failed)
    view.end(layer.name, "finished")
    return done or [layer]


async def _loop(execution: Execution, run_layers: RunLayers) -> None:
    import asyncio

    key, transport = execution.key(""), execution.datastore.transport
    before = attempt_times.read(transport, key.flow, key.execution) if execution.retry else ()
    times = attempt_times.AttemptTimes(transport.put, key.flow, key.execution, before)
    limit = execution.flow.configuration.timeout
    with event_loop.stoppable(), attempt_times.keeping(times), progress.showing(_title(execution)):
        try:
            async with asyncio.timeout(limit) as clock:
                await run_layers(execution)
        except TimeoutError:
            if limit is None or not clock.expired():
                raise
            raise TimeLimitError(_limit_message(execution, limit)) from None


def _run_loop(execution: Execution, loop: Coroutine[Any, Any, None]) -> Exception | None:
    """Run the event loop of an execution.

    Returns:
        The error that ended it, if any, with a note that says how to resume. It is returned, not raised, so that its
        traceback has no frames of the event loop.
    """
    try:
        event_loop.run(loop)
    except Raised as failed:
        error = failed.__cause__
        assert isinstance(error, Exception)  # noqa: S101 - for mypy: `failure_by` sets it
        _set_notes(error, failed.place, run_record.resume_hint(execution))
        return error
    except LaminarError as failed:
        _set_notes(failed, run_record.resume_hint(execution))
        return failed.with_traceback(None)
    except (KeyboardInterrupt, SystemExit):
        progress.warn(f"{_title(execution)} was stopped. {run_record.resume_hint(execution)}")
        raise
    return None


def _title(execution: Execution) -> str:
    return f"flow {execution.flow_name}: execution {execution.id}"


def _limit_message(execution: Execution, limit: float) -> str:
    flow = execution.flow_name
    return (
        f"execution {execution.id} of flow '{flow}' did not end within {limit:g} seconds, the timeout of the flow, and "
        f"its layers were stopped. If it needs more time, give the flow more: {flow}(timeout=...)"
    )


def _set_notes(error: Exception, *lines: str) -> None:
    """Add notes to an error, and remove those of an earlier run."""
    if notes := getattr(error, "__notes__", None):
        notes[:] = [note for note in notes if not isinstance(note, tracebacks.Note)]
    for line in lines:
        add_note(error, tracebacks.Note(line))


def _check_parameters(execution: Execution) -> None:
    """Check that the parameters of a resumed execution were stored: without them it would fail or differ."""
    begun = execution.layer(Parameters).state.finished or execution.stored - {Parameters.__name__}
    if begun or execution.take_input():
        return
    msg = (
        f"execution {execution.id} of flow '{execution.flow_name}' was stopped before its parameters were stored: "
        f"it cannot be resumed. Run it again with flow('{execution.id}', ...)"
    )
    raise ExecutionError(msg)
