"""Executions that begin, store, name and end while others are pruned, in any order: what remains can be read."""

from __future__ import annotations

import contextlib
import itertools
import os
import tempfile
import time
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import attrs
from hypothesis import given, settings
from hypothesis import strategies as st

from laminar_runtime.configurations.datastores import DataStore, Local
from laminar_runtime.configurations.datastores.encoding import Buffer
from laminar_runtime.configurations.datastores.local import FileTransport
from laminar_runtime.configurations.datastores.local_shelf import FileShelf
from laminar_runtime.configurations.datastores.transport import ContentKey
from laminar_runtime.identifiers import new_attempt
from laminar_runtime.storage.archives import Archive, Artifact
from laminar_runtime.storage.commits import Commit
from laminar_runtime.storage.layout import LayerKey, lock_key, times_key
from laminar_runtime.storage.pruning import Running, Shelf, Stored, prune
from tests.support.sizes import size
from tests.support.transports import Dictionary

DAY = 86_400.0
FLOW = "Report"


class KilledError(Exception):
    """The process that prunes ends here."""


@attrs.define(eq=False)
class Run:
    """An execution of a layer that assigns an attribute."""

    name: str
    value: int
    clock: Callable[[], float]
    stack: contextlib.ExitStack = attrs.field(factory=contextlib.ExitStack)
    started: float = attrs.field(init=False)
    artifact: Artifact | None = None
    ended: float | None = None
    progress: int = 0
    may_go: bool = False

    def __attrs_post_init__(self) -> None:
        self.started = self.clock()

    @property
    def key(self) -> LayerKey:
        return LayerKey(FLOW, self.name, "Load")

    def step(self, store: DataStore) -> None:
        """Do the next thing of: store the value, write the archive and the commit, end."""
        self.progress += 1
        if self.progress == 1:
            self.artifact = store._write_artifact(self.key, "value", self.value)
        elif self.progress == 2:
            assert self.artifact is not None
            attempt, archive = new_attempt(1), Archive((self.artifact,))
            store.transport.put(self.key.archive(0, "value", attempt), archive.dumps())
            store.ledger.commit(self.key, index=0, commit=Commit(attempt, {"value": archive}), fans_out=False)
        elif self.progress == 3:
            store.transport.put(times_key(FLOW, self.name), b"{}")
            self.stack.close()
            self.ended = self.clock()


class Bucket(Dictionary):
    """A bucket with versions, and a clock of its own. Step Functions says who runs."""

    locks = False

    def __init__(self) -> None:
        super().__init__(at_once=8)
        self.now = 1000 * DAY
        #: The versions of each key, the newest first: an id, when it was written, and its bytes.
        self.kept: dict[str, list[tuple[str, float, bytes]]] = {}
        self.runs: list[Run] = []
        self._ids = itertools.count()

    def put(self, key: str | ContentKey, *parts: Buffer) -> None:
        super().put(str(key), *parts)
        self.kept.setdefault(str(key), []).insert(0, (str(next(self._ids)), self.now, b"".join(parts)))

    def create(self, key: str, content: bytes) -> bool:
        if key in self.objects:
            return False
        self.put(key, content)
        return True

    def walk(self, prefix: str) -> Iterator[Stored]:
        for key in sorted(key for key in self.objects if key.startswith(prefix)):
            yield Stored(key, len(self.objects[key]), self.kept[key][0][1])

    def values(self, prefix: str) -> Iterator[Stored]:
        for key in sorted(key for key in self.objects if key.startswith(prefix)):
            found = self.kept[key]
            yield Stored(key, 1, found[0][1], tuple(version for version, _, _ in found))

    def read(self, keys: Iterable[str]) -> Iterator[bytes]:
        yield from (self.objects.get(key, b"") for key in keys)

    def delete(self, keys: Sequence[str]) -> None:
        for key in keys:
            del self.objects[key], self.kept[key]

    def drop(self, values: Sequence[Stored], before: float) -> Sequence[Stored]:
        for stored in values:
            left = [one for one in self.kept[stored.key] if one[0] not in stored.versions]
            if left:
                self.kept[stored.key], self.objects[stored.key] = left, left[0][2]
            else:
                del self.kept[stored.key], self.objects[stored.key]
        return values

    def alone(self, flow: str) -> Any:
        return contextlib.nullcontext()

    def hold(self, flow: str, execution: str) -> Any:
        return contextlib.nullcontext(True)  # noqa: FBT003 - what it yields

    def running(self, flow: str) -> Running:
        found = [run for run in self.runs if run.ended is None]
        return Running(frozenset(run.name for run in found), min((run.started for run in found), default=None))

    def read_notes(self, flow: str, executions: Mapping[str, float], before: float) -> Running:
        return Running()


class World:
    """A datastore, executions, and a clock."""

    def __init__(self, store: DataStore, shelf: Shelf) -> None:
        self.store, self.shelf = store, shelf
        self.runs: list[Run] = []
        self.days = 0.0

    def clock(self) -> float:
        return self.days * DAY

    def begin(self, value: int) -> None:
        run = Run(f"e{len(self.runs)}", value, self.clock)
        self.hold(run)
        self.runs.append(run)

    def hold(self, run: Run) -> None:
        raise NotImplementedError

    def advance(self, days: float) -> None:
        self.days += days

    def now(self) -> float:
        raise NotImplementedError

    def step(self, which: int) -> None:
        """Go on with one of the executions, or begin one more."""
        alive = [run for run in self.runs if run.ended is None]
        if which % 5 == 4 or not alive:
            self.begin(which % 2)
        else:
            alive[which % len(alive)].step(self.store)

    def note_old(self, days: float) -> None:
        """Note which executions are old enough to be removed now."""
        for run in self.runs:
            run.may_go |= run.ended is not None and self.clock() - run.ended >= (days - 0.01) * DAY

    def check(self) -> None:
        """Check what remains: all that finished can be read, and who runs or has run lately is there."""
        for run in self.runs:
            record = self.store.ledger.read_record(run.key)
            if record is not None:
                archive = self.store.ledger.read_archive(run.key, index=0, name="value")
                assert self.store.read(FLOW, archive) == run.value
            assert run.may_go or run.progress < 2 or record is not None


class LocalWorld(World):
    """Files. Time passes as they become older."""

    def __init__(self, root: str) -> None:
        store = Local(root=root)
        assert isinstance(store.transport, FileTransport)
        super().__init__(store, FileShelf(store.transport))
        self.transport = store.transport

    def hold(self, run: Run) -> None:
        assert run.stack.enter_context(self.transport.lock(lock_key(FLOW, run.name)))

    def advance(self, days: float) -> None:
        super().advance(days)
        for file in Path(self.transport.root).rglob("*"):
            if file.is_file():
                found = file.stat()
                os.utime(file, (found.st_atime - days * DAY, found.st_mtime - days * DAY))

    def now(self) -> float:
        return time.time()


class BucketWorld(World):
    """A bucket with versions."""

    def __init__(self) -> None:
        self.bucket = Bucket()
        super().__init__(DataStore(self.bucket), self.bucket)

    def clock(self) -> float:
        return self.bucket.now

    def hold(self, run: Run) -> None:
        self.bucket.runs = self.runs  # those that were begun, too

    def advance(self, days: float) -> None:
        self.bucket.now += days * DAY

    def now(self) -> float:
        return self.bucket.now


class Interrupted:
    """A shelf on which others go on between all that is asked for, and whose user may be killed.

    Args:
        world: The world.
        steps: What others do, one thing after the other.
        kill: After how many removals the user is killed; None for never.
    """

    def __init__(self, world: World, steps: Iterable[int], kill: int | None) -> None:
        self._world, self._shelf, self._steps, self._left = world, world.shelf, iter(steps), kill

    def __getattr__(self, name: str) -> Any:
        found = getattr(self._shelf, name)
        return self._of(name, found) if name in {"walk", "values", "read", "delete", "drop", "running"} else found

    def _go_on(self) -> None:
        for which in itertools.islice(self._steps, 1):
            if which < 20:
                self._world.step(which)

    def _of(self, name: str, ask: Callable[..., Any]) -> Callable[..., Any]:
        def interrupted(*arguments: Any) -> Any:
            self._go_on()
            if name in {"walk", "values", "read"}:
                return self._each(ask(*arguments))
            if name in {"delete", "drop"}:
                return self._one_by_one(ask, *arguments)
            return ask(*arguments)

        return interrupted

    def _each(self, found: Iterator[Any]) -> Iterator[Any]:
        for one in found:
            yield one
            self._go_on()

    def _one_by_one(self, ask: Callable[..., Any], items: Sequence[Any], *others: Any) -> list[Any]:
        done: list[Any] = []
        for item in items:
            if self._left == 0:
                raise KilledError
            self._left = None if self._left is None else self._left - 1
            done += ask([item], *others) or ()
            self._go_on()
        return done


STEPS = st.integers(0, 40)  # half of them do nothing
PRUNES = st.tuples(st.just("prune"), st.integers(1, 5), st.lists(STEPS, max_size=60), st.none() | st.integers(0, 6))
THINGS = st.lists(
    st.one_of(
        st.tuples(st.just("step"), st.integers(0, 19)),
        st.tuples(st.just("step"), st.integers(0, 19)),
        st.tuples(st.just("advance"), st.sampled_from([0.1, 1.0, 3.0, 9.0])),
        PRUNES,
    ),
    min_size=12,
    max_size=40,
)


def live(world: World, things: Sequence[tuple[Any, ...]]) -> None:
    """Let things happen in a world, and check it after each."""
    try:
        for what, *how in things:
            if what == "step":
                world.step(*how)
                continue
            if what == "advance":
                world.advance(*how)
                continue
            days, steps, kill = how
            now = world.now()
            world.note_old(days)
            with contextlib.suppress(KilledError):
                prune(Interrupted(world, steps, kill), [FLOW], before=now - days * DAY, now=now)
            world.check()
        now = world.now()
        world.note_old(1)
        (done,) = prune(world.shelf, [FLOW], before=now - DAY, now=now)
        assert done.flow == FLOW
        world.check()
        # What was removed is removed as a whole, whoever was killed before.
        left = {stored.key.split("/")[2] for stored in world.shelf.walk(f"{FLOW}/archives/")}
        for run in world.runs:
            if run.ended is not None and world.clock() - run.ended > 1.5 * DAY:
                assert run.name not in left
                assert world.store.ledger.read_record(run.key) is None
    finally:
        for run in world.runs:
            run.stack.close()


@settings(max_examples=size(40, full=500))
@given(THINGS)
def test_files(things: list[tuple[Any, ...]]) -> None:
    with tempfile.TemporaryDirectory() as root:
        live(LocalWorld(root), things)


@settings(max_examples=size(120, full=1000))
@given(THINGS)
def test_a_bucket(things: list[tuple[Any, ...]]) -> None:
    live(BucketWorld(), things)
