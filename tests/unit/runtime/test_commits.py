"""A split finishes by one of its attempts, and what the others wrote is read by nobody."""

from __future__ import annotations

import threading
import time
from collections import Counter
from typing import Any

import pytest

from laminar_runtime import Execution, Flow, Layer
from laminar_runtime.configurations import datastores, executors
from laminar_runtime.configurations.datastores.ledger import Ledger
from laminar_runtime.configurations.layers import Catch, ForEach, Parameter, Retry
from laminar_runtime.exceptions import DamagedError, DatastoreError, TaskError, UnsetError
from laminar_runtime.storage.archives import Archive, Artifact
from laminar_runtime.storage.commits import Commit, Record
from laminar_runtime.storage.layout import LayerKey
from laminar_runtime.storage.rows import Rows
from laminar_runtime.task_environment import TaskContext
from laminar_runtime.tasks import task
from tests.support.harness import in_memory, objects_of
from tests.support.transports import Dictionary, Recording


class Source(Flow): ...


@Source.register
class Shards(Layer):
    def __call__(self) -> None:
        self.shard(number=range(3))


OVER = ForEach(parameters=[Parameter(Shards, "number")])


def test_what_a_failed_attempt_assigned_is_not_there() -> None:
    """A layer that fails and is run again has what its last attempt assigned, sharded or not, and nothing else."""

    class MyFlow(Flow): ...

    @MyFlow.register(retry=Retry(attempts=2, delay=0))
    class A(Layer):
        def __call__(self) -> None:
            self.rows = [1, 2]
            if self.attempt == 1:
                self.partial = "of attempt 1"
                self.shard(parts=[1, 2])
                raise ValueError("attempt 1")

    @MyFlow.register
    class B(Layer):
        def __call__(self, a: A) -> None:
            self.seen = getattr(a, "partial", "absent"), hasattr(a, "parts"), a.rows

    execution = in_memory(MyFlow)()
    assert execution.layer(B).seen == ("absent", False, [1, 2])
    assert execution.datastore.list_artifacts(layer=execution.layer(A)) == ["rows"]
    with pytest.raises(UnsetError, match="It finished, but did not assign it"):
        _ = execution.layer(A).partial


def test_what_a_failed_split_assigned_is_not_there() -> None:
    """So it is of each split of a fan-out, also where one alone is read."""

    class MyFlow(Source): ...

    @MyFlow.register(foreach=OVER, retry=Retry(attempts=2, delay=0))
    class Each(Layer):
        def __call__(self, shards: Shards) -> None:
            self.tries = self.attempt
            if self.attempt == 1:
                self.partial = shards.number
                raise ValueError("attempt 1")

    execution = in_memory(MyFlow)()
    assert list(execution.layer(Each).tries) == [2, 2, 2]
    assert execution.layer(Each, index=1).tries == 2
    for layer in (execution.layer(Each), execution.layer(Each, index=1)):
        with pytest.raises(UnsetError):
            _ = layer.partial


def test_what_was_assigned_before_a_resume_is_not_there() -> None:
    """A resumed layer has nothing of the run that failed; until then people see what that assigned."""
    broken = True

    class MyFlow(Flow): ...

    @MyFlow.register
    class A(Layer):
        def __call__(self) -> None:
            self.rows = "first" if broken else "second"
            if broken:
                self.partial = 1
                raise OSError("broken")

    flow = in_memory(MyFlow)
    with pytest.raises(OSError, match="broken"):
        flow("e1")
    failed = flow.execution("e1").layer(A)
    assert (failed.rows, failed.partial, failed.state.finished) == ("first", 1, False)
    assert flow.datastore.list_artifacts(layer=failed) == ["partial", "rows"]
    broken = False
    resumed = flow.execution("e1").resume()
    assert resumed.layer(A).rows == "second"
    assert not hasattr(resumed.layer(A), "partial")


def test_the_last_attempt_is_the_one_that_is_seen() -> None:
    """Of a layer that failed at each attempt, people see the last, also after a resume, whose attempts begin at 1."""
    runs = 0

    class MyFlow(Flow): ...

    @MyFlow.register(retry=Retry(attempts=2, delay=0))
    class A(Layer):
        def __call__(self) -> None:
            nonlocal runs
            runs += 1
            self.run = runs
            raise OSError("broken")

    flow = in_memory(MyFlow)
    with pytest.raises(OSError, match="broken"):
        flow("e1")
    assert flow.execution("e1").layer(A).run == 2
    with pytest.raises(OSError, match="broken"):
        flow.execution("e1").resume()
    assert flow.execution("e1").layer(A).run == 4


def test_tasks_see_nothing_of_what_did_not_finish() -> None:
    """For a task, a layer that failed before, and is skipped now, has no such attribute."""

    class MyFlow(Flow): ...

    @MyFlow.register
    class A(Layer):
        def __call__(self) -> None:
            self.partial = 1
            raise OSError("broken")

    flow = in_memory(MyFlow)
    with pytest.raises(OSError, match="broken"):
        flow("e1")
    execution = flow.execution("e1")
    seen = []

    class Reads(Layer):
        def __call__(self, a: A) -> None:
            seen.append(getattr(a, "partial", "absent"))

    MyFlow.register(Reads)
    context = TaskContext(execution="e1", flow="MyFlow", layer="Reads")
    task.run_layer(execution, execution.layer("Reads"), context)
    assert seen == ["absent"]


def test_caught_errors_keep_what_was_assigned() -> None:
    """A layer that ends early by `Catch` finishes, by that attempt."""

    class MyFlow(Flow): ...

    @MyFlow.register(catch=Catch(OSError))
    class A(Layer):
        def __call__(self) -> None:
            self.before = 1
            raise OSError("broken")

    assert in_memory(MyFlow)().layer(A).before == 1


def run_twice(flow: Flow, name: str, meanwhile: list[Any], **place: int) -> Execution:
    """Run a task that waits in the middle, and while it does, run it again to its end."""
    execution = flow.execution("e1")
    context = TaskContext(execution="e1", flow=flow.name, layer=name, retry=True, **place)

    def run() -> None:
        task.run_layer(execution, execution.layer(name, **place), context)

    meanwhile.append(run)
    run()
    return execution


@pytest.mark.parametrize("fans_out", [False, True])
def test_a_late_run_changes_nothing(*, fans_out: bool) -> None:
    """A task believed dead that goes on after another run of it finished ends well, and nothing of it is read."""
    runs, meanwhile = Counter[str](), []

    class MyFlow(Source): ...

    @MyFlow.register(**({"foreach": OVER} if fans_out else {}))
    class A(Layer):
        def __call__(self, shards: Shards) -> None:
            runs["A"] += 1
            own = runs["A"]
            self.first = own
            self.shard(parts=[own, own])
            while meanwhile:
                meanwhile.pop()()
            setattr(self, f"only{own}", own)
            self.last = own

    flow = in_memory(MyFlow)
    place = {"index": 1, "splits": 3} if fans_out else {}
    with pytest.raises(TaskError):
        failing(flow)
    execution = run_twice(flow, "A", meanwhile, **place)
    layer = execution.layer(A, index=1) if fans_out else execution.layer(A)
    assert (layer.first, layer.last, list(layer.parts), layer.only2) == (2, 2, [2, 2], 2)
    assert not hasattr(layer, "only1")
    before = dict(objects_of(flow))
    run_twice(flow, "A", [], **place)
    assert objects_of(flow) == before
    assert runs["A"] == 2


def failing(flow: Flow) -> None:
    """Have the first layer of a flow finish, and no other."""
    own, flow.configuration.executor = flow.configuration.executor, _Only()
    try:
        flow("e1")
    finally:
        flow.configuration.executor = own


class _Only(executors.Thread):
    """Runs the layer Shards."""

    async def run(self, task: Any) -> None:
        if task.context.layer != "Shards":
            raise executors.base.failure(task, "not here")
        await super().run(task)


def test_a_thread_that_was_given_up_finishes_nothing() -> None:
    """A layer that outlives its timeout in a thread leaves nothing, though it ends before its next attempt does."""
    ended = threading.Event()

    class MyFlow(Flow): ...

    @MyFlow.register(retry=Retry(attempts=2, delay=0))
    class A(Layer):
        def __call__(self) -> None:
            self.of = self.attempt
            if self.attempt == 1:
                time.sleep(0.3)
                self.late = True
                ended.set()
            else:
                ended.wait()
                time.sleep(0.05)

    flow = MyFlow(datastore=datastores.Memory(), executor=executors.Thread(timeout=0.25))
    layer = flow().layer(A)
    assert layer.of == 2
    assert not hasattr(layer, "late")


def test_a_commit_that_was_reported_as_failed_is_ones_own() -> None:
    """A client that creates an object, gets no answer and tries again finds its own: it is the one that finished."""

    class Forgetful(Dictionary):
        def create(self, key: str, content: bytes) -> bool:
            super().create(key, content)
            return False

    ledger, key = Ledger(Forgetful()), LayerKey("F", "e1", "A")
    for fans_out in (False, True):
        assert ledger.commit(key, index=0, commit=Commit("1-a"), fans_out=fans_out)
        assert not ledger.commit(key, index=0, commit=Commit("1-b"), fans_out=fans_out)


def test_a_commit_that_is_there_and_is_not() -> None:
    """What can neither be created nor read is an error, after some tries: S3 says so while another request goes on."""
    tries = []

    class Busy(Dictionary):
        def create(self, key: str, content: bytes) -> bool:
            tries.append(key)
            return False

    with pytest.raises(DatastoreError, match=r"F/\.cache/e1/A/\.record\.json can neither be created nor read"):
        Ledger(Busy()).commit(LayerKey("F", "e1", "A"), index=0, commit=Commit("1-a"), fans_out=False)
    assert len(tries) == 5


@pytest.mark.parametrize("content", [b"", b"{", b'{"attempt": "1-a", "archives": {"x": {}}}', b'{"archives": 1}'])
def test_what_is_damaged_is_not_finished(content: bytes) -> None:
    """A record or a commit without its bytes is neither finished nor absent: the error has its key."""

    class MyFlow(Source): ...

    @MyFlow.register(foreach=OVER)
    class Each(Layer):
        def __call__(self, shards: Shards) -> None:
            self.x = 1
            if broken and shards.number == 2:
                raise OSError("broken")

    broken = True
    flow = in_memory(MyFlow, concurrency=1)
    with pytest.raises(OSError, match="broken"):
        flow("e1")
    broken = False
    for key in ("MyFlow/.cache/e1/Each/.splits/1.json", "MyFlow/.cache/e1/Shards/.record.json"):
        kept = objects_of(flow)[key]
        objects_of(flow)[key] = content
        with pytest.raises(DamagedError, match=f"{key} is damaged"):
            flow.execution("e1").resume()
        objects_of(flow)[key] = kept
    objects_of(flow)["MyFlow/.cache/e1/Each/.record.json"] = content
    with pytest.raises(DamagedError):
        _ = flow.execution("e1").layer(Each).state.finished


@pytest.mark.parametrize("splits", ["-1", "1.5", '"2"', "Infinity", "null"])
def test_numbers_of_splits_that_are_none(splits: str) -> None:
    """A record of fewer splits than none, or of no number of them, is damaged: it would be read as one of none."""
    content = f'{{"flow":{{"name":"F"}},"layer":{{"name":"L"}},"execution":{{"splits":{splits}}}}}'
    with pytest.raises(DamagedError, match="k is damaged: a record lacks "):
        Record.loads(content.encode(), key="k")


def test_commits_survive() -> None:
    """A commit that is written and read is the same, but that large archives stand elsewhere."""
    small = Archive([Artifact("builtins.int", "0" * 64)])
    large = Archive([Artifact("builtins.int", f"{number:064}") for number in range(17)], sharded=True)
    commit = Commit("1-a", {"small": small, "large": large}, 0.5)
    kept = Commit("1-a", {"small": small, "large": large.rows}, 0.5)
    assert Commit.loads(commit.dumps(), key="k") == kept
    assert Commit.loads(kept.dumps(), key="k") == kept
    record = Record("F", "L", 1, 0.5, kept)
    assert Record.loads(record.dumps(), key="k") == record


def test_commits_are_bounded() -> None:
    """Who reads one attribute of thousands reads little of the others."""
    archives = {f"a{number}": Archive([Artifact("builtins.int", "0" * 64)]) for number in range(1000)}
    content = Commit("1-a", archives).dumps()
    assert len(content) < 50_000
    kept = Commit.loads(content, key="k").archives
    assert Counter(type(archive) for archive in kept.values()).keys() == {Archive, Rows}


def test_requests_of_a_task() -> None:
    """A layer asks what it depends on once for what that left, and once for each value, and creates one object."""

    class MyFlow(Flow): ...

    @MyFlow.register
    class A(Layer):
        def __call__(self) -> None:
            self.x, self.y, self.z = 1, 2, 3

    @MyFlow.register
    class B(Layer):
        def __call__(self, a: A) -> None:
            self.sum = a.x + a.y + a.z

    memory = datastores.Memory()
    transport = Recording(memory.transport, at_once=2)
    flow = MyFlow(datastore=datastores.DataStore(transport), executor=executors.Thread())
    flow("e1")
    execution = flow.execution("e1")
    context = TaskContext(execution="e1", flow="MyFlow", layer="B")
    del memory.workspace["MyFlow/.cache/e1/B/.record.json"]
    transport.clear()
    task.run_layer(execution, execution.layer("B"), context)
    asked = Counter(method for method, _ in transport.requests)
    assert asked == {"get": 1, "get_buffer": 3, "put": 2, "create": 1}


def test_requests_of_a_join() -> None:
    """An attribute of many splits is joined by one read for each of them."""

    class MyFlow(Source): ...

    @MyFlow.register(foreach=OVER)
    class Each(Layer):
        def __call__(self, shards: Shards) -> None:
            self.x = shards.number

    transport = Recording(Dictionary(at_once=2))
    execution = MyFlow(datastore=datastores.DataStore(transport), executor=executors.Thread())()
    transport.clear()
    each = execution.layer(Each)
    assert len(each.x) == 3
    # The record, and two joined archives that are not there.
    assert Counter(method for method, _ in transport.requests) == {"get": 3 + 3, "put": 1}
