"""Virtual time: what happens when, and how what waits is ended."""

from __future__ import annotations

import pytest

from laminar_codegen.rehearsal.asl.clock import Clock, Future
from laminar_codegen.rehearsal.simulated import AbortedError, NamedError


def test_time_goes_from_moment_to_moment() -> None:
    """Processes wait for moments; what was asked for first happens first."""
    clock, seen = Clock(), list[tuple[float, str]]()

    async def process(name: str, *waits: float) -> str:
        for wait in waits:
            await clock.sleep(wait)
            seen.append((clock.now, name))
        return name

    processes = [clock.start(process("a", 2, 2)), clock.start(process("b", 1, 1, 2)), clock.start(process("c", 4))]
    clock.run()
    assert seen == [(1, "b"), (2, "a"), (2, "b"), (4, "c"), (4, "a"), (4, "b")]
    assert [item.result() for item in processes] == ["a", "b", "c"]


def test_processes_wait_for_each_other() -> None:
    """A future is awaited by many, before and after it is done; only the first value counts."""
    clock = Clock()
    future: Future[int] = Future(clock)

    async def wait(seconds: float) -> tuple[int, float]:
        await clock.sleep(seconds)
        return await future, clock.now

    waits = [clock.start(wait(seconds)) for seconds in (0, 9)]
    clock.at(5, lambda: future.succeed(1))
    clock.at(6, lambda: future.succeed(2))
    clock.at(7, lambda: future.fail(NamedError("late")))
    clock.run()
    assert [item.result() for item in waits] == [(1, 5), (1, 9)]


def test_the_first_failure_ends_the_others() -> None:
    """Who gathers gets the first error; the others are ended where they wait, and may tidy up."""
    clock, ended = Clock(), list[str]()

    async def fail(seconds: float) -> None:
        await clock.sleep(seconds)
        raise NamedError(f"after {seconds}")

    async def last() -> None:
        try:
            await clock.sleep(100)
        except AbortedError:
            ended.append(f"ended at {clock.now}")
            raise

    async def gather() -> str:
        try:
            await clock.gather([fail(3), last(), fail(2), last()])
        except NamedError as error:
            return error.name
        return "well"

    process = clock.start(gather())
    clock.run()
    assert (process.result(), ended, clock.now) == ("after 2", ["ended at 2"] * 2, 2)


def test_nothing_is_gathered() -> None:
    """No coroutines give no results, at once."""
    clock = Clock()
    process = clock.start(clock.gather([]))
    clock.run()
    assert process.result() == []


def test_a_time_limit() -> None:
    """What takes longer is ended with an error; what takes just as long is not, nor is what ends before."""
    clock = Clock()
    limited = [
        clock.start(clock.within(limit, clock.sleep(5), lambda: NamedError("slow"))) for limit in (4.9, 5, float("inf"))
    ]
    clock.run()
    assert [item.error is None for item in limited] == [False, True, True]


def test_a_process_is_ended_before_it_began() -> None:
    """It never runs, and who waits for it gets an error."""
    clock, ran = Clock(), list[str]()

    async def run() -> None:
        ran.append("ran")

    process = clock.start(run())
    process.abort(NamedError("ended"))
    process.abort()
    clock.run()
    assert ran == []
    with pytest.raises(NamedError, match="ended"):
        process.result()


def test_who_waits_for_an_ended_process_ends() -> None:
    """An end goes on to who awaits, unless it is given another error."""
    clock = Clock()
    inner = clock.start(clock.sleep(10))

    async def wait() -> None:
        await inner

    outer = clock.start(wait())
    clock.at(1, inner.abort)
    clock.run()
    assert isinstance(outer.error, AbortedError)


def test_mistakes_end_the_run() -> None:
    """What is no named error goes to who runs the clock, and all processes are left, those that did not begin too."""
    clock, left = Clock(), list[str]()

    async def mistaken() -> None:
        await clock.sleep(1)
        clock.start(clock.sleep(1))
        raise LookupError("mistake")

    async def waits() -> None:
        try:
            await clock.sleep(5)
        finally:
            left.append("left")

    clock.start(waits())
    clock.start(mistaken())
    with pytest.raises(LookupError, match="mistake"):
        clock.run()
    assert left == ["left"]


def test_nobody_goes_on_after_the_end() -> None:
    """A process that waits although it is to end is a mistake."""
    clock = Clock()

    async def stubborn() -> None:
        try:
            await clock.sleep(1)
        except AbortedError:
            await clock.sleep(1)

    process = clock.start(stubborn())
    clock.at(0.5, process.abort)
    with pytest.raises(RuntimeError, match="although it is aborted"):
        clock.run()


def test_what_waits_for_ever_is_left() -> None:
    """When nothing can happen any more, the run is over."""
    clock = Clock()

    async def wait() -> None:
        await Future[None](clock)

    process = clock.start(wait())
    clock.run()
    assert not process.done
