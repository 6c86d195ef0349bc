"""The times of the attempts of a run on a machine: one object, which the process that schedules the run writes.

On AWS the services know them. Here nobody else does: a commit has only the seconds of an attempt that succeeded.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Iterator
from contextvars import ContextVar
from typing import Any

from laminar_runtime import _records
from laminar_runtime.blocks import block
from laminar_runtime.exceptions import DamagedError, MissingError
from laminar_runtime.storage.failures import Readable
from laminar_runtime.storage.layout import times_key
from laminar_runtime.timings import Attempt, Outcome, Place, Timings

__all__ = ["AttemptTimes", "Watch", "current", "keeping", "read", "watch"]

#: The seconds between two writes while the run goes on, and how many times longer than a write itself they are.
_PAUSE, _SHARE = 2.0, 30


class AttemptTimes:
    """Keeps the times of the attempts of a run.

    Args:
        write: Writes an object of the datastore, given its key and its content.
        flow: The flow's name.
        execution: The execution's id.
        before: The attempts of former runs, which a resume keeps.
    """

    def __init__(
        self, write: Callable[[str, bytes], None], flow: str, execution: str, before: Iterable[Attempt] = ()
    ) -> None:
        self._write, self._flow, self._execution = write, flow, execution
        self.attempts: list[Attempt] = [*before]
        self._next = time.monotonic() + _PAUSE

    def submit(self, attempt: Attempt) -> Watch:
        """Note that an attempt waits for its turn, and return what notes its start and its end.

        Args:
            attempt: The attempt.
        """
        self.attempts.append(_records.evolve(attempt, created=_now(), outcome="waiting"))
        return Watch(self, len(self.attempts) - 1)

    def write_at_times(self) -> None:
        """Write the times if they have not been written for a while."""
        if time.monotonic() >= self._next:
            self.write()

    def write(self) -> None:
        """Write the times."""
        begin = time.monotonic()
        timings = Timings(flow=self._flow, execution=self._execution, attempts=tuple(self.attempts))
        self._write(times_key(self._flow, self._execution), timings.to_json())
        end = time.monotonic()
        self._next = end + max(_PAUSE, _SHARE * (end - begin))


class Watch:
    """Notes the start and the end of an attempt.

    Args:
        times: The times of the run.
        place: Which attempt of it.
    """

    def __init__(self, times: AttemptTimes, place: int) -> None:
        self._times, self._place = times, place

    def start(self) -> None:
        """Note that its task starts."""
        self._note(started=_now(), outcome="running")
        self._times.write_at_times()

    def end(self, outcome: Outcome) -> None:
        """Note that it has ended.

        Args:
            outcome: How.
        """
        self._note(stopped=_now(), outcome=outcome)
        self._times.write_at_times()

    def _note(self, **changes: Any) -> None:
        attempts = self._times.attempts
        attempts[self._place] = _records.evolve(attempts[self._place], **changes)


_times: ContextVar[AttemptTimes | None] = ContextVar("laminar_attempt_times", default=None)
_watch: ContextVar[Watch | None] = ContextVar("laminar_attempt_watch", default=None)


def current() -> Watch | None:
    """Return the watch of the attempt that this code runs, None if nobody keeps its times."""
    return _watch.get()


@block
def keeping(times: AttemptTimes) -> Iterator[None]:
    """Keep the times of the attempts of the ``with`` block, and write them at its end.

    Args:
        times: Keeps them.
    """
    token = _times.set(times)
    try:
        yield
    finally:
        _times.reset(token)
        times.write()


@block
def watch(layer: str, index: int | None, attempt: int, where: Place) -> Iterator[None]:
    """Keep the times of the attempt that the ``with`` block runs, if someone keeps times.

    Args:
        layer: The layer's name.
        index: The split's index; None if it has no splits.
        attempt: Which attempt it is, from 1.
        where: What runs it.
    """
    times = _times.get()
    if times is None:
        yield
        return
    noted = times.submit(Attempt(layer=layer, index=index, attempt=attempt, where=where))
    token = _watch.set(noted)
    outcome: Outcome = "stopped"
    try:
        yield
        outcome = "succeeded"
    except Exception:
        outcome = "failed"
        raise
    finally:
        _watch.reset(token)
        noted.end(outcome)


def read(store: Readable, flow: str, execution: str) -> tuple[Attempt, ...]:
    """Read the times of the runs of an execution on a machine.

    Args:
        store: The transport of the datastore.
        flow: The flow's name.
        execution: The execution's id.

    Returns:
        The attempts, in the order in which they were submitted; none if they are not known, as of an earlier release.
    """
    key = times_key(flow, execution)
    try:
        return Timings.from_json(store.get(key), key=key).attempts
    except (DamagedError, MissingError):
        return ()


def _now() -> int:
    return time.time_ns() // 1_000_000
