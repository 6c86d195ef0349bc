"""Attempts at a layer of a deployed flow, counted by notes in the datastore on the runs of its tasks.

Services repeat tasks for reasons of their own: AWS Batch starts a container again when spot capacity was taken back,
and Step Functions repeats a call that was throttled. An attempt is one at the layer. So each run of a task notes that
it began, and whether the layer failed::

    .attempts/<drive>/<index>/<job>.<number>           the run began that is start `number` of a job
    .attempts/<drive>/<index>/<job>.<number>.failed    the layer failed in it

A run counts if the layer failed in it. A run without that note was ended from outside: by a lack of memory, a time
limit or a reclaim. It counts too, unless it may be a reclaim: a run on spot capacity whose job ran again.
"""

from __future__ import annotations

import os
import time
from collections.abc import Iterator

from laminar_runtime import _records
from laminar_runtime.blocks import add_note, block
from laminar_runtime.configurations.datastores import DataStore
from laminar_runtime.configurations.failures import FINAL
from laminar_runtime.exceptions import LayerError
from laminar_runtime.layer import Layer
from laminar_runtime.storage.layout import LayerKey
from laminar_runtime.task_environment import LAYER_ATTEMPT, TaskContext

__all__ = ["NoAttemptLeftError", "begin_attempt", "count", "exit_code", "fail_for_good", "failing", "note_failure"]

_FAILED = ".failed"
#: The exit code of this process if its task fails: `FINAL` if the layer does not run again.
_code = 1


class NoAttemptLeftError(LayerError):
    """A task was started again, and its layer has no attempt left."""


def begin_attempt(store: DataStore, key: LayerKey, context: TaskContext, layer: Layer) -> TaskContext:
    """Note that a run begins, and return the task with its attempt.

    AWS Batch runs a job again at once after the layer failed. So this waits as the layer's `Retry` says.

    Args:
        store: The flow's datastore.
        key: The layer.
        context: The task. If its environment names the attempt, it is returned as it is.
        layer: The layer.

    Returns:
        The task with its attempt.

    Raises:
        NoAttemptLeftError: If the layer has no attempt left.
    """
    retry = layer.configuration.retry
    if context.deployed and layer.configuration.foreach.tolerated_failures is not None:
        from laminar_runtime.storage.claims import note_begin  # few fan-outs tolerate failures

        note_begin(store.transport.put, key, context.drive, context.index)
    if not context.run:
        return context
    if retry.attempts == 1:
        os.environ[LAYER_ATTEMPT] = "1"
        return _records.evolve(context, attempt=1)
    prefix = key.attempts(context.index, context.drive)
    before = set(store.transport.names(prefix)) - {context.run}
    store.transport.put(f"{prefix}{context.run}", b"{}")
    failed = {name.removesuffix(_FAILED) for name in before if name.endswith(_FAILED)}
    runs = {name.removesuffix(_FAILED) for name in before}
    reclaimed = _went_on({*runs, context.run}) - failed if layer.configuration.container.spot else set()
    attempt = 1 + len(runs - reclaimed)
    # Flows and layers may read it in the environment.
    os.environ[LAYER_ATTEMPT] = str(attempt)
    if attempt > retry.attempts:
        _end()
        what = f"layer '{key.layer}' has no attempt left: {attempt - 1} of {retry.attempts} failed or were stopped"
        raise NoAttemptLeftError(what)
    if any(_start(name)[0] == _start(context.run)[0] for name in failed):
        time.sleep(retry.wait(attempt - 1))
    return _records.evolve(context, attempt=attempt)


def count(store: DataStore, key: LayerKey, context: TaskContext) -> int:
    """Return the number of the attempt of a run that began, for a process that did not make it.

    Args:
        store: The flow's datastore.
        key: The layer.
        context: The task, with its run. No capacity of its own is reclaimed.
    """
    runs = {name.removesuffix(_FAILED) for name in store.transport.names(key.attempts(context.index, context.drive))}
    return len({*runs, context.run})


@block
def failing(store: DataStore, key: LayerKey, context: TaskContext, layer: Layer) -> Iterator[None]:
    """Note that the layer failed in this run, if the ``with`` block raises.

    Args:
        store: The flow's datastore.
        key: The layer.
        context: The task, with its attempt.
        layer: The layer.
    """
    try:
        yield
    except BaseException as error:
        retry = layer.configuration.retry
        _end(retry.exit_code(error) or 1 if retry.repeats(error) else FINAL)
        if context.run and retry.attempts > 1:
            if context.attempt >= retry.attempts:
                _end()
            try:
                note_failure(store, key, context)
            except Exception as other:  # noqa: BLE001 - reported with the error of the layer, which matters more
                add_note(error, f"The failure of this attempt cannot be stored either: {other}")
        raise


def note_failure(store: DataStore, key: LayerKey, context: TaskContext) -> None:
    """Note that the layer failed in a run.

    Args:
        store: The flow's datastore.
        key: The layer.
        context: The task, as `begin_attempt` returned it.
    """
    store.transport.put(f"{key.attempts(context.index, context.drive)}{context.run}{_FAILED}", b"{}")


def exit_code() -> int:
    """Return the exit code of a process whose task failed: after `FINAL`, AWS Batch does not run the task again."""
    return _code


def fail_for_good() -> None:
    """Have this process end with `FINAL` if its task fails: the layer does not run again."""
    _end()


def _end(code: int = FINAL) -> None:
    global _code  # noqa: PLW0603 - of the process
    _code = code


def _went_on(runs: set[str]) -> set[str]:
    """Return the runs after which their job ran again."""
    last: dict[str, int] = {}
    for job, number in map(_start, runs):
        last[job] = max(number, last.get(job, 0))
    return {run for run in runs if _start(run)[1] < last[_start(run)[0]]}


def _start(run: str) -> tuple[str, int]:
    """Return the job of a run, and the number of its start."""
    job, _, number = run.rpartition(".")
    return job, int(number)
