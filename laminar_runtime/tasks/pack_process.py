"""The processes of a job that runs several layers.

The job starts the container's command, which reads the flow's file and calls the flow. From that process each layer is
forked, where that is safe (`laminar_runtime.tasks.attempt_processes`). A layer has a process of its own, and the
variables of a job of its own, but for those that AWS Batch sets.
"""

from __future__ import annotations

import os
import shutil
import signal
from collections.abc import Callable, Sequence
from types import FrameType
from typing import TYPE_CHECKING

from laminar_runtime import _records, task_environment
from laminar_runtime.configurations.datastores.kept import memory_folder
from laminar_runtime.configurations.failures import FINAL
from laminar_runtime.task_environment import TaskContext
from laminar_runtime.tasks import attempt_processes, attempts, claims, entry_notes, task, task_process, upstream
from laminar_runtime.tasks.pack import PackedLayer, PackRun, Processes
from laminar_runtime.tasks.worker import Ending, StoppedError, next_attempt
from laminar_runtime.tasks.worker_process import endings, record

if TYPE_CHECKING:
    from laminar_runtime.execution import Execution
    from laminar_runtime.flow import Flow

__all__ = ["is_skipped", "packed_layers", "run"]

_SUCCESS = 0


def run(flow: Flow, context: TaskContext, execution: Callable[[], Execution]) -> TaskContext:
    """Run the layers of a pack, each in a process.

    Args:
        flow: The flow.
        context: What the environment says: the first layer of the pack.
        execution: Opens the execution. It is called in the process that supervises the others.

    Returns:
        The task of a layer, in its process. In the process that called it does not return.
    """
    spelled = os.environ.pop(task_environment.PACK)
    with task_process.reporting(flow, context.layer):
        for name in task_environment.parse_pack(spelled)[2]:
            claims.check_layer(_records.evolve(context, layer=name), flow.classes)

    folder = memory_folder()
    if folder is not None:
        os.environ[task_environment.KEPT] = folder

    def run_pack(processes: Processes) -> int:
        try:
            return attempt_processes.report_errors(flow, lambda: _Pack(execution(), context, spelled, processes).run())
        finally:
            shutil.rmtree(folder or "", ignore_errors=True)

    return attempt_processes.supervise(run_pack)


def is_skipped(execution: Execution, context: TaskContext) -> bool:
    """Return whether the layer of this process does not run, and note that: it holds for all later attempts.

    Args:
        execution: The execution.
        context: The task of the layer.

    Raises:
        UnfinishedError: If a layer that it depends on has not finished, and cannot be skipped.
        ExecutionError: If an entry hook fails. The layer does not run again, as with a planner.
        DatastoreError: If the note cannot be read or written: a failed attempt like others.
    """
    from laminar_runtime.tasks import entry_hooks

    del os.environ[task_environment.DECIDES]
    layer = execution.layer(context.layer)

    def ask() -> bool:
        try:
            # Hooks run outside of a task, as they do with the local scheduler.
            with task_environment.outside():
                return entry_hooks.check_and_enter(execution, layer)
        except BaseException:
            attempts.fail_for_good()
            raise

    return not entry_notes.decide(execution.datastore, execution.key(context.layer), context.drive, ask)


class _Pack:
    """The layers of a pack, as its supervisor runs them."""

    def __init__(self, execution: Execution, context: TaskContext, spelled: str, processes: Processes) -> None:
        cpu, memory, names = task_environment.parse_pack(spelled)
        self._context = context
        job, start = os.environ.get(task_environment.BATCH_JOB, ""), os.environ.get(task_environment.BATCH_ATTEMPT)
        self._start = int(start or 1)
        layers = packed_layers(execution, context, names, f"{job}.{self._start}")
        self._pack = PackRun(layers=layers, cpu=cpu, memory=memory, processes=processes, send=attempt_processes.send)

    def run(self) -> int:
        """Run the layers, and return the exit code of the job."""
        stops = (signal.SIGTERM, signal.SIGINT)
        for number in stops:
            signal.signal(number, self._stop)
        # They may have been blocked until something listens to them.
        signal.pthread_sigmask(signal.SIG_UNBLOCK, stops)
        try:
            finished = self._pack.run(restarted=self._start > 1 or self._context.retry)
        except StoppedError:
            return 128 + signal.SIGTERM
        # AWS Batch does not start the job again: all attempts were made.
        return _SUCCESS if finished else FINAL

    def _stop(self, number: int, _frame: FrameType | None) -> None:
        self._pack.stop(signal.Signals(number))


def packed_layers(execution: Execution, context: TaskContext, names: Sequence[str], run: str) -> list[PackedLayer]:
    """Return the layers of a pack, with their attempts and their commits in the datastore.

    Args:
        execution: The execution.
        context: The task of any of them.
        names: Their names, in the order in which they start.
        run: The start of the job, as ``<job>.<number>``.
    """
    optional = upstream.find_optional(execution.flow)
    return [
        _layer(
            execution,
            _records.evolve(context, layer=name),
            frozenset(names),
            run,
            optional=name in optional,
        )
        for name in names
    ]


def _layer(
    execution: Execution, context: TaskContext, names: frozenset[str], run: str, *, optional: bool
) -> PackedLayer:
    name, flow, store, key = context.layer, execution.flow, execution.datastore, execution.key(context.layer)
    configuration = flow.registry[name].configuration
    retry, notes = configuration.retry, key.attempts(0, context.drive)

    def variables(attempt: int) -> dict[str, str]:
        decides = {task_environment.DECIDES: "1"} if optional else {}
        return {task_environment.LAYER_NAME: name, task_environment.LAYER_ATTEMPT: str(attempt), **decides}

    def note(attempt: int, ended: str) -> None:
        if retry.attempts > 1:
            store.transport.put(f"{notes}{run}.{attempt}{f'.{ended}' if ended else ''}", b"{}")

    def leave(attempt: int, ending: Ending) -> None:
        record(store, {**os.environ, **variables(attempt)}, ending)

    return PackedLayer(
        name=name,
        after=frozenset(flow.dependencies_of(name)) & names,
        cpu=configuration.container.cpu,
        memory=configuration.container.memory,
        retry=_records.copy(retry, on=tuple(endings(retry))),
        timeout=(configuration.executor or flow.configuration.executor).timeout,
        is_finished=lambda: task.has_finished(store, key, context),
        variables=variables,
        next_attempt=lambda: next_attempt(store.transport.names(notes), spot=configuration.container.spot),
        note=note,
        record=leave,
        is_skipped=lambda: optional and entry_notes.read(store, key, context.drive) is False,
    )
