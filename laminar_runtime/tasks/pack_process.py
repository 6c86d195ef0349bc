"""The processes of a job that runs several layers.

The job starts the container's command, which reads the flow's file and calls the flow. From that process each layer is
forked (`laminar_runtime.process.warm`), where that is safe; else this process starts the command again for each.
Either way a layer has a process of its own, and the variables of a job of its own, but for those that AWS Batch sets.
"""

from __future__ import annotations

import contextlib
import os
import shutil
import signal
import sys
from collections.abc import Callable, Mapping, Sequence
from types import FrameType
from typing import TYPE_CHECKING

from laminar_runtime import _records, task_environment
from laminar_runtime.configurations.datastores.kept import memory_folder
from laminar_runtime.configurations.failures import FINAL
from laminar_runtime.failures import tracebacks
from laminar_runtime.process import forking
from laminar_runtime.process.warm import Warm, branch
from laminar_runtime.task_environment import TaskContext
from laminar_runtime.tasks import claims, task, task_process
from laminar_runtime.tasks.pack import PackedLayer, PackRun, Processes
from laminar_runtime.tasks.worker import Ending, StoppedError, next_attempt
from laminar_runtime.tasks.worker_process import endings, prefer_to_kill, record

if TYPE_CHECKING:
    from laminar_runtime.execution import Execution
    from laminar_runtime.flow import Flow

__all__ = ["packed_layers", "run"]

_SUCCESS, _FAILURE = 0, 1


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

    if (folder := memory_folder()) is not None:
        os.environ[task_environment.KEPT] = folder

    def supervise(processes: Processes) -> int:
        try:
            return _supervise(flow, lambda: _Pack(execution(), context, spelled, processes))
        finally:
            shutil.rmtree(folder or "", ignore_errors=True)

    if os.environ.get(task_environment.FORKS) == "0" or not forking.is_safe():
        raise SystemExit(supervise(_Commands()))
    branch(lambda warm: supervise(_Forks(warm)))
    os.environ[task_environment.TAKEN] = str(os.getpid())
    prefer_to_kill(os.getpid())
    own = TaskContext.parse(os.environ)
    if own is None:
        raise AssertionError(spelled)
    return own


def _supervise(flow: Flow, pack: Callable[[], _Pack]) -> int:
    """Run the layers, and return the exit code of the job."""
    try:
        with task_process.reporting(flow, ""):
            return pack().run()
    except Exception as error:  # noqa: BLE001 - the end of this process
        sys.stderr.write(tracebacks.text(error) or f"{error}\n")
        return _FAILURE


class _Pack:
    """The layers of a pack, as its supervisor runs them."""

    def __init__(self, execution: Execution, context: TaskContext, spelled: str, processes: Processes) -> None:
        cpu, memory, names = task_environment.parse_pack(spelled)
        self._context = context
        job, start = os.environ.get(task_environment.BATCH_JOB, ""), os.environ.get(task_environment.BATCH_ATTEMPT)
        self._start = int(start or 1)
        layers = packed_layers(execution, context, names, f"{job}.{self._start}")
        self._pack = PackRun(layers=layers, cpu=cpu, memory=memory, processes=processes, send=_send)

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
    return [_layer(execution, _records.evolve(context, layer=name), frozenset(names), run) for name in names]


def _layer(execution: Execution, context: TaskContext, names: frozenset[str], run: str) -> PackedLayer:
    name, flow, store, key = context.layer, execution.flow, execution.datastore, execution.key(context.layer)
    configuration = flow.registry[name].configuration
    retry, notes = configuration.retry, key.attempts(0, context.drive)

    def variables(attempt: int) -> dict[str, str]:
        return {task_environment.LAYER_NAME: name, task_environment.LAYER_ATTEMPT: str(attempt)}

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
    )


class _Forks:
    """Processes that are forked from the one that has imported the flow.

    Args:
        warm: Forks them.
    """

    def __init__(self, warm: Warm) -> None:
        self._warm = warm

    def start(self, variables: Mapping[str, str]) -> int:
        """Fork a process with variables."""
        others = {name: value for name, value in os.environ.items() if name != task_environment.TAKEN}
        return self._warm.start({**others, **variables})

    def wait(self, seconds: float) -> tuple[int, int] | None:
        """Wait for the end of a process."""
        return self._warm.wait_any(seconds)


class _Commands:
    """Processes that run the container's command again."""

    def __init__(self) -> None:
        import subprocess

        self._running: dict[int, subprocess.Popen[bytes]] = {}

    def start(self, variables: Mapping[str, str]) -> int:
        """Start the command with variables."""
        import subprocess

        from laminar_runtime.process import reaper

        others = {name: value for name, value in os.environ.items() if name != task_environment.TAKEN}
        reaper.prepare()
        process = subprocess.Popen(  # noqa: S603 - running the flow's own command is the purpose
            [sys.executable, *sys.orig_argv[1:]],
            env={**task_environment.UNBUFFERED, **others, **variables},
            stdin=subprocess.DEVNULL,
            start_new_session=True,
        )
        reaper.watch(process.pid)
        prefer_to_kill(process.pid)
        self._running[process.pid] = process
        return process.pid

    def wait(self, seconds: float) -> tuple[int, int] | None:
        """Wait for the end of a process."""
        import time

        from laminar_runtime.process import reaper

        end = time.monotonic() + seconds
        while True:
            for number, process in self._running.items():
                if os.waitid(os.P_PID, number, os.WEXITED | os.WNOHANG | os.WNOWAIT) is None:
                    continue
                # What it started ends with it. Until it is reaped, the number of its group cannot be reused.
                _send(number, signal.SIGKILL)
                code = process.wait()
                del self._running[number]
                reaper.forget(number)
                return number, code
            if time.monotonic() >= end:
                return None
            time.sleep(min(0.02, seconds))


def _send(group: int, number: signal.Signals) -> None:
    with contextlib.suppress(ProcessLookupError, PermissionError):
        os.killpg(group, number)
