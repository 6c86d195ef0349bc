"""Virtual time: processes that wait for each other and for moments, run one at a time in one thread.

A process is a coroutine. It runs until it awaits something that is not done, and goes on when it is. Nothing sleeps:
when all processes wait, the clock is put to the next moment that one of them waits for. What happens at the same moment
happens in the order in which it was asked for, so that a run is the same each time. `real_time` has the other driver of
the same processes.
"""

from __future__ import annotations

import datetime as dt
import heapq
import itertools
from collections.abc import Callable, Coroutine, Generator, Iterable
from typing import Any, Generic, TypeVar

from laminar_codegen.rehearsal.asl.errors import NamedError

__all__ = ["EPOCH", "AbortedError", "Clock", "Future", "Process", "Timer", "spell"]

T = TypeVar("T")

#: When all clocks start.
EPOCH = dt.datetime(2024, 1, 1, tzinfo=dt.UTC)

_UNSET: Any = object()


def spell(time: dt.datetime) -> str:
    """Return a time as Step Functions shows it to states.

    Args:
        time: The time, of UTC.

    Example:
        >>> spell(EPOCH)
        '2024-01-01T00:00:00.000Z'
    """
    return f"{time:%Y-%m-%dT%H:%M:%S}.{time.microsecond // 1000:03}Z"


class AbortedError(BaseException):
    """Raised in a process that is to end, where it waits."""


class Timer:
    """Something to be done at a moment, unless it is cancelled before."""

    __slots__ = ("action",)

    def __init__(self, action: Callable[[], None]) -> None:
        self.action: Callable[[], None] | None = action

    def cancel(self) -> None:
        """Do not do it."""
        self.action = None


class Future(Generic[T]):
    """A value, or an error, that is not there yet. Awaiting it gives the value or raises the error."""

    __slots__ = ("_callbacks", "_error", "_value", "clock")

    def __init__(self, clock: Clock) -> None:
        self.clock = clock
        self._value: T = _UNSET
        self._error: BaseException | None = None
        self._callbacks: list[Callable[[], None]] = []

    @property
    def done(self) -> bool:
        """Whether the value or error is there."""
        return self._value is not _UNSET or self._error is not None

    def result(self) -> T:
        """Return the value; raises the error if there is one."""
        if self._error is not None:
            raise self._error
        return self._value

    @property
    def error(self) -> BaseException | None:
        """The error, None if there is none."""
        return self._error

    def succeed(self, value: T) -> None:
        """Set the value. What comes after the first value or error is ignored."""
        if not self.done:
            self._value = value
            self._tell()

    def fail(self, error: BaseException) -> None:
        """Set the error. What comes after the first value or error is ignored."""
        if not self.done:
            self._error = error
            self._tell()

    def add_callback(self, callback: Callable[[], None]) -> None:
        """Call a function at the moment when this is done, after earlier callbacks of that moment."""
        if self.done:
            self.clock.soon(callback)
        else:
            self._callbacks.append(callback)

    def forget(self, callback: Callable[[], None]) -> None:
        """Do not call a function that waits for this."""
        if callback in self._callbacks:
            self._callbacks.remove(callback)

    def __await__(self) -> Generator[Future[T], None, T]:
        if not self.done:
            yield self
        return self.result()

    def _tell(self) -> None:
        for callback in self._callbacks:
            self.clock.soon(callback)
        self._callbacks.clear()


class Process(Future[T]):
    """A coroutine that runs: done when it ends, with what it returns or the named error that it raises.

    Other errors are mistakes in what is run. They end the run of the clock, and go to who runs it.
    """

    __slots__ = ("_coroutine", "_timer", "_waited")

    def __init__(self, clock: Clock, coroutine: Coroutine[Future[Any], None, T]) -> None:
        super().__init__(clock)
        self._coroutine = coroutine
        self._waited: Future[Any] | None = None
        self._timer: Timer | None = clock.soon(self._go_on)

    def abort(self, error: NamedError | None = None) -> None:
        """End the process where it waits; who waits for it gets the error."""
        if self.done:
            return
        if self._waited is not None:
            self._waited.forget(self._wake)
        if self._timer is not None:
            self._timer.cancel()
        try:
            self._coroutine.throw(AbortedError())
        except (AbortedError, NamedError, StopIteration):
            pass
        else:
            raise RuntimeError(f"{self._coroutine} waits for something although it is aborted")
        self.fail(error or AbortedError())

    def _tell(self) -> None:
        self.clock.processes.pop(self, None)
        super()._tell()

    def _wake(self) -> None:
        self._waited, self._timer = None, None
        self._go_on()

    def _go_on(self) -> None:
        if self.done:
            return
        try:
            self._waited = self._coroutine.send(None)
        except StopIteration as stop:
            self.succeed(stop.value)
        except (NamedError, AbortedError) as error:
            self.fail(error)
        except BaseException as error:
            if self.clock.survives(error):
                self.fail(error)
                return
            self._error = error
            raise
        else:
            self._timer = None
            self._waited.add_callback(self._wake)

    def close(self) -> None:
        """Leave the coroutine as it is, without a trace: the run has crashed."""
        if not self.done:
            self._coroutine.close()


class Clock:
    """The moments of a run, in seconds from 0, and what happens at them.

    Args:
        epoch: The time of a calendar at the moment 0.
    """

    def __init__(self, epoch: dt.datetime = EPOCH) -> None:
        self.epoch = epoch
        self.now: float = 0
        self.sleeping = 0  # how many processes wait for nothing but time
        self._moments: list[tuple[float, bool, int, Timer]] = []
        self._numbers = itertools.count()
        self.processes: dict[Process[Any], None] = {}  # those that have not ended, in order

    @property
    def time(self) -> dt.datetime:
        """The moment as a time of a calendar."""
        return self.epoch + dt.timedelta(seconds=self.now)

    @property
    def timestamp(self) -> str:
        """The moment as Step Functions shows times."""
        return spell(self.time)

    @property
    def milliseconds(self) -> int:
        """The moment as Batch shows times."""
        return round(self.time.timestamp() * 1000)

    def at(self, seconds: float, action: Callable[[], None], *, late: bool = False) -> Timer:
        """Do something in some seconds.

        Args:
            seconds: In how many.
            action: What.
            late: After all else that happens at that moment: what takes exactly as long as it may is in time.
        """
        timer = Timer(action)
        heapq.heappush(self._moments, (self.now + seconds, late, next(self._numbers), timer))
        return timer

    def soon(self, action: Callable[[], None]) -> Timer:
        """Run an action at this moment, after the actions that were added for it before."""
        return self.at(0, action)

    def start(self, coroutine: Coroutine[Future[Any], None, T]) -> Process[T]:
        """Run a coroutine as a process, from this moment on."""
        process = Process(self, coroutine)
        self.processes[process] = None
        return process

    async def sleep(self, seconds: float) -> None:
        """Wait some seconds."""
        over: Future[None] = Future(self)
        timer = self.at(seconds, lambda: over.succeed(None))
        self.sleeping += 1
        try:
            await over
        finally:
            self.sleeping -= 1
            timer.cancel()

    async def gather(self, coroutines: Iterable[Coroutine[Future[Any], None, T]]) -> list[T]:
        """Run coroutines concurrently, and return their results in their order.

        The first error ends the others, and is raised.
        """
        processes = [self.start(coroutine) for coroutine in coroutines]
        over: Future[None] = Future(self)
        left = len(processes)

        def count_end(process: Process[T]) -> None:
            nonlocal left
            left -= 1
            if process.error is not None:
                over.fail(process.error)
            elif not left:
                over.succeed(None)

        for process in processes:
            process.add_callback(lambda process=process: count_end(process))  # type: ignore[misc]
        try:
            if processes:
                await over
        finally:
            for process in processes:
                process.abort()
        return [process.result() for process in processes]

    async def within(
        self, seconds: float, coroutine: Coroutine[Future[Any], None, T], error: Callable[[], NamedError]
    ) -> T:
        """Run a coroutine; if it takes longer than some seconds, end it and raise an error."""
        process = self.start(coroutine)
        timer = self.at(seconds, lambda: process.abort(error()), late=True)
        try:
            return await process
        finally:
            timer.cancel()
            process.abort()

    def survives(self, error: BaseException) -> bool:
        """Whether the clock goes on after an error that no state can handle. In virtual time it does not."""
        del error
        return False

    def run(self, until: Future[Any] | None = None) -> None:
        """Let time pass.

        Args:
            until: Until this is done; until nothing is left to happen unless given.

        Raises:
            Exception: Whatever a process or action raises that is not a named error.
        """
        try:
            while self._moments and not (until is not None and until.done):
                moment, _, _, timer = heapq.heappop(self._moments)
                if timer.action is not None:
                    self.now = moment
                    timer.action()
        except BaseException:
            for process in list(self.processes):
                process.close()
            raise
