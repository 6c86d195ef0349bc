"""Children of an array job that claim splits, in any interleaving, with deaths at any moment.

A child is a thread. It waits before each request and each step of a split until it gets the turn, so that a test
chooses the interleaving. A death ends the thread there; AWS Batch then starts the child again, or not.
"""

from __future__ import annotations

import random
import threading
from collections import Counter
from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from laminar_runtime.configurations.failures import FINAL
from laminar_runtime.configurations.layers import Retry
from laminar_runtime.splits.claims import Claims
from laminar_runtime.storage.claims import Owner
from laminar_runtime.storage.layout import LayerKey
from laminar_runtime.tasks.worker import Ending, Worker
from tests.support.transports import Dictionary

KEY = LayerKey("F", "e1", "A")
#: The move with which a late request lands.
_LANDS = 5


class DeathError(BaseException):
    """The container of a child is gone."""


class Turns:
    """Threads of which one runs at a time: a step is what a thread does between two waits."""

    def __init__(self) -> None:
        self._wanted: threading.Thread | None = None
        self._condition = threading.Condition()
        self.dying: set[threading.Thread] = set()
        self.late: list[Callable[[], object]] = []

    def wait(self) -> None:
        """Give the turn back, and wait for the next one."""
        me = threading.current_thread()
        with self._condition:
            if self._wanted is me:
                self._wanted = None
                self._condition.notify_all()
            self._condition.wait_for(lambda: self._wanted is me)
        if me in self.dying:
            raise DeathError

    def step(self, thread: threading.Thread) -> None:
        """Let a thread take a step, or end."""
        with self._condition:
            self._wanted = thread
            self._condition.notify_all()
            self._condition.wait_for(lambda: self._wanted is None)

    def end(self) -> None:
        """End the thread that has the turn."""
        with self._condition:
            self._wanted = None
            self._condition.notify_all()


class Waiting:
    """A transport of which each request takes a turn before it and one after it.

    If a thread dies before it, the request may be on its way: a claim may be stored later.
    """

    at_once, root = 1, "waiting"

    def __init__(self, store: Dictionary, turns: Turns) -> None:
        self._store, self._turns = store, turns

    def __getattr__(self, method: str) -> Any:
        def ask(*arguments: Any) -> Any:
            try:
                self._turns.wait()
            except DeathError:
                if method == "create":
                    self._turns.late.append(lambda: self._store.create(*arguments))
                raise
            found = getattr(self._store, method)(*arguments)
            self._turns.wait()
            return found

        return ask


class Cluster:
    """The children of an array job.

    Args:
        splits: The number of splits.
        children: The number of children.
        failing: The attempts at each split that fail.
        attempts: The attempts of the layer.
    """

    def __init__(self, splits: int, children: int, failing: dict[int, int], attempts: int) -> None:
        self.turns, self.store = Turns(), Dictionary()
        self.splits, self.children, self.failing = splits, children, failing
        self.retry = Retry(attempts=attempts, delay=0, jitter=0)
        self.running: dict[int, threading.Thread] = {}
        self.made: Counter[tuple[int, int]] = Counter()
        self.threads: dict[int, threading.Thread] = {}
        self.starts: Counter[int] = Counter()
        self.results: dict[int, bool] = {}
        self.errors: list[str] = []
        self.over: set[threading.Thread] = set()

    def start(self, child: int) -> None:
        self.starts[child] += 1
        thread = threading.Thread(target=self._live, args=(child, self.starts[child]), daemon=True)
        self.threads[child] = thread
        thread.start()

    def _live(self, child: int, start: int) -> None:
        try:
            self.turns.wait()
            self.results[child] = self._worker(child, start).work(restarted=start > 1)
        except DeathError:
            pass
        finally:
            self.over.add(threading.current_thread())
            self.turns.end()

    def _worker(self, child: int, start: int) -> Worker:
        store: Any = Waiting(self.store, self.turns)
        owner = Owner(f"job:{child}", start)
        shared = Claims(store, "c/", owner=owner, splits=range(self.splits), place=child, children=self.children)
        if start > 1:
            shared.leave_out({index for index in range(self.splits) if self.is_finished(index)})
        return Worker(
            claims=shared,
            run=self.run,
            is_finished=self.is_finished,
            pause=lambda _: self.turns.wait(),
            transport=store,
            key=KEY,
            drive="",
            job=f"job.{start}",
            retry=self.retry,
        )

    def is_finished(self, index: int) -> bool:
        return self.store.exists(KEY.split(index))

    def run(self, index: int, attempt: int) -> Ending:
        other = self.running.get(index)
        if other is not None and other not in self.turns.dying:
            self.errors.append(f"split {index} runs twice")
        if self.is_finished(index):
            self.errors.append(f"split {index} runs again")
        if attempt > self.retry.attempts:
            self.errors.append(f"split {index} has attempt {attempt}")
        self.running[index] = threading.current_thread()
        self.made[index, attempt] += 1
        self.turns.wait()
        succeeded = attempt > self.failing.get(index, 0)
        if succeeded:
            self.store.put(KEY.split(index), b"{}")
        self.turns.wait()
        del self.running[index]
        return Ending(0 if succeeded else 1 if attempt < self.retry.attempts else FINAL)

    def kill(self, child: int) -> None:
        self.turns.dying.add(self.threads[child])
        self.turns.step(self.threads[child])
        self.threads[child].join()

    def alive(self) -> list[int]:
        return [child for child, thread in self.threads.items() if thread not in self.over]


@pytest.mark.usefixtures("capsys")
@settings(max_examples=60, deadline=None)
@given(
    splits=st.integers(1, 6),
    children=st.integers(1, 3),
    attempts=st.integers(1, 3),
    failing=st.dictionaries(st.integers(0, 5), st.integers(0, 3), max_size=3),
    moves=st.lists(st.tuples(st.integers(0, 5), st.integers(0, 2)), min_size=10, max_size=60),
    lost=st.integers(0, 1),
    seed=st.integers(0, 9),
)
def test_every_split_runs_to_its_end_and_never_twice_at_once(  # noqa: PLR0913, PLR0917 - what is drawn
    splits: int,
    children: int,
    attempts: int,
    failing: dict[int, int],
    moves: list[tuple[int, int]],
    lost: int,
    seed: int,
) -> None:
    """Each split is committed, or failed for good, or is the one of a child that is dead for good."""
    random.seed(seed)
    children = min(children, splits)
    cluster = Cluster(splits, children, failing, attempts)
    for child in range(children):
        cluster.start(child)
    dead: set[int] = set()
    for move, who in moves:
        if move == _LANDS and cluster.turns.late:
            cluster.turns.late.pop()()
        if who not in cluster.alive():
            continue
        if move:
            cluster.turns.step(cluster.threads[who])
        else:
            cluster.kill(who)
            if who < lost and children > 1:
                dead.add(who)
            else:
                cluster.start(who)
    while alive := cluster.alive():
        for child in alive:
            cluster.turns.step(cluster.threads[child])
    assert not cluster.errors
    done = {index for index in range(splits) if cluster.is_finished(index)}
    failed = {index for index in range(splits) if cluster.store.exists(f"c/{index}.failed")}
    held = {
        index
        for index in set(range(splits)) - done - failed
        if Owner.loads(cluster.store.get(f"c/{index}")).child in {f"job:{child}" for child in dead}
    }
    assert done | failed | held == set(range(splits))
    assert len(held) <= len(dead)
    # The first death in an attempt is taken for the loss of a host.
    assert attempts == 1 or all(made <= 2 for made in cluster.made.values())
    assert all(failing.get(index, 0) > 0 or attempts > 1 for index in failed)
    succeeded = all(cluster.results.get(child) for child in range(children))
    assert succeeded == (not failed and not dead)
