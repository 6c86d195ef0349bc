"""The clock beside work that really runs: waits are skipped while none does, and only then."""

from __future__ import annotations

import contextlib
import threading
import time
from collections.abc import Iterator
from typing import Any

import pytest

from laminar_codegen.rehearsal.asl.clock import AbortedError, Future, Process
from laminar_codegen.rehearsal.asl.errors import NamedError
from laminar_codegen.rehearsal.asl.real_time import RealClock

LONG = 10_000


@contextlib.contextmanager
def running(*, skips: bool = True) -> Iterator[RealClock]:
    clock = RealClock(skips=skips)
    clock.start_thread()
    try:
        yield clock
    finally:
        clock.close()


def finished(clock: RealClock, coroutine: Any) -> Process[Any]:
    """Return a process once it has ended."""
    over = threading.Event()

    def start() -> Process[Any]:
        process = clock.start(coroutine)
        process.add_callback(over.set)
        return process

    process = clock.ask(start)
    assert over.wait(20)
    return process


def test_waits_are_skipped_while_nothing_runs_outside() -> None:
    """Days pass in no time, and the time says so."""
    with running() as clock:
        before, begun = clock.milliseconds, time.monotonic()
        finished(clock, clock.sleep(LONG))
        assert time.monotonic() - begun < 5
        assert clock.milliseconds - before >= LONG * 1000


def test_waits_are_not_skipped_while_something_runs_outside() -> None:
    """What takes a second outside is over before a wait of a hundred seconds is; a wait of less is over first."""
    with running() as clock:
        order = list[str]()

        async def work() -> None:
            await clock.begin(lambda: time.sleep(0.6))
            order.append("work")

        async def wait(seconds: float) -> None:
            await clock.sleep(seconds)
            order.append(f"{seconds} seconds")

        begun = time.monotonic()
        finished(clock, clock.gather([work(), wait(100), wait(0.1)]))
        assert order == ["0.1 seconds", "work", "100 seconds"]
        assert 0.6 <= time.monotonic() - begun < 20


def test_held_time_passes_as_it_does() -> None:
    """Whoever holds the clock may report from any thread."""
    with running() as clock:
        clock.hold()
        begun = time.monotonic()
        threading.Timer(0.3, clock.release).start()
        finished(clock, clock.sleep(LONG))
        assert 0.3 <= time.monotonic() - begun < 5


def test_a_timeout_is_not_jumped_to() -> None:
    """What waits for somebody waits in real time, although nothing runs; with a wait beside it, in their order."""
    with running() as clock:
        answer: Future[str] = Future(clock)

        async def patient() -> str:
            return await clock.within(0.4, _await(answer), lambda: NamedError("late"))

        begun = time.monotonic()
        assert str(finished(clock, patient()).error) == "late: "
        assert time.monotonic() - begun >= 0.4
        assert str(finished(clock, clock.gather([patient(), clock.sleep(LONG)])).error) == "late: "


async def _await(future: Future[Any]) -> Any:
    return await future


def test_in_real_time_nothing_is_skipped() -> None:
    """With `skips` off a wait takes its time."""
    with running(skips=False) as clock:
        begun = time.monotonic()
        finished(clock, clock.sleep(0.3))
        assert time.monotonic() - begun >= 0.3


def test_errors_come_back_from_outside() -> None:
    """A call outside gives its error to who awaits it; who has ended meanwhile is not disturbed."""
    with running() as clock:

        def fail() -> None:
            raise NamedError("outside")

        assert str(finished(clock, _await(clock.begin(fail))).error) == "outside: "
        go_on = threading.Event()
        process = clock.ask(lambda: clock.start(_await(clock.begin(go_on.wait))))
        clock.ask(process.abort)
        go_on.set()
        assert isinstance(process.error, AbortedError)
        assert clock.ask(lambda: 1) == 1


def test_questions_raise_where_they_are_asked() -> None:
    """An error of a question is not one of the clock."""
    with running() as clock:
        with pytest.raises(ZeroDivisionError):
            clock.ask(lambda: 1 // 0)
        assert clock.ask(lambda: clock.now) > 0


def test_a_crash_ends_its_process_only(caplog: pytest.LogCaptureFixture) -> None:
    """A mistake in what runs is logged, and given to who waits for it. All else goes on."""

    async def crash() -> None:
        raise ZeroDivisionError

    with running() as clock:
        assert isinstance(finished(clock, crash()).error, ZeroDivisionError)
        finished(clock, clock.sleep(1))
    assert "a state machine crashed" in caplog.text
