"""Fan-outs that tolerate failures: they finish without some splits, and readers see which."""

from __future__ import annotations

import pytest

from laminar_runtime import Execution, Flow, Layer, each
from laminar_runtime.configurations.datastores import Memory
from laminar_runtime.configurations.executors import Thread
from laminar_runtime.configurations.failures import tolerable
from laminar_runtime.configurations.layers import ForEach, Parameter, Retry
from laminar_runtime.exceptions import UnfinishedError, UnsetError
from laminar_runtime.failures.record import Failure
from laminar_runtime.plan_layer import record
from laminar_runtime.planner.planner import LayerPlan, replan_layer
from laminar_runtime.storage import failures
from laminar_runtime.storage.commits import Record
from tests.support.harness import in_memory

#: The splits that fail, and the runs of all splits.
FAILING: set[int] = set()
RUNS: list[str] = []
WIDTH = [6]


class Tolerant(Flow): ...


@Tolerant.register
class Items(Layer):
    item: int

    def __call__(self) -> None:
        self.shard(item=range(WIDTH[0]))


OVER = [Parameter(Items, "item")]


@Tolerant.register(foreach=ForEach(OVER, tolerated_failures=2))
class Work(Layer):
    done: int

    def __call__(self, items: Items) -> None:
        RUNS.append(f"Work {self.index}")
        if items.item in FAILING:
            raise ValueError(f"bad item {items.item}")
        self.done = items.item * 10


@Tolerant.register(foreach=ForEach([Parameter(Work, "done", index=None)]))
class Follow(Layer):
    def __call__(self, work: Work) -> None:
        self.own = work.done + 1


@Tolerant.register
class Sum(Layer):
    def __call__(self, work: Work, follow: Follow) -> None:
        found = each(work, lambda work: work.done)
        self.total, self.missing, self.failed = sum(found), found.missing, work.state.failed
        self.followed = list(each(follow, lambda follow: follow.own))


def flow_with(*failing: int, width: int = 6) -> Flow:
    """Return the flow, of which some splits will fail."""
    FAILING.clear()
    FAILING.update(failing)
    RUNS.clear()
    WIDTH[:] = [width]
    return in_memory(Tolerant)


def run(*failing: int, width: int = 6) -> Execution:
    """Run the flow with failures of some splits."""
    return flow_with(*failing, width=width)()


def test_no_more_than_the_tolerated_failures() -> None:
    """Iteration leaves them out, and names them; a fan-out over what they would have assigned has the others."""
    execution = run(1, 4)
    found = execution.layer(Sum)
    assert (found.total, found.missing, found.failed) == (100, (1, 4), (1, 4))
    assert found.followed == [1, 21, 31, 51]
    assert execution.layer(Follow).state.failed == ()


def test_reading_what_a_failed_split_would_have_assigned() -> None:
    """It is an error that names the splits, and how to read the others."""
    execution = run(1)
    with pytest.raises(
        UnsetError, match=r"'done' of layer 'Work' was not assigned by split 1 of 0 to 5, which failed: "
    ):
        _ = execution.layer(Work).done
    with pytest.raises(UnsetError, match="split 1 of 0 to 5, which failed"):
        _ = execution.layer(Work, index=1).done
    assert execution.layer(Work, index=2).done == 20


def test_one_failure_too_many() -> None:
    """The fan-out fails with it, and a resume runs what failed, and nothing else."""
    flow = flow_with(1, 3, 4)
    with pytest.raises(ValueError, match="bad item"):
        flow("e1")
    FAILING.discard(3)
    RUNS.clear()
    execution = flow.execution("e1").resume()
    assert execution.layer(Sum).failed == (1, 4)
    assert not {"Work 0", "Work 2"} & set(RUNS)


def test_the_only_split_fails() -> None:
    """There is no commit, and the layer has finished."""
    found = run(0, width=1).layer(Sum)
    assert (found.total, found.missing, found.failed, found.followed) == (0, (0,), (0,), [])


@pytest.mark.parametrize(
    ("tolerated", "splits", "most"), [(None, 9, 0), (0, 9, 0), (3, 2, 3), (0.05, 100, 5), (0.29, 100, 29), (0.1, 9, 0)]
)
def test_how_many_splits_may_fail(tolerated: float | None, splits: int, most: int) -> None:
    """A share is one of all splits, rounded down."""
    assert tolerable(tolerated, splits) == most


def test_a_record_has_the_splits_that_failed() -> None:
    """A record without failures has the bytes that it had."""
    whole = Record("F", "A", 9)
    assert b"failed" not in whole.dumps()
    some = Record("F", "A", 9, failed=(1, 2, 3, 7))
    assert b'"failed":"1-3,7"' in some.dumps().replace(b" ", b"")
    assert Record.loads(some.dumps(), key="k") == some


def deployed(*finished: int) -> Execution:
    """Return an execution of which some splits of six finished."""
    execution = in_memory(Tolerant).execution("e1")
    for index in finished:
        execution.datastore.transport.put(execution.key("Work").split(index), b"{}")
    return execution


def test_the_planner_records_what_a_fan_out_tolerates() -> None:
    """When the jobs have ended, it counts the splits without a commit."""
    execution = deployed(0, 2, 3, 5)
    key, store = execution.key("Work"), execution.datastore
    error = {"Error": "States.TaskFailed", "Cause": "Array Child Job failed"}
    why = (
        r"2 of its splits did not finish \(splits 1,4 of 0 to 5\), and tolerated_failures=0.2 allows 1: "
        "Array Child Job failed. A resume runs them again"
    )
    with pytest.raises(UnfinishedError, match=why):
        record(store, key, splits=6, tolerated=0.2, error=error)
    with pytest.raises(UnfinishedError, match="splits 1,4 of 0 to 5 ended with exit code 0"):
        record(store, key, splits=6, tolerated=1)
    record(store, key, splits=6, tolerated=2, error=error)
    assert execution.layer(Work).state.failed == (1, 4)
    record(store, key, splits=6, tolerated=0, error=None)  # what is recorded stays


def test_failures_of_a_fan_out_that_finished_are_still_read() -> None:
    """They say why a split is missing; those of splits that finished at a later attempt do not count."""
    execution = deployed(0, 1)
    key, store = execution.key("Work"), execution.datastore
    put = store.transport.put
    for index in (1, 2):
        failure = Failure(flow=key.flow, execution=key.execution, layer="Work", reason="x", index=index, attempt=1)
        failures.write(put, key, failure)
    record(store, key, splits=3, tolerated=1)
    assert [failure.index for failure in failures.read(store.transport, key).shown] == [2]


class Sized(Flow): ...


@Sized.register(foreach=ForEach([Parameter("Parameters", "x")], tolerated_failures=1), retry=Retry(attempts=2, delay=0))
class Hooked(Layer):
    def __call__(self) -> None: ...


def test_attempts_that_the_planner_makes() -> None:
    """Of the splits without an attempt left, as many as are tolerated do not run again; one more fails the layer."""
    execution = Sized(datastore=Memory(), executor=Thread()).execution("e1")
    of_split = {"container": {}, "retry": Retry(attempts=2, delay=0).numbers(), "splits": 3}
    last = {"groups": [{**of_split, "indexes": "0", "attempt": 2}, {**of_split, "indexes": "1", "attempt": 1}]}
    failed = {**last, "splits": 3, "attempt": 2, "redrives": 0}
    plan = replan_layer(execution, "Hooked", failed, {"Error": "E"})
    assert [(group["indexes"], group["attempt"]) for group in plan.groups] == [("1", 2)]
    failed["groups"] = [{**of_split, "indexes": "0", "attempt": 2}]
    assert replan_layer(execution, "Hooked", failed, {"Error": "E"}) == LayerPlan(splits=3, attempt=3)
    failed["groups"] = [{**of_split, "indexes": "0-1", "attempt": 2}]
    with pytest.raises(Exception, match="layer 'Hooked' failed on attempt 2 of 2: E"):
        replan_layer(execution, "Hooked", failed, {"Error": "E"})
