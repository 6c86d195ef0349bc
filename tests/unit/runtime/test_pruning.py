"""Old executions of a flow on this machine are removed, and the values that nothing names any more."""

from __future__ import annotations

import contextlib
import os
import threading
import time
import tracemalloc
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path

import pytest

from laminar_runtime import Execution, Flow, Layer, Parameters
from laminar_runtime.configurations import datastores, executors
from laminar_runtime.configurations.datastores import files
from laminar_runtime.configurations.datastores.local import FileTransport
from laminar_runtime.configurations.datastores.local_shelf import FileShelf
from laminar_runtime.exceptions import DatastoreError
from laminar_runtime.storage.layout import lock_key, turns_prefix
from laminar_runtime.storage.pruning import Pruned, Stored, prune
from tests.support.sizes import size

DAY = 86_400.0


class Report(Flow): ...


@Report.register
class Load(Layer):
    def __call__(self, parameters: Parameters) -> None:
        self.value, self.shared = f"value {parameters.n}", "shared"
        self.shard(rows=[parameters.n, parameters.n + 1])
        if parameters.n < 0:
            raise ValueError("below 0")


@Report.register
class Sum(Layer):
    def __call__(self, load: Load) -> None:
        self.total = sum(load.rows)


@pytest.fixture
def flow(tmp_path: Path) -> Report:
    return Report(datastore=datastores.Local(tmp_path), executor=executors.Thread())


def shelf_of(flow: Flow) -> FileShelf:
    transport = flow.datastore.transport
    assert isinstance(transport, FileTransport)
    return FileShelf(transport)


def make_older(path: Path, days: float) -> None:
    """Let files be older."""
    for file in [path, *path.rglob("*")]:
        if file.is_file():
            os.utime(file, (time.time(), file.stat().st_mtime - days * DAY))


def age(flow: Flow, execution: str, days: float) -> None:
    """Let an execution, and all values, be older."""
    root = Path(flow.datastore.root) / flow.name
    for folder in (".cache", "archives", ".output"):
        make_older(root / folder / execution, days)
    make_older(root / "artifacts", days)


def prune_now(flow: Flow, days: float = 90, *, dry_run: bool = False) -> Pruned:
    now = time.time()
    (done,) = prune(shelf_of(flow), [flow.name], before=now - days * DAY, now=now, dry_run=dry_run)
    return done


def names_of(flow: Flow) -> list[str]:
    return [execution.id for execution in flow.datastore.list_executions(flow=flow)]


def value_files(flow: Flow) -> list[Path]:
    folder = Path(flow.datastore.root) / "Report" / "artifacts"
    return [path for path in folder.rglob("*") if path.is_file()]


def values_in(flow: Flow) -> int:
    return len(value_files(flow))


def total(execution: Execution) -> object:
    return execution.layer(Sum).total


def test_old_executions_go(flow: Report) -> None:
    """What they alone name goes with them; what others name stays, however old it is."""
    flow("old", n=1)
    flow("new", n=5)
    age(flow, "old", 100)
    counted = prune_now(flow, dry_run=True)
    assert (counted.executions, counted.artifacts > 0, names_of(flow)) == (1, True, ["new", "old"])
    assert prune_now(flow) == counted
    assert names_of(flow) == ["new"]
    layer = flow.execution("new").layer(Load)
    assert (layer.value, layer.shared, list(layer.rows), total(flow.execution("new"))) == (
        "value 5",
        "shared",
        [5, 6],
        11,
    )
    assert not [file for file in Path(flow.datastore.root).rglob("*") if "old" in file.parts]
    again = prune_now(flow)
    assert (again.executions, again.records, again.artifacts) == (0, 0, 0)


def test_failed_executions_go(flow: Report) -> None:
    """One that could be resumed goes as a whole, with the values of attempts that failed."""
    with pytest.raises(ValueError, match="below 0"):
        flow("failed", n=-1)
    age(flow, "failed", 100)
    assert prune_now(flow).executions == 1
    assert (names_of(flow), values_in(flow)) == ([], 0)


def test_values_of_attempts_that_failed_stay_with_their_execution(flow: Report) -> None:
    with pytest.raises(ValueError, match="below 0"):
        flow("failed", n=-1)
    make_older(Path(flow.datastore.root) / "Report" / "artifacts", 100)
    assert prune_now(flow).artifacts == 0


def test_an_execution_that_runs(flow: Report) -> None:
    """It stays, however long it has written nothing. So do values that nothing names, as it may name them yet."""
    flow("old", n=1)
    age(flow, "old", 100)
    transport = flow.datastore.transport
    with transport.lock(lock_key("Report", "old")):
        make_older(Path(transport.root) / "Report" / ".locks", 99)
        assert prune_now(flow).executions == 0
        flow("other", n=7)
        age(flow, "other", 95)
        done = prune_now(flow)
        assert (done.executions, done.artifacts, done.waiting > 0) == (1, 0, True)
    assert prune_now(flow).artifacts > 0


def test_what_is_stored_again_becomes_new(flow: Report) -> None:
    """A new execution names an old value that it has not written: it is there, and new, before it is named."""
    flow("old", n=1)
    age(flow, "old", 100)
    execution = flow("new", n=1)
    assert all(time.time() - file.stat().st_mtime < DAY for file in value_files(flow))
    assert prune_now(flow).executions == 1
    assert total(execution) == 3


def test_a_value_is_stored_again_while_it_is_removed(flow: Report) -> None:
    """Who finds an old file waits for who removes it, finds it gone, and writes it."""
    flow("old", n=1)
    age(flow, "old", 100)
    thread = threading.Thread(target=lambda: flow("new", n=1))
    with contextlib.ExitStack() as folders:
        for folder in {path.parent for path in value_files(flow)}:
            assert folders.enter_context(files.hold_folder(str(folder), alone=True))
        thread.start()
        thread.join(timeout=0.5)
        assert thread.is_alive()
        for file in value_files(flow):
            file.unlink()
    thread.join()
    assert total(flow.execution("new")) == 3


def test_a_large_value_is_stored_again(flow: Report) -> None:
    """It is replaced, and so it is new. Who removes it looks at its age again."""
    store, key = flow.datastore, flow.execution("new").key("Load")
    content = bytes(range(256)) * 8192
    artifact = store._write_artifact(key, "value", content)
    path = Path(store.root) / artifact.key("Report")
    make_older(path, 100)
    listed = Stored(artifact.key("Report"), 1, path.stat().st_mtime)
    store._write_artifact(key, "value", content)
    assert shelf_of(flow).drop([listed], time.time() - 90 * DAY) == []
    assert store.read_artifact("Report", artifact) == content


def test_an_execution_that_was_resumed_meanwhile(flow: Report) -> None:
    """It is not removed: its age is looked at again under its lock."""
    flow("old", n=1)
    age(flow, "old", 100)

    class Late(FileShelf):
        def hold(self, flow: str, execution: str) -> contextlib.AbstractContextManager[bool]:
            (Path(self._root) / flow / ".cache" / execution / ".run.json").touch()
            return super().hold(flow, execution)

    transport, now = flow.datastore.transport, time.time()
    assert isinstance(transport, FileTransport)
    (done,) = prune(Late(transport), ["Report"], before=now - 90 * DAY, now=now)
    assert done.executions == 0
    assert total(flow.execution("old")) == 3


def test_one_at_a_time(flow: Report) -> None:
    flow("old", n=1)
    with flow.datastore.transport.lock(lock_key("Report", ".prune")), pytest.raises(DatastoreError, match="another"):
        prune_now(flow)


def test_a_flow_without_a_folder(flow: Report) -> None:
    assert prune_now(flow) == Pruned(flow="Report")
    assert not list(Path(flow.datastore.root).iterdir())


def test_rests_of_writes_go(flow: Report) -> None:
    """A task that was killed leaves a part of a value; other files in the folder are not ours."""
    flow("new", n=1)
    folder = Path(flow.datastore.root) / "Report" / "artifacts"
    before = values_in(flow)
    (folder / ".writing-1").touch()
    (folder / "desktop.ini").touch()
    make_older(folder, 100)
    assert prune_now(flow).artifacts == 1
    assert values_in(flow) == before + 1


def test_flows_of_a_chain_go_together(flow: Report) -> None:
    """A later flow may have values of an earlier one: the execution is as young as the last write in any of them."""

    class After(Flow): ...

    @After.register
    class Keep(Layer):
        def __call__(self, parameters: Parameters) -> None:
            self.rows = parameters.rows

    after = After(datastore=flow.datastore, executor=executors.Thread())
    flow("e1", n=1).next(flow=after, linker=lambda one: Parameters(rows=one.layer(Load).rows))
    age(flow, "e1", 100)
    now = time.time()
    both = prune(shelf_of(flow), ["Report", "After"], before=now - 90 * DAY, now=now)
    assert [done.executions for done in both] == [0, 0]
    assert list(after.execution("e1").layer(Keep).rows) == [1, 2]
    age(after, "e1", 100)
    both = prune(shelf_of(flow), ["Report", "After"], before=now - 90 * DAY, now=now)
    assert [done.executions for done in both] == [1, 1]
    assert names_of(flow) == names_of(after) == []


def test_notes_of_turns(flow: Report) -> None:
    """The note of the last turn stays: the next execution looks for it. Its key is the first one."""
    for number in ("8999999997", "8999999998", "8999999999"):
        flow.datastore.transport.put(f"{turns_prefix('Report')}{number}", b"{}")
    make_older(Path(flow.datastore.root) / "Report" / ".turns", 100)
    assert prune_now(flow).records == 2
    assert flow.datastore.transport.names(turns_prefix("Report")) == ["8999999997"]


def test_records_go_before_what_they_stand_for(flow: Report) -> None:
    """Whatever ends the removal, no layer counts as finished whose values are gone; the next call goes on."""
    number = 0
    while True:
        flow("old", n=1)
        age(flow, "old", 100)
        left = _Left(flow, number)
        now = time.time()
        with contextlib.suppress(KeyboardInterrupt):
            prune(left, ["Report"], before=now - 90 * DAY, now=now)
        for layer in ("Load", "Sum", "Parameters"):
            found = flow.execution("old").layer(layer)
            if flow.datastore.ledger.read_record(flow.execution("old").key(layer)) is not None:
                assert [getattr(found, name) for name in flow.datastore.list_artifacts(layer=found)]
        if left.left >= 0:
            break
        make_older(Path(flow.datastore.root), 100)
        prune_now(flow)
        assert (names_of(flow), values_in(flow)) == ([], 0)
        number += 1
    assert number > 10


class _Left(FileShelf):
    """A shelf whose user is ended after some removals."""

    def __init__(self, flow: Flow, left: int) -> None:
        transport = flow.datastore.transport
        assert isinstance(transport, FileTransport)
        super().__init__(transport)
        self.left = left

    def delete(self, keys: list[str]) -> None:  # type: ignore[override] # it is given lists
        for key in keys:
            self._count()
            super().delete([key])

    def drop(self, values: list[Stored], before: float) -> list[Stored]:  # type: ignore[override] # the same
        for value in values:
            self._count()
            super().drop([value], before)
        return values

    def _count(self) -> None:
        self.left -= 1
        if self.left < 0:
            raise KeyboardInterrupt


class _Many(FileShelf):
    """A shelf with many executions, half of them old, of which nothing is kept."""

    def __init__(self, flow: Flow, count: int) -> None:
        transport = flow.datastore.transport
        assert isinstance(transport, FileTransport)
        super().__init__(transport)
        self.locks = False  # type: ignore[misc] # as a bucket
        self.count, self.deleted, self.calls = count, 0, 0

    def walk(self, prefix: str) -> Iterator[Stored]:
        if prefix.endswith((".cache/", "archives/")):
            for number in range(self.count):
                name = "Load/.record.json" if ".cache" in prefix else "Load/0/1-x/value.json"
                yield Stored(f"{prefix}e{number:06}/{name}", 100, number % 2 * time.time())

    def values(self, prefix: str) -> Iterator[Stored]:
        for number in range(self.count):
            yield Stored(f"{prefix}{number:064x}.pickle", 10, 0)

    def read(self, keys: Iterable[str]) -> Iterator[bytes]:
        for key in keys:
            yield f'"{int(key.split("/")[2][1:]):064x}"'.encode()

    def delete(self, keys: Sequence[str]) -> None:
        self.deleted, self.calls = self.deleted + len(keys), self.calls + 1

    def drop(self, values: Sequence[Stored], before: float) -> list[Stored]:
        return list(values)


def test_many_executions(flow: Report) -> None:
    """In memory are an entry for each execution and a digest for each value. A request removes 1,000 objects."""
    count, now = size(4_000, full=100_000), time.time()
    shelf = _Many(flow, count)
    tracemalloc.start()
    try:
        (done,) = prune(shelf, ["Report"], before=now - 90 * DAY, now=now)
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert (done.executions, done.records, done.artifacts) == (count // 2, count, count // 2)
    assert (shelf.deleted, shelf.calls) == (count, count // 1000)
    assert peak < 600 * count
