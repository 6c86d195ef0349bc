"""A child of an array job that runs one split after the other, as it claims them: which splits, and their attempts.

`laminar_runtime.tasks.worker_process` runs each attempt in a process. If the container of the child is started again,
the child goes on with the split that it had claimed. Attempts are noted as in `laminar_runtime.tasks.attempts`.
"""

from __future__ import annotations

import contextlib
import signal
import sys
import threading
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor

from laminar_runtime import _records
from laminar_runtime.configurations.datastores.transport import Transport
from laminar_runtime.configurations.failures import FINAL, OUT_OF_MEMORY, TIMED_OUT, shell_code
from laminar_runtime.configurations.layers import Retry
from laminar_runtime.splits.claims import Claims
from laminar_runtime.storage.layout import LayerKey

__all__ = ["Ending", "StoppedError", "Worker", "next_attempt", "repeats"]

_FAILED, _STOPPED = ".failed", ".stopped"
_SUCCESS = 0
#: The exit code of a process that was killed, as a shell says it.
_KILLED = 128 + signal.SIGKILL


class StoppedError(Exception):
    """The child was asked to stop, and the split that it runs has not finished."""


@_records.frozen
class Ending:
    """How the process of a split ended.

    Args:
        code: Its exit code, negative for the signal that ended it.
        late: Whether it was stopped because it did not end in time.
        limit: The seconds that it had, if it was late; None if they are unknown.
    """

    code: int
    late: bool = False
    limit: float | None = None

    def __str__(self) -> str:
        if self.late:
            within = "in time" if self.limit is None else f"within {self.limit:g} seconds"
            return f"it did not end {within} and was stopped"
        if self.code < 0:
            with contextlib.suppress(ValueError):
                return f"its process was ended by signal {signal.Signals(-self.code).name}"
        more = " before its layer finished" if self.code == _SUCCESS else ""
        return f"its process ended with exit code {self.code}{more}"


@_records.frozen(eq=False, kw_only=True)
class Worker:
    """Runs the splits that a child claims.

    Args:
        claims: The claims.
        run: Runs an attempt at a split in a process, given the index and the attempt. It raises `StoppedError` if the
            child was asked to stop and the attempt did not succeed.
        is_finished: Returns whether a split has its commit.
        pause: Waits for some seconds.
        transport: Keeps the notes of attempts.
        key: The layer.
        drive: The resume or redrive of the execution.
        job: The start of the job, as ``<job>.<number>``.
        retry: The layer's retry. Of its failures only codes and reasons count: the process of a split decides by
            classes, and ends with 1 or with `FINAL`.
        attempt: The attempt of all splits, if the planner makes the attempts; None if the child makes them.
        at_once: How many splits run beside each other.
        spot: Whether the job runs on spot capacity: an attempt that ended with its container may be a reclaim.
        record: Records the failure of an attempt at a split, if its process cannot have done so.
        check: Raises `StoppedError` if the child was asked to stop.
        lose: Notes that a split failed for good, in a fan-out that tolerates that.
    """

    claims: Claims
    run: Callable[[int, int], Ending]
    is_finished: Callable[[int], bool]
    pause: Callable[[float], None]
    transport: Transport
    key: LayerKey
    drive: str
    job: str
    retry: Retry
    attempt: int | None = None
    at_once: int = 1
    spot: bool = False
    record: Callable[[int, int, Ending], None] = _records.field(default=lambda *_: None)
    check: Callable[[], None] = _records.field(default=lambda: None)
    lose: Callable[[int], None] = _records.field(default=lambda _: None)

    def work(self, *, restarted: bool = False) -> bool:
        """Run splits until none is left: those that earlier starts of this child left, then one claim after the other.

        Args:
            restarted: Whether this child was started before.

        Returns:
            Whether none of its splits failed.

        Raises:
            StoppedError: If the child was asked to stop.
        """
        succeeded = self._go_on() if restarted else True
        succeeded &= self._run_all((index, self.attempt or 1) for index in iter(self.claims.take, None))
        # A claim of an earlier start may have been stored late.
        return (self._go_on() if restarted else True) and succeeded

    def _go_on(self) -> bool:
        """Run what earlier starts of this child left, and return whether none of their splits failed."""
        left, failed = self.claims.own()
        unfinished = (index for index in left if not self.is_finished(index))
        return self._run_all((index, self._next_attempt(index)) for index in unfinished) and not failed

    def _run_all(self, splits: Iterator[tuple[int, int]]) -> bool:
        """Run splits, each from an attempt on, as many beside each other as may be; return whether none failed."""
        if self.at_once == 1:
            results = [self._work(index, attempt) for index, attempt in splits]
            return all(results)
        lock = threading.Lock()

        def run() -> bool:
            succeeded = True
            while True:
                with lock:  # claims are used by one thread at a time
                    index, attempt = next(splits, (None, 0))
                if index is None:
                    return succeeded
                succeeded &= self._work(index, attempt)

        with ThreadPoolExecutor(self.at_once) as pool:
            running = [pool.submit(run) for _ in range(self.at_once)]
        results = [ended.result() for ended in running]
        return all(results)

    @property
    def _last(self) -> int:
        return self.attempt or self.retry.attempts

    @property
    def _noted(self) -> bool:
        """Whether attempts are noted, so that another start of this child knows of them."""
        return self.attempt is None and self.retry.attempts > 1

    def _next_attempt(self, index: int) -> int:
        """Return the next attempt at a split that an earlier start of this child began."""
        if not self._noted:
            return self.attempt or 1
        return next_attempt(self.transport.names(self.key.attempts(index, self.drive)), spot=self.spot)

    def _work(self, index: int, attempt: int) -> bool:
        """Run a split to its end, and return whether it finished."""
        name, last = f"split {index} of layer '{self.key.layer}'", self._last
        if attempt > last:
            _say(f"{name} has no attempt left: {attempt - 1} of {last} failed or were stopped")
        while attempt <= last:
            self.check()
            note = f"{self.key.attempts(index, self.drive)}{self.job}.{attempt}"
            self._note(note)
            _say(f"{name} begins{f', attempt {attempt} of {last}' if attempt > 1 else ''}")
            try:
                ending = self.run(index, attempt)
            except StoppedError:
                self._note(f"{note}{_STOPPED}")
                raise
            if self.is_finished(index):
                _say(f"{name} finished{'' if ending.code == _SUCCESS else f', but after that {ending}'}")
                return True
            self._note(f"{note}{_FAILED}")
            self.record(index, attempt, ending)
            again = attempt < last and repeats(self.retry, ending)
            _say(f"{name} failed{'' if again else ' for good'}: {ending}")
            if not again:
                break
            self.pause(self.retry.wait(attempt))
            attempt += 1
        self.lose(index)
        self.claims.fail(index)
        return False

    def _note(self, path: str) -> None:
        if self._noted:
            self.transport.put(path, b"{}")


def next_attempt(notes: Iterable[str], *, spot: bool) -> int:
    """Return the attempt that follows those of earlier starts of a job.

    Args:
        notes: The names of the notes of attempts.
        spot: Whether the job runs on spot capacity: an attempt that ended with its container may be a reclaim.
    """
    names = list(notes)
    ended = {name.removesuffix(suffix) for suffix in (_FAILED, _STOPPED) for name in names if name.endswith(suffix)}
    runs = [name for name in names if not name.endswith((_FAILED, _STOPPED))]
    last = max((_attempt(name) for name in runs), default=1)
    if any(name.endswith(_FAILED) and _attempt(name.removesuffix(_FAILED)) == last for name in names):
        return last + 1
    # Without a word an attempt ends with its host, or because it has the container killed as a whole: if that
    # happens again, it is the latter.
    lost = [name for name in runs if name not in ended and _attempt(name) == last]
    return last + (len(lost) > 1 and not spot)


def repeats(retry: Retry, ending: Ending) -> bool:
    """Return whether a layer runs again after a failure of its process.

    Args:
        retry: Its retry. Of its failures only codes and reasons count: the process decides by classes, and ends with 1
            or with `FINAL`.
        ending: How its process ended.
    """
    on: Sequence[object] = retry.on
    if ending.late:
        # Whatever its process made of the signal that ended it.
        return not on or TIMED_OUT in on
    if ending.code == FINAL:
        return False
    if not on:
        return True
    code = shell_code(ending.code)
    return code in on or (code == _KILLED and OUT_OF_MEMORY in on)


def _attempt(note: str) -> int:
    """Return the attempt of the note of a run."""
    return int(note.rpartition(".")[2])


def _say(text: str) -> None:
    sys.stdout.write(f"laminar: {text}\n")
    sys.stdout.flush()
