"""The processes of a child of an array job that claims its splits.

The job starts the container's command, which reads the flow's file and calls the flow. That process then forks a
supervisor, which claims splits, and a process for each of them (`laminar_runtime.process.warm`): so the flow is
imported once. Where a fork is not safe, the process replaces itself by a small one without the flow, which starts the
command again for each split. Either way an error, a leak of memory or a crash ends with the split. The supervisor stops
a split after the timeout of its executor, and passes on the signals that ask it to stop itself.
"""

from __future__ import annotations

import json
import os
import signal
import sys
import threading
import time
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import nullcontext
from types import FrameType
from typing import TYPE_CHECKING, Any, NoReturn, Protocol

from laminar_runtime import _records, indexes, task_environment, types
from laminar_runtime.configurations.failures import FINAL, OUT_OF_MEMORY, TIMED_OUT
from laminar_runtime.configurations.layers import Retry
from laminar_runtime.exceptions import FlowError
from laminar_runtime.process import forking
from laminar_runtime.process.fresh import Fresh, prefer_to_kill
from laminar_runtime.process.named_lines import name_lines
from laminar_runtime.process.warm import branch
from laminar_runtime.splits.claims import Claims
from laminar_runtime.storage.claims import Owner, note_begin
from laminar_runtime.task_environment import TaskContext
from laminar_runtime.tasks.worker import Ending, StoppedError, Worker

if TYPE_CHECKING:
    from laminar_runtime.configurations.datastores import DataStore
    from laminar_runtime.flow import Flow

__all__ = ["Processes", "Starter", "endings", "main", "record", "run"]

#: The variables of this process that the processes of splits do not have.
_OWN = {task_environment.LAYER_CLAIMS, task_environment.LAYER_INDEXES}
#: Seconds between SIGTERM and SIGKILL of a split that did not end in time, as AWS Batch gives a job.
_GRACE = 30.0
#: The signals that ask this process to stop.
_SIGNALS = (signal.SIGTERM, signal.SIGINT)
_SUCCESS = 0


def run(flow: Flow, context: TaskContext) -> None:
    """Run the splits that this child claims. It returns in the processes of splits only, and only if they are forked.

    Args:
        flow: The flow.
        context: What the environment says.
    """
    known = _facts(flow, context)
    if os.environ.get(task_environment.FORKS) == "0" or not forking.is_safe():
        _become(known)
    branch(lambda warm: _supervise(known, warm))


def _facts(flow: Flow, context: TaskContext) -> dict[str, Any]:
    """Return what the supervisor needs to know of the layer, for JSON.

    Raises:
        FlowError: If the environment does not say where the datastore is.
    """
    if not os.environ.get(task_environment.DATASTORE_ROOT):
        claims, root = task_environment.LAYER_CLAIMS, task_environment.DATASTORE_ROOT
        raise FlowError(f"the environment variable {claims} is there without {root}")
    configuration = flow.registry[context.layer].configuration
    task = {name: value for name, value in os.environ.items() if name.startswith("LAMINAR_")}
    task.pop(task_environment.TAKEN, None)
    asked = getattr(flow.configuration.datastore, "requested_encryption", None)
    return {
        "words": [sys.executable, *sys.orig_argv[1:]],
        "task": task,
        "path": os.environ.get("PYTHONPATH"),
        "retry": configuration.retry.numbers(),
        "on": endings(configuration.retry),
        "timeout": (configuration.executor or flow.configuration.executor).timeout,
        "spot": configuration.container.spot,
        "tolerant": configuration.foreach.tolerated_failures is not None,
        "at_once": configuration.foreach.splits_at_once,
        "encryption": _records.plain(asked()) if asked else {},
    }


def _become(known: dict[str, Any]) -> NoReturn:
    """Replace this process by one that starts the same command for each split."""
    # Without the name of a layer, as this process runs none.
    others = {name: value for name, value in os.environ.items() if not name.startswith("LAMINAR_")}
    path = os.pathsep.join(filter(None, sys.path))
    # Until the other program listens to them, signals wait.
    signal.pthread_sigmask(signal.SIG_BLOCK, _SIGNALS)
    sys.stdout.flush()
    sys.stderr.flush()
    os.execve(  # noqa: S606 - our own program
        sys.executable,
        [sys.executable, "-m", __name__],
        {**task_environment.UNBUFFERED, **others, "PYTHONPATH": path, task_environment.WORKER: json.dumps(known)},
    )


def endings(retry: Retry) -> list[int | str]:
    """Return the failures of a retry as a process ends with them: an error of a class that is named ends it with 1."""
    found = [1 if isinstance(item, type) else item for item in retry.on]
    return list(dict.fromkeys(found))


def main() -> None:
    """Run splits until none is left. The exit code is 0 if all that this process ran have finished."""
    known: dict[str, Any] = json.loads(os.environ.pop(task_environment.WORKER))
    sys.exit(_supervise(known, Fresh(known["words"])))


def _supervise(known: Mapping[str, Any], starter: Starter) -> int:
    """Run splits until none is left, and return the exit code of the job."""
    variables: dict[str, str] = known["task"]
    for name in [*variables, task_environment.TAKEN]:
        os.environ.pop(name, None)  # this process runs none of them
    named = known["at_once"] > 1
    processes = Processes(starter, _environment(variables, known["path"]), known["timeout"], named=named)
    processes.listen()
    # The handlers of signals run in this thread, and must not wait for what it does.
    with ThreadPoolExecutor(1) as pool:
        return pool.submit(_work, known, processes).result()


def _work(known: Mapping[str, Any], processes: Processes) -> int:
    variables: dict[str, str] = known["task"]
    context = types.unwrap(TaskContext.parse({**os.environ, **variables}))
    store, key = _datastore(variables[task_environment.DATASTORE_ROOT], known["encryption"]), context.key
    start = int(os.environ.get(task_environment.BATCH_ATTEMPT) or 1)
    job = os.environ.get(task_environment.BATCH_JOB, "")
    claims = Claims(
        store.transport,
        key.claims(context.claims, context.drive, job.partition(":")[0]),
        owner=Owner(job, start),
        splits=_splits(store, context, variables[task_environment.LAYER_INDEXES]),
        place=int(os.environ.get(task_environment.BATCH_INDEX) or 0),
        children=int(context.claims.rpartition(".")[2]),
    )
    if context.retry or start > 1:
        # A redrive submits the job again with all of its splits.
        claims.leave_out(store.ledger.finished_splits(key, splits=context.splits))
    named = variables.get(task_environment.LAYER_ATTEMPT)
    worker = Worker(
        claims=claims,
        run=processes.run,
        is_finished=lambda index: store.ledger.read_split(key, index=index) is not None,
        pause=processes.pause,
        transport=store.transport,
        key=key,
        drive=context.drive,
        job=f"{job.partition(':')[0]}.{start}",
        retry=_records.copy(Retry(**known["retry"]), on=tuple(known["on"])),
        attempt=int(named) if named else None,
        spot=known["spot"],
        at_once=known["at_once"],
        record=lambda index, attempt, ending: record(store, processes.environment(index, attempt), ending),
        check=processes.check,
        lose=lambda index: note_begin(store.transport.put, key, context.drive, index) if known["tolerant"] else None,
    )
    try:
        succeeded = worker.work(restarted=start > 1)
    except StoppedError:
        return 128 + signal.SIGTERM
    # AWS Batch does not start the job again: all attempts were made.
    return _SUCCESS if succeeded else FINAL


def record(store: DataStore, environment: Mapping[str, str], ending: Ending) -> None:
    """Record the failure of an attempt at a split whose process could not do so: it was killed, or exited."""
    from laminar_runtime.tasks import failure_records

    kind = TIMED_OUT if ending.late else OUT_OF_MEMORY if ending.code == -signal.SIGKILL else "exited"
    known = {"kind": kind, "reason": str(ending), "exit_code": ending.code}
    failure_records.leave(environment, known, store, over=ending.late or ending.code <= 0)


def _splits(store: DataStore, context: TaskContext, spelled: str) -> list[int]:
    if spelled.startswith("@"):
        spelled = store.transport.get(context.key.index_list(spelled[1:])).decode()
    return indexes.parse(spelled)


def _datastore(root: str, encryption: Mapping[str, Any]) -> DataStore:
    """Return the flow's datastore without the flow: it keeps claims and notes, and says what finished."""
    from laminar_runtime.configurations import datastores

    if not root.startswith("s3://"):
        return datastores.Local(root)
    return datastores.AWS.S3(root, encryption=encryption.get("kind"), kms_key_id=encryption.get("key"))


def _environment(variables: Mapping[str, str], path: str | None) -> dict[str, str]:
    """Return the environment of the processes of splits, without the split."""
    others = {name: value for name, value in os.environ.items() if name != "PYTHONPATH"}
    task = {name: value for name, value in variables.items() if name not in _OWN}
    return {**others, **task, **({} if path is None else {"PYTHONPATH": path})}


class Starter(Protocol):
    """Starts processes of splits: `Fresh` or `Warm`. Several threads may use it."""

    def start(self, environment: Mapping[str, str], output: int | None = None) -> int:
        """Start a process with an environment, in a process group of its own, and return its number.

        It prints to the file of a descriptor, or as this process does.
        """

    def wait(self, process: int) -> int:
        """Wait for the end of a process, end what it has left running, and return the exit code."""

    def signal(self, process: int, number: int) -> None:
        """Send a signal to a process and all that it started, if it has not ended."""


class Processes:
    """Runs each attempt at a split in a process, with all that this starts in a process group of its own.

    Args:
        starter: Starts the processes.
        environment: Its environment variables, without those that name a split.
        timeout: Seconds after which it is stopped.
        grace: Seconds after that in which it may end by itself.
        named: Whether each line that it prints names the split: where several run beside each other.
    """

    def __init__(
        self,
        starter: Starter,
        environment: Mapping[str, str],
        timeout: float,
        *,
        grace: float = _GRACE,
        named: bool = False,
    ) -> None:
        self._starter, self._environment, self._named = starter, environment, named
        self._timeout, self._grace = timeout, grace
        #: The signal that asked this process to stop, and the processes that run.
        self._stopping: signal.Signals | None = None
        self._running: set[int] = set()

    def listen(self) -> None:
        """Pass signals that ask this process to stop on to the split, as AWS sends them before it reclaims capacity."""
        for number in _SIGNALS:
            signal.signal(number, self._stop)
        signal.pthread_sigmask(signal.SIG_UNBLOCK, _SIGNALS)

    def pause(self, seconds: float) -> None:
        """Wait between attempts.

        Args:
            seconds: How long.

        Raises:
            StoppedError: If this process is asked to stop meanwhile.
        """
        end = time.monotonic() + seconds
        while not self._stopping and (left := end - time.monotonic()) > 0:
            time.sleep(min(left, 1))
        self.check()

    def environment(self, index: int, attempt: int) -> dict[str, str]:
        """Return the environment variables of the process of a split.

        Args:
            index: The split.
            attempt: The attempt.
        """
        split = {task_environment.LAYER_INDEX: str(index), task_environment.LAYER_ATTEMPT: str(attempt)}
        return {**self._environment, **split}

    def run(self, index: int, attempt: int) -> Ending:
        """Run an attempt at a split.

        Args:
            index: The split.
            attempt: The attempt.

        Raises:
            StoppedError: If this process was asked to stop, and the attempt did not succeed.
        """
        self.check()
        with name_lines(f"[split {index}] ") if self._named else nullcontext() as output:
            return self._run(index, attempt, output)

    def _run(self, index: int, attempt: int, output: int | None) -> Ending:
        process = self._starter.start(self.environment(index, attempt), output)
        self._running.add(process)
        if self._stopping:
            # The signal came when the process was not known yet. If it came after that, it is sent twice.
            self._starter.signal(process, self._stopping)
        prefer_to_kill(process)
        code, late = self._wait_for(process)
        self._running.discard(process)
        if code != _SUCCESS:
            self.check()
        return Ending(code, late, self._timeout if late else None)

    def _wait_for(self, process: int) -> tuple[int, bool]:
        """Wait until a process ends, stop it if it does not in time, and return its code and whether that was so."""
        late = threading.Event()

        def stop() -> None:
            late.set()
            self._starter.signal(process, signal.SIGTERM)

        timers = [
            threading.Timer(self._timeout, stop),
            threading.Timer(self._timeout + self._grace, self._starter.signal, (process, signal.SIGKILL)),
        ]
        for timer in timers:
            timer.daemon = True
            timer.start()
        code = self._starter.wait(process)
        for timer in timers:
            timer.cancel()
        return code, late.is_set()

    def _stop(self, number: int, _frame: FrameType | None) -> None:
        self._stopping = signal.Signals(number)
        for process in tuple(self._running):
            self._starter.signal(process, self._stopping)

    def check(self) -> None:
        """Go on unless this process was asked to stop.

        Raises:
            StoppedError: If it was.
        """
        if self._stopping:
            raise StoppedError


if __name__ == "__main__":
    main()
