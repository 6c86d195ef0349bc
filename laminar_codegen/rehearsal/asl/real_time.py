"""Real time: the processes of a clock beside work that really runs, in threads and in processes of the machine.

One thread runs all processes of the clock. Work outside reports to it from any thread. While work runs outside, time
passes as it does. While none runs, nobody would see the difference: waits are skipped, as in Temporal's test
environment (https://docs.temporal.io/develop/python/testing-suite#skip-time). Only waits are: if what runs inside waits
for somebody, as for the answer to a task token, the clock does not jump to the timeout of that.
"""

from __future__ import annotations

import concurrent.futures
import datetime as dt
import functools
import heapq
import logging
import threading
import time
from collections import deque
from collections.abc import Callable
from typing import TypeVar

from laminar_codegen.rehearsal.asl.clock import Clock, Future

__all__ = ["RealClock"]

T = TypeVar("T")

logger = logging.getLogger(__name__)

#: How many calls may be under way outside: each is a thread that waits.
_CALLS = 1000


class RealClock(Clock):
    """A clock that a thread of its own runs, between `start_thread` and `close`.

    Args:
        skips: Whether waits are skipped while nothing runs outside.
    """

    def __init__(self, *, skips: bool = True) -> None:
        super().__init__(dt.datetime.now(tz=dt.UTC))
        self._skips = skips
        self._begun = time.monotonic()
        self._skipped = 0.0
        self._changed = threading.Condition()
        self._posted: deque[Callable[[], None]] = deque()
        self._outside = 0
        self._closing = False
        self._thread = threading.Thread(target=self._serve, name="states", daemon=True)
        self._calls = concurrent.futures.ThreadPoolExecutor(_CALLS, thread_name_prefix="call")

    @property
    def elapsed(self) -> float:
        """The moment now, in any thread; `now` is the moment of what the clock's thread does."""
        return time.monotonic() - self._begun + self._skipped

    @property
    def milliseconds(self) -> int:
        """The moment now as Batch shows times, in any thread."""
        return round(self.epoch.timestamp() * 1000 + self.elapsed * 1000)

    def start_thread(self) -> None:
        """Let time pass."""
        self._thread.start()

    def close(self) -> None:
        """End the thread. Who still waits for something outside is not waited for."""
        with self._changed:
            self._closing = True
            self._changed.notify()
        self._thread.join()
        self._calls.shutdown(wait=False, cancel_futures=True)

    def post(self, action: Callable[[], None]) -> None:
        """Have the clock's thread do something, from any thread."""
        with self._changed:
            self._posted.append(action)
            self._changed.notify()

    def hold(self) -> None:
        """Note that work begins outside, from any thread: until as many `release` no wait is skipped."""
        with self._changed:
            self._outside += 1

    def release(self) -> None:
        """Note that work outside has ended. What it has to report is posted before."""
        with self._changed:
            self._outside -= 1
            self._changed.notify()

    def ask(self, question: Callable[[], T]) -> T:
        """Return what a function gives that the clock's thread calls. Other threads only may ask.

        Args:
            question: The function. It does not wait for anything.

        Raises:
            Exception: Whatever the function raises.
        """
        answer: concurrent.futures.Future[T] = concurrent.futures.Future()

        def respond() -> None:
            try:
                answer.set_result(question())
            except BaseException as error:  # noqa: BLE001 - it is raised where the question was asked
                answer.set_exception(error)

        self.post(respond)
        return answer.result()

    def begin(self, function: Callable[[], T]) -> Future[T]:
        """Call a function in another thread, and give its value or error when it is there.

        Args:
            function: The function. It may wait.
        """
        done: Future[T] = Future(self)
        self.hold()

        def work() -> None:
            try:
                report = functools.partial(done.succeed, function())
            except BaseException as error:  # noqa: BLE001 - who awaits the value gets it
                report = functools.partial(done.fail, error)
            self.post(report)
            self.release()

        self._calls.submit(work)
        return done

    def survives(self, error: BaseException) -> bool:
        """Whether the clock goes on: one state machine's trouble does not end the others."""
        logger.error("a state machine crashed", exc_info=error)
        return isinstance(error, Exception)

    def _serve(self) -> None:
        while not self._closing:
            with self._changed:
                self._await_moment()
                posted = list(self._posted)
                self._posted.clear()
            self.now = self.elapsed
            for action in posted:
                self._act(action)
            self._act_due()

    def _await_moment(self) -> None:
        """Wait until something is posted or due."""
        while not (self._posted or self._closing):
            moment = self._next_moment()
            left = None if moment is None else moment - self.elapsed
            if left is not None and left > 0 and self._skips and self.sleeping and not self._outside:
                self._skipped += left
                return
            if left is not None and left <= 0:
                return
            self._changed.wait(None if left is None else min(left, threading.TIMEOUT_MAX))

    def _next_moment(self) -> float | None:
        while self._moments and self._moments[0][-1].action is None:
            heapq.heappop(self._moments)
        return self._moments[0][0] if self._moments else None

    def _act_due(self) -> None:
        while not self._closing and (moment := self._next_moment()) is not None and moment <= self.now:
            action = heapq.heappop(self._moments)[-1].action
            if action is not None:
                self._act(action)

    def _act(self, action: Callable[[], None]) -> None:
        try:
            action()
        except Exception:
            logger.exception("an action of the clock crashed")
