"""A child that claims splits: the attempts at each split, and what another start of it goes on with."""

from __future__ import annotations

import signal
from collections.abc import Callable, Sequence

import pytest

from laminar_runtime.configurations.failures import FINAL
from laminar_runtime.configurations.layers import Retry
from laminar_runtime.splits.claims import Claims
from laminar_runtime.storage.claims import Owner
from laminar_runtime.storage.layout import LayerKey
from laminar_runtime.tasks.worker import Ending, StoppedError, Worker
from tests.support.transports import Dictionary

KEY = LayerKey("F", "e1", "A")
ONCE, THRICE = Retry(), Retry(attempts=3, delay=2, jitter=0)


class Child:
    """A child of one job, whose splits end as they are given, one after the other; without an ending they finish."""

    def __init__(self, *endings: Ending | None, retry: Retry = THRICE, splits: int = 2) -> None:
        self.store, self.retry, self.splits = Dictionary(), retry, splits
        self.endings = list(endings)
        self.made: list[tuple[int, int]] = []
        self.waits: list[float] = []
        self.lost: list[int] = []

    def work(
        self,
        start: int = 1,
        *,
        attempt: int | None = None,
        spot: bool = False,
        check: Callable[[], None] = lambda: None,
    ) -> bool:
        claims = Claims(self.store, "c/", owner=Owner("job", start), splits=range(self.splits), place=0, children=1)
        claims.leave_out([index for index in range(self.splits) if self.is_finished(index)])
        worker = Worker(
            claims=claims,
            run=self.run,
            is_finished=self.is_finished,
            pause=self.waits.append,
            transport=self.store,
            key=KEY,
            drive="",
            job=f"job.{start}",
            retry=self.retry,
            attempt=attempt,
            spot=spot,
            check=check,
            lose=self.lost.append,
        )
        return worker.work(restarted=start > 1)

    def run(self, index: int, attempt: int) -> Ending:
        self.made.append((index, attempt))
        ending = self.endings.pop(0) if self.endings else None
        if ending is None:
            self.store.put(KEY.split(index), b"{}")
            return Ending(0)
        if ending == STOPPED:
            raise StoppedError
        if ending == LOST:
            raise LostError
        return ending

    def is_finished(self, index: int) -> bool:
        return self.store.exists(KEY.split(index))


class LostError(BaseException):
    """The host of the child is lost, without a word."""


STOPPED, LOST = Ending(-signal.SIGTERM), Ending(-signal.SIGKILL, late=True)


def test_a_split_that_fails_runs_again_after_the_wait_of_its_retry() -> None:
    """The child makes the attempts of the layer itself."""
    child = Child(Ending(1), Ending(1))
    assert child.work()
    assert child.made == [(0, 1), (0, 2), (0, 3), (1, 1)]
    assert child.waits == [2, 4]


def test_a_split_that_fails_for_good_does_not_keep_the_others_from_running(capsys: pytest.CaptureFixture[str]) -> None:
    """A failed split fails the fan-out, when the others have ended; another start of the child still knows it."""
    child = Child(Ending(1), retry=ONCE)
    assert not child.work()
    assert child.made == [(0, 1), (1, 1)]
    assert capsys.readouterr().out.splitlines() == [
        "laminar: split 0 of layer 'A' begins",
        "laminar: split 0 of layer 'A' failed for good: its process ended with exit code 1",
        "laminar: split 1 of layer 'A' begins",
        "laminar: split 1 of layer 'A' finished",
    ]
    assert not child.work(2)
    assert len(child.made) == 2


@pytest.mark.parametrize("ending", ["STOPPED", "LOST"])
def test_an_attempt_that_ended_with_its_host_does_not_count(ending: str) -> None:
    """The next start of the child goes on with its split; whether the host could say that it goes does not matter."""
    child = Child(STOPPED if ending == "STOPPED" else LOST)
    with pytest.raises((StoppedError, LostError)):
        child.work()
    assert child.work(2)
    assert child.made == [(0, 1), (0, 1), (1, 1)]


@pytest.mark.parametrize(("spot", "attempts"), [(False, [1, 1, 2]), (True, [1, 1, 1])])
def test_an_attempt_that_has_its_container_killed_counts(spot: bool, attempts: list[int]) -> None:  # noqa: FBT001
    """The container of the same attempt is lost twice, without spot capacity."""
    child = Child(LOST, LOST, splits=1)
    for start in (1, 2):
        with pytest.raises(LostError):
            child.work(start, spot=spot)
    assert child.work(3, spot=spot)
    assert child.made == [(0, attempt) for attempt in attempts]


def test_a_child_that_is_asked_to_stop_begins_nothing() -> None:
    """An attempt that did not begin leaves no note."""
    child = Child()

    def stop() -> None:
        raise StoppedError

    with pytest.raises(StoppedError):
        child.work(check=stop)
    assert not child.made
    assert not child.store.names(KEY.attempts(0, ""))
    assert child.store.exists("c/0")


def test_a_layer_with_one_attempt_keeps_it_if_its_container_is_lost() -> None:
    """AWS Batch starts a job again whose host was lost; nothing is noted for such a layer."""
    child = Child(STOPPED, retry=ONCE, splits=1)
    with pytest.raises(StoppedError):
        child.work()
    assert child.work(2)
    assert child.made == [(0, 1), (0, 1)]
    assert not child.store.names(KEY.attempts(0, ""))


def test_a_split_whose_attempts_are_used_up_does_not_run_again(capsys: pytest.CaptureFixture[str]) -> None:
    """It failed for good with the container that its last attempt ended."""
    child = Child(retry=Retry(attempts=2, delay=0), splits=1)
    for start in range(1, 5):
        child.endings = [LOST]
        with pytest.raises(LostError):
            child.work(start)
    assert not child.work(5)
    assert child.made == [(0, 1), (0, 1), (0, 2), (0, 2)]
    assert child.lost == [0]
    assert "split 0 of layer 'A' has no attempt left: 2 of 2 failed or were stopped" in capsys.readouterr().out


def test_attempts_that_the_planner_makes_are_not_repeated_here() -> None:
    """Retry hooks choose the container of the next attempt."""
    child = Child(Ending(1))
    assert not child.work(attempt=2)
    assert child.made == [(0, 2), (1, 2)]


@pytest.mark.parametrize(
    ("on", "ending", "repeats"),
    [
        ((), Ending(1), True),
        ((), Ending(FINAL), False),
        ((75,), Ending(75), True),
        ((75,), Ending(1), False),
        (("timed out",), Ending(-15, late=True), True),
        (("timed out",), Ending(FINAL, late=True), True),
        ((75,), Ending(75, late=True), False),
        (("out of memory",), Ending(-9), True),
        (("out of memory",), Ending(1), False),
        ((139,), Ending(-11), True),
        ((139,), Ending(139), True),
        ((11,), Ending(-11), False),
    ],
)
def test_a_retry_names_the_failures_after_which_a_split_runs_again(
    on: Sequence[int | str],
    ending: Ending,
    repeats: bool,  # noqa: FBT001
) -> None:
    """They mean what they mean on this machine."""
    child = Child(ending, retry=Retry(attempts=2, delay=0, on=tuple(on)), splits=1)
    assert child.work() is repeats


def test_endings_are_shown_in_words() -> None:
    """The log of a child says why a split failed."""
    assert str(Ending(0)) == "its process ended with exit code 0 before its layer finished"
    assert str(Ending(-9)) == "its process was ended by signal SIGKILL"
    assert str(Ending(-9, late=True)) == "it did not end in time and was stopped"
    assert str(Ending(-9, late=True, limit=2.5)) == "it did not end within 2.5 seconds and was stopped"


def test_a_split_that_finished_and_then_crashed_has_finished(capsys: pytest.CaptureFixture[str]) -> None:
    """Its commit counts, not the end of its process."""
    child = Child(splits=1)
    commit = child.run

    def run(index: int, attempt: int) -> Ending:
        commit(index, attempt)
        return Ending(-11)

    child.run = run  # type: ignore[method-assign]
    assert child.work()
    assert "finished, but after that its process was ended by signal SIGSEGV" in capsys.readouterr().out
