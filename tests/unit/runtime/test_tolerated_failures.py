"""Fan-outs that tolerate failures: they finish without some splits, and readers see which."""

from __future__ import annotations

import contextlib

import pytest

from laminar_runtime import Execution, Flow, Layer, each
from laminar_runtime.configurations import hooks
from laminar_runtime.configurations.datastores import Memory
from laminar_runtime.configurations.executors import Thread
from laminar_runtime.configurations.failures import tolerable
from laminar_runtime.configurations.layers import ForEach, Parameter, Retry
from laminar_runtime.exceptions import ExecutionError, SubmissionError, UnfinishedError, UnsetError
from laminar_runtime.failures.record import Failure
from laminar_runtime.plan_layer import record
from laminar_runtime.planner import planner
from laminar_runtime.planner.planner import LayerPlan, replan_layer
from laminar_runtime.storage import failures
from laminar_runtime.storage.claims import note_begin
from laminar_runtime.storage.commits import Record
from laminar_runtime.task_environment import TaskContext
from laminar_runtime.tasks import task
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
    with pytest.raises(UnsetError, match=r"Its only split failed, which tolerated_failures allows"):
        _ = found.execution.layer(Work).done
    with pytest.raises(UnsetError, match=r"Each of its 2 splits failed, which tolerated_failures allows"):
        _ = run(0, 1, width=2).layer(Work).done


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


def deployed(*finished: int, began: int = 6, drive: str = "") -> Execution:
    """Return an execution of which some splits of six finished; the first ones began."""
    execution = in_memory(Tolerant).execution("e1")
    key, put = execution.key("Work"), execution.datastore.transport.put
    for index in finished:
        put(key.split(index), b"{}")
    for index in range(began):
        note_begin(put, key, drive, index)
    return execution


ERROR = {"Error": "States.TaskFailed", "Cause": "Array Child Job failed"}


def test_the_planner_records_what_a_fan_out_tolerates() -> None:
    """When the jobs have ended, it counts the splits without a commit."""
    execution = deployed(0, 2, 3, 5)
    key, store = execution.key("Work"), execution.datastore
    why = (
        r"2 of its splits did not finish \(splits 1,4 of 0 to 5\), and tolerated_failures=0.2 allows 1: "
        "Array Child Job failed. A resume runs them again"
    )
    with pytest.raises(UnfinishedError, match=why):
        record(store, key, splits=6, tolerated=0.2, error=ERROR)
    record(store, key, splits=6, tolerated=2, error=ERROR)
    assert execution.layer(Work).state.failed == (1, 4)
    record(store, key, splits=6, tolerated=0, error=None)  # what is recorded stays


def test_splits_that_never_ran_are_not_tolerated() -> None:
    """Their job was not submitted, their image is missing, or the children that could have claimed them are dead."""
    execution = deployed(0, began=2)
    key, store = execution.key("Work"), execution.datastore
    why = (
        r"5 of its splits did not finish \(splits 1-5 of 0 to 5\), and 4 of these did not begin "
        r"\(splits 2-5 of 0 to 5\), which no fan-out tolerates: Array Child Job failed. A resume runs them again"
    )
    with pytest.raises(UnfinishedError, match=why):
        record(store, key, splits=6, tolerated=5, error=ERROR)
    assert store.ledger.read_record(key) is None


def test_splits_that_began_before_a_resume_have_not_failed_after_it() -> None:
    """Somebody stopped the execution, perhaps. The job of the resume could not be submitted."""
    execution = deployed(0, 1, 2, 3, 4)
    key, store = execution.key("Work"), execution.datastore
    with pytest.raises(UnfinishedError, match="did not begin"):
        record(store, key, splits=6, drive="1", tolerated=5, error=ERROR)
    record(store, key, splits=6, tolerated=5, error=ERROR)


def test_a_fan_out_fails_with_the_error_of_a_split() -> None:
    """The error of the jobs is unknown if the last attempt had none."""
    execution = deployed(0, 1, 2)
    key, store = execution.key("Work"), execution.datastore
    failure = Failure(flow=key.flow, execution=key.execution, layer="Work", reason="ValueError: x", index=4, attempt=1)
    failures.write(store.transport.put, key, failure)
    with pytest.raises(UnfinishedError, match=r"allows 1: ValueError: x. A resume"):
        record(store, key, splits=6, tolerated=1)


@pytest.mark.parametrize("tolerated", [None, 1])
def test_deployed_tasks_note_that_they_began(tolerated: int | None, monkeypatch: pytest.MonkeyPatch) -> None:
    """Also those whose attempts the planner counts. Without a tolerance nobody asks."""

    class Noting(Flow): ...

    @Noting.register(foreach=ForEach([Parameter("Parameters", "x")], tolerated_failures=tolerated))
    class Noted(Layer):
        def __call__(self) -> None:
            raise ValueError("no luck")

    execution = Noting(datastore=Memory(), executor=Thread()).execution("e1")
    execution.parameters(x=[1])
    for attempt in ({}, {"LAMINAR_LAYER_ATTEMPT": "2"}):
        job = {"AWS_BATCH_JOB_ID": "j1", "LAMINAR_FLOW_NAME": "Noting", "LAMINAR_LAYER_NAME": "Noted", **attempt}
        context = TaskContext.parse({"LAMINAR_EXECUTION_ID": f"e1@resume-{len(attempt)}", **job})
        assert context is not None
        with pytest.raises(ValueError, match="no luck"):
            task.run_layer(execution, execution.layer("Noted", index=0, splits=1, attempt=1), context)
        names = execution.datastore.transport.names(execution.key("Noted").beginnings(context.drive))
        assert names == ([] if tolerated is None else ["0"])


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


def finish(execution: Execution, *splits: int, layer: str = "Hooked") -> None:
    """Note that splits of a layer finished."""
    for index in splits:
        execution.datastore.transport.put(execution.key(layer).split(index), b"{}")


class Sized(Flow): ...


@Sized.register(foreach=ForEach([Parameter("Parameters", "x")], tolerated_failures=1), retry=Retry(attempts=2, delay=0))
class Hooked(Layer):
    def __call__(self) -> None: ...


def test_attempts_that_the_planner_makes() -> None:
    """Of the splits without an attempt left, as many as are tolerated do not run again; one more fails the layer."""
    execution = Sized(datastore=Memory(), executor=Thread()).execution("e1")
    finish(execution, 2)
    of_split = {"container": {}, "retry": Retry(attempts=2, delay=0).numbers(), "splits": 3}
    last = {"groups": [{**of_split, "indexes": "0", "attempt": 2}, {**of_split, "indexes": "1", "attempt": 1}]}
    failed = {**last, "splits": 3, "attempt": 2, "redrives": 0}
    plan = replan_layer(execution, "Hooked", failed, {"Error": "E"})
    assert [(group["indexes"], group["attempt"]) for group in plan.groups] == [("1", 2)]
    finish(execution, 1)
    failed["groups"] = [{**of_split, "indexes": "0", "attempt": 2}]
    assert replan_layer(execution, "Hooked", failed, {"Error": "E"}) == LayerPlan(splits=3, attempt=3)
    # Split 0 failed for good in an earlier attempt.
    lost = Sized(datastore=Memory(), executor=Thread()).execution("e1")
    finish(lost, 2)
    failed["groups"] = [{**of_split, "indexes": "1", "attempt": 2}]
    with pytest.raises(Exception, match="layer 'Hooked' failed on attempt 2 of 2: E"):
        replan_layer(lost, "Hooked", failed, {"Error": "E"})
    failed["groups"] = [{**of_split, "indexes": "0-1", "attempt": 2}]
    with pytest.raises(Exception, match="layer 'Hooked' failed on attempt 2 of 2: E"):
        replan_layer(lost, "Hooked", failed, {"Error": "E"})


#: The splits whose submission hooks, and whose retry hooks, fail.
BROKEN: dict[str, set[int]] = {"submission": set(), "retry": set()}


class Hooks(Flow): ...


@Hooks.register
class Numbers(Layer):
    def __call__(self) -> None:
        self.shard(number=range(3))


@Hooks.register(foreach=ForEach([Parameter(Numbers, "number")], tolerated_failures=1), retry=Retry(attempts=2, delay=0))
class Asks(Layer):
    number: int

    def __call__(self, numbers: Numbers) -> None:
        self.number = numbers.number
        if self.index in BROKEN["retry"]:
            raise ValueError("again")

    @hooks.submission
    def ask(self) -> None:
        if self.index in BROKEN["submission"]:
            raise OSError("away")

    @hooks.retry
    def change(self) -> None:
        if self.index in BROKEN["retry"]:
            raise KeyError("unknown")


def plan_to_the_end(execution: Execution) -> LayerPlan:
    """Ask the planner of a layer until it has a plan."""
    for _ in range(3):
        with contextlib.suppress(SubmissionError):
            return planner.plan_layer(execution, "Asks")
    raise AssertionError


@pytest.mark.parametrize("lost", [{1}, {0, 2}])
def test_submission_hooks_that_fail_for_good(lost: set[int]) -> None:
    """The split is lost, here and deployed: the fan-out tolerates it, or fails with the error of the hook."""
    BROKEN.update(submission=lost, retry=set())
    local, planned = in_memory(Hooks), in_memory(Hooks).execution("e1")
    key = planned.key("Numbers")
    planned.datastore.write(key, index=0, name="number", values=range(3), sharded=True)
    planned.datastore.ledger.write_record(key, splits=1)
    if len(lost) > 1:
        with pytest.raises(OSError, match="away"):
            local("e1")
        with pytest.raises(ExecutionError, match=r"a submission hook of layer 'Asks' .* failed: OSError: away"):
            plan_to_the_end(planned)
        return
    assert local("e1").layer(Asks).state.failed == (1,)
    assert [group["indexes"] for group in plan_to_the_end(planned).groups] == ["0,2"]
    finish(planned, 0, 2, layer="Asks")
    record(planned.datastore, planned.key("Asks"), splits=3, tolerated=1)
    assert planned.layer(Asks).state.failed == (1,)
    found = failures.read(planned.datastore.transport, planned.key("Asks")).shown
    assert [(one.index, one.attempt, one.error_class) for one in found] == [(1, 2, "OSError")]


def test_retry_hooks_that_fail() -> None:
    """It is the same with them."""
    BROKEN.update(submission=set(), retry={1})
    local, planned = in_memory(Hooks), in_memory(Hooks).execution("e1")
    assert local("e1").layer(Asks).state.failed == (1,)
    finish(planned, 0, 2, layer="Asks")
    of_split = {"container": {}, "retry": Retry(attempts=2, delay=0).numbers(), "splits": 3}
    failed = {"groups": [{**of_split, "indexes": "0-2", "attempt": 1}], "splits": 3, "attempt": 1, "redrives": 0}
    assert replan_layer(planned, "Asks", failed, {"Error": "E"}).groups == ()
    record(planned.datastore, planned.key("Asks"), splits=3, tolerated=1)
    assert planned.layer(Asks).state.failed == (1,)
    finish(planned, 0, layer="Asks")
    BROKEN["retry"] = {0, 1, 2}
    planned = in_memory(Hooks).execution("e1")
    with pytest.raises(ExecutionError, match=r"a retry hook of layer 'Asks' .* failed: KeyError"):
        replan_layer(planned, "Asks", failed, {"Error": "E"})
