"""Planning: what the jobs of a layer are, at its first attempt and at later ones."""

from __future__ import annotations

import itertools
import json
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, ClassVar

import pytest

from laminar_runtime import Flow, Layer, Variable, _records
from laminar_runtime import plan_layer as plan_layer_function
from laminar_runtime.configurations import datastores, executors, hooks
from laminar_runtime.configurations.layers import Container, ForEach, Parameter, Retry
from laminar_runtime.exceptions import ExecutionError, FlowError, SubmissionError, UnfinishedError
from laminar_runtime.execution import Execution
from laminar_runtime.limits import MAX_INVOCATIONS
from laminar_runtime.planner import planner
from laminar_runtime.planner.job_groups import overrides_of
from laminar_runtime.planner.planner import LayerPlan, plan_layer, replan_layer
from laminar_runtime.splits import fanout
from laminar_runtime.storage.archives import Archive
from laminar_runtime.task_environment import TaskContext
from tests.support.harness import Folder, in_memory


class Wide(Flow): ...


@Wide.register
class Shards(Layer):
    def __call__(self) -> None: ...


OVER = ForEach(parameters=[Parameter(Shards, "foo")])


@Wide.register(foreach=OVER, retry=Retry(attempts=3))
class Each(Layer):
    def __call__(self, shards: Shards) -> None: ...


@Wide.register(foreach=OVER, retry=Retry(attempts=2, delay=1.2, jitter=0))
class Sized(Layer):
    def __call__(self, shards: Shards) -> None: ...

    @hooks.submission
    def by_index(self) -> Iterator[None]:
        if self.index is not None and self.index % 2:
            self.configuration.container.memory = 4000
        yield
        self.configuration.container.memory = 1

    @hooks.retry
    def more(self) -> None:
        self.configuration.container.memory *= 2


FOUR = ForEach(parameters=[Parameter(Shards, "foo")], max_concurrency=4)


@Wide.register(foreach=FOUR)
class Limited(Layer):
    def __call__(self, shards: Shards) -> None: ...


@Wide.register(foreach=FOUR)
class LimitedSizes(Layer):
    def __call__(self, shards: Shards) -> None: ...

    @hooks.submission
    def by_index(self) -> None:
        self.configuration.container.memory = 4000 if self.index and self.index < 3 else 8000


@Wide.register(foreach=ForEach([Parameter(Shards, "foo")], splits_per_job=8, splits_at_once=4))
class Beside(Layer):
    def __call__(self, shards: Shards) -> None: ...


@Wide.register(foreach=ForEach(parameters=[Parameter(Each, "bar", index=None)]))
class Follows(Layer):
    def __call__(self, each: Each) -> None: ...


@Wide.register
class Images(Layer):
    def __call__(self) -> None: ...

    @hooks.submission
    def other(self) -> None:
        self.configuration.container.image = "other"


@Wide.register
class Breaks(Layer):
    def __call__(self) -> None: ...

    @hooks.submission
    def divide(self) -> None:
        _ = 1 / 0


@Wide.register
class Huge(Layer):
    def __call__(self) -> None: ...

    @hooks.submission
    def grow(self) -> None:
        self.configuration.container.memory = 10**6


def wide(splits: int) -> Execution:
    """Return an execution in which a layer sharded this many values: of many, the first ones again and again."""
    execution = in_memory(Wide).execution("e1")
    key, store = execution.key("Shards"), execution.datastore
    written = store.write(key, index=0, name="foo", values=range(min(splits, 100)), sharded=True).artifacts
    artifacts = tuple(itertools.islice(itertools.cycle(written), splits))
    store.transport.put(key.archive(0, "foo", ""), Archive(artifacts, sharded=True).dumps())
    store.ledger.write_record(key, splits=1)
    return execution


def finish(execution: Execution, layer: str, *splits: int) -> None:
    """Note that splits of a layer finished."""
    for index in splits:
        execution.datastore.transport.put(execution.key(layer).split(index), b"{}")


def group(indexes: str, size: int, splits: int, **details: Any) -> dict[str, Any]:
    """Return a group of a plan."""
    return {"size": size, "indexes": indexes, "splits": splits, "attempt": 1, **details}


@pytest.mark.parametrize("splits", [0, 1, 2, 10_000])
def test_splits_are_one_job(splits: int) -> None:
    """Up to as many splits as an array job has children are one job; none are none."""
    indexes = {1: "0"}.get(splits, f"0-{splits - 1}")
    groups = (group(indexes, splits, splits),) if splits else ()
    assert plan_layer(wide(splits), "Each") == LayerPlan(splits=splits, groups=groups)


def test_more_splits_are_few_and_even_jobs() -> None:
    """No job is left with one split."""
    plan = plan_layer(wide(20_001), "Each")
    assert [(item["size"], item["indexes"]) for item in plan.groups] == [
        (6667, "0-6666"),
        (6667, "6667-13333"),
        (6667, "13334-20000"),
    ]


def test_children_claim_the_splits_of_a_limited_layer() -> None:
    """A job has as many children as splits may run at once, of however many splits."""
    assert plan_layer(wide(20_001), "Limited").groups == (group("0-20000", 4, 20_001, claims="1-0.4"),)
    assert plan_layer(wide(2), "Limited").groups == (group("0-1", 2, 2, claims="1-0.2"),)
    assert plan_layer(wide(0), "Limited").groups == ()


def test_jobs_of_a_limited_layer_share_its_limit() -> None:
    """Hooks choose two containers: the splits of both together run four at once."""
    found = plan_layer(wide(9), "LimitedSizes").groups
    assert [(item["indexes"], item["size"], item["claims"]) for item in found] == [
        ("0,3-8", 3, "1-0.3"),
        ("1-2", 1, "1-1.1"),
    ]


@pytest.mark.parametrize(
    ("foreach", "splits", "size"),
    [
        ({"splits_per_job": 20}, 10_000, 500),
        ({"splits_per_job": 20}, 21, 2),
        ({"splits_per_job": 20}, 20, 1),
        ({"splits_per_job": 1}, 10_001, 10_000),
        ({"splits_per_job": 20, "max_concurrency": 8}, 10_000, 8),
        ({"splits_per_job": 20, "max_concurrency": 8}, 40, 2),
        ({"splits_per_job": 20, "max_concurrency": 9, "splits_at_once": 4}, 10_000, 2),
        ({"max_concurrency": 8, "splits_at_once": 4}, 5, 2),
        ({"max_concurrency": 8, "splits_at_once": 4}, 4, 1),
    ],
)
def test_jobs_that_run_several_splits(foreach: dict[str, int], splits: int, size: int) -> None:
    """They are as many as their splits need, and no more than may run at once."""

    class Packed(Flow): ...

    @Packed.register
    class Parts(Layer):
        def __call__(self) -> None: ...

    @Packed.register(foreach=ForEach([Parameter("Parts", "part")], **foreach))  # type: ignore[arg-type]
    class Work(Layer):
        def __call__(self) -> None: ...

    execution = in_memory(Packed).execution("e1")
    key = execution.key("Parts")
    execution.datastore.write(key, index=0, name="part", values=range(splits), sharded=True)
    execution.datastore.ledger.write_record(key, splits=1)
    (found,) = plan_layer(execution, "Work").groups
    assert (found["size"], found["claims"]) == (size, f"1-0.{size}")


def test_jobs_of_a_layer_whose_splits_take_known_seconds() -> None:
    """The compiler passes the seconds on, the planner knows the number of splits."""
    request = {"split_seconds": 2.0}
    (found,) = planner.plan_of(wide(10_000), "Each", request).groups
    assert (found["size"], found["claims"]) == (84, "1-0.84")
    (found,) = planner.plan_of(wide(50), "Each", request).groups
    assert (found["size"], found["claims"]) == (50, "1-0.50")
    # What the flow says counts more.
    (found,) = planner.plan_of(wide(10_000), "Limited", request).groups
    assert found["claims"] == "1-0.4"


def test_jobs_that_run_splits_beside_each_other_are_larger() -> None:
    """Also where hooks choose the container of one split."""
    execution = in_memory(Wide).execution("e1")
    container = Container(cpu=1, memory=2048)
    found = overrides_of(execution, "Beside", container, container)
    assert found["resources"] == [{"Type": "MEMORY", "Value": "8192"}, {"Type": "VCPU", "Value": "4"}]


def test_what_finished_is_not_planned_again() -> None:
    """As in an execution that is resumed."""
    execution = wide(5)
    finish(execution, "Each", 0, 3)
    assert plan_layer(execution, "Each").groups == (group("1-2,4", 3, 5),)


def test_a_layer_of_which_a_dependency_did_not_finish() -> None:
    """It is no layer that is skipped: its dependency's job ended as if it had finished."""
    with pytest.raises(UnfinishedError, match="layer 'Each' depends on layer 'Shards', which has not finished"):
        plan_layer(in_memory(Wide).execution("e1"), "Each")


def test_hooks_choose_containers() -> None:
    """Splits of equal containers are one job with its resources; a generator goes on after the submission."""
    plan = plan_layer(wide(5), "Sized")
    sizes = [(item["indexes"], item["size"], item["resources"]) for item in plan.groups]
    assert sizes == [
        ("0,2,4", 3, [{"Type": "MEMORY", "Value": "2048"}, {"Type": "VCPU", "Value": "1"}]),
        ("1,3", 2, [{"Type": "MEMORY", "Value": "4096"}, {"Type": "VCPU", "Value": "1"}]),
    ]
    assert [item["command"] for item in plan.groups] == [["python", "main.py"]] * 2


def test_the_next_attempt_is_of_what_did_not_finish() -> None:
    """Retry hooks change the containers of the attempt before, whose wait is rounded up; then no attempt is left."""
    execution = wide(5)
    finish(execution, "Sized", 0, 1, 2)
    first = json.loads(json.dumps(_records.plain(plan_layer(wide(5), "Sized"))))
    second = replan_layer(execution, "Sized", first, {"Error": "States.TaskFailed", "Cause": "killed"})
    assert (second.splits, second.attempt, second.wait) == (5, 2, 2)
    assert [(item["indexes"], item["attempt"]) for item in second.groups] == [("4", 2), ("3", 2)]
    # The submission hook has the last word on odd splits.
    assert [item["container"]["memory"] for item in second.groups] == [3000, 4000]
    with pytest.raises(ExecutionError, match="layer 'Sized' failed on attempt 2 of 2: killed"):
        replan_layer(execution, "Sized", _records.plain(second), {"Error": "States.TaskFailed", "Cause": "killed"})


@pytest.mark.parametrize(
    ("layer", "problem"),
    [
        ("Images", "a hook of layer 'Images' changes image of its container"),
        ("Breaks", "a submission hook of layer 'Breaks' failed: ZeroDivisionError"),
        ("Huge", "a hook of layer 'Huge' requests 1 vCPU / 1000000 MiB: Fargate offers at most 32 vCPU / 249856 MiB"),
    ],
)
def test_hooks_that_ask_for_what_cannot_be(layer: str, problem: str) -> None:
    """The error names the layer."""
    with pytest.raises(ExecutionError, match=problem):
        plan_layer(wide(1), layer)


def test_long_lists_of_indexes_are_stored() -> None:
    """An environment has room for few: a task reads its own from the datastore."""
    execution = wide(3000)
    plan = plan_layer(execution, "Sized")
    assert [item["indexes"] for item in plan.groups] == ["@1-0", "@1-1"]
    context = TaskContext.parse(
        {
            "LAMINAR_EXECUTION_ID": "e1",
            "LAMINAR_FLOW_NAME": "Wide",
            "LAMINAR_LAYER_NAME": "Sized",
            "LAMINAR_LAYER_INDEXES": "@1-1",
            "LAMINAR_LAYER_SPLITS": "3000",
            "AWS_BATCH_JOB_ARRAY_INDEX": "700",
        }
    )
    assert context is not None
    assert fanout.resolve_index(execution.datastore, context).index == 1401
    again = replan_layer(execution, "Sized", _records.plain(plan), {})
    assert sum(item["size"] for item in again.groups) == 3000


def test_a_plan_that_is_too_long(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Step Functions hands on 256 KiB."""
    monkeypatch.setenv("LAMINAR_PLAN_FILE", str(tmp_path / "plan.json"))

    class Scattered(Flow): ...

    @Scattered.register
    class Many(Layer):
        def __call__(self) -> None: ...

        @hooks.submission
        def long(self) -> None:
            self.configuration.container.workdir = "/" + "x" * 300_000

    with pytest.raises(ExecutionError, match="the plan of layer 'Many' has 1 groups of splits"):
        planner.answer(in_memory(Scattered).execution("e1"), "Many", {})
    assert not (tmp_path / "plan.json").exists()


class Varied(Flow): ...


@Varied.register(container=Container(image=Variable("image"), environment={"MODE": "fast"}), retry=Retry(attempts=2))
class Fetched(Layer):
    def __call__(self) -> None: ...

    @hooks.submission
    def ask(self) -> None:
        self.configuration.container.memory = 4096


def test_a_plan_has_what_hooks_changed_of_a_container() -> None:
    """Other fields, such as a variable, are those of the layer on each attempt."""
    execution = in_memory(Varied).execution("e1")
    plan = plan_layer(execution, "Fetched")
    assert plan.groups[0]["container"] == {"memory": 4096}
    again = replan_layer(execution, "Fetched", json.loads(json.dumps(_records.plain(plan))), {"Error": "x"})
    assert (again.attempt, again.groups[0]["container"]) == (2, {"memory": 4096})


class Placed(Flow): ...


@Placed.register
class Values(Layer):
    def __call__(self) -> None: ...


@Placed.register(
    executor=executors.AWS.Lambda(),
    retry=Retry(attempts=2, jitter=0),
    foreach=ForEach(parameters=[Parameter(Values, "foo")]),
)
class Invoked(Layer):
    def __call__(self, values: Values) -> None: ...

    @hooks.retry
    def patient(self) -> None:
        if self.index == 1:
            self.configuration.container.memory *= 2


@Placed.register(
    executor=executors.AWS.Lambda(), foreach=ForEach(parameters=[Parameter(Values, "foo")], max_concurrency=4)
)
class LimitedInvocations(Layer):
    def __call__(self, values: Values) -> None: ...


@Placed.register(
    executor=executors.AWS.Batch(platform="EC2"),
    container=Container(cpu=2, memory=5000, gpu=1),
    foreach=ForEach(parameters=[Parameter(Values, "foo")]),
)
class OnEc2(Layer):
    def __call__(self, values: Values) -> None: ...

    @hooks.submission
    def larger(self) -> None:
        self.configuration.container.cpu += self.index or 0


@_records.define(eq=False)
class Elsewhere(executors.Process):
    """Stands for another service, whose tasks differ in their memory."""

    service: ClassVar[str] = "Elsewhere"
    overridable: ClassVar[tuple[str, ...]] = ("memory",)
    fixed: ClassVar[str] = "Elsewhere cannot change"
    most_splits: ClassVar[int | None] = 2

    def overrides(self, container: Container) -> dict[str, Any]:
        return {"MiB": container.memory}


@Placed.register(executor=Elsewhere(), foreach=ForEach(parameters=[Parameter(Values, "foo")]))
class Far(Layer):
    def __call__(self, values: Values) -> None: ...

    @hooks.submission
    def larger(self) -> None:
        self.configuration.container.memory = 64
        if self.execution.id == "e2":
            self.configuration.container.cpu = 4


def placed(folder: Path, splits: int, name: str = "e1") -> Execution:
    """Return an execution of layers that run elsewhere than on Fargate."""
    execution = Placed(datastore=datastores.Local(folder)).execution(name)
    key = execution.key("Values")
    execution.datastore.write(key, index=0, name="foo", values=range(splits), sharded=True)
    execution.datastore.ledger.write_record(key, splits=1)
    return execution


def test_invocations_get_nothing_of_containers(tmp_path: Path) -> None:
    """A function has its container, which may not change: a group says only what a next attempt goes by."""
    execution = placed(tmp_path, 3)
    plan = plan_layer(execution, "Invoked")
    (only,) = plan.groups
    assert {"command", "resources"} & only.keys() == set()
    finish(execution, "Invoked", 0, 1)
    failed = json.loads(json.dumps(_records.plain(plan)))
    assert [item["indexes"] for item in replan_layer(execution, "Invoked", failed, {}).groups] == ["2"]
    with pytest.raises(ExecutionError, match="changes memory of its container, which AWS Lambda cannot change"):
        replan_layer(placed(tmp_path / "other", 3), "Invoked", failed, {})


def test_a_map_limits_invocations(tmp_path: Path) -> None:
    """Functions claim nothing: the group has all splits, and the state that runs it has the limit."""
    assert plan_layer(placed(tmp_path, 9), "LimitedInvocations").groups == (group("0-8", 9, 9),)


def test_more_splits_than_a_history_holds(tmp_path: Path) -> None:
    """On AWS Lambda each split leaves its events: more are refused, with the way out."""
    assert plan_layer(placed(tmp_path / "a", MAX_INVOCATIONS), "Invoked").groups[0]["size"] == 1000
    with pytest.raises(ExecutionError, match="layer 'Invoked' has 1001 splits, but on AWS Lambda at most 1000"):
        plan_layer(placed(tmp_path / "b", MAX_INVOCATIONS + 1), "Invoked")


def test_an_executor_says_what_its_tasks_override(tmp_path: Path) -> None:
    """The planner knows no executor: each says what a task is given, what hooks may change, and how many splits."""
    (group,) = plan_layer(placed(tmp_path / "a", 2), "Far").groups
    assert (group["MiB"], "command" in group, group["size"]) == (64, False, 2)
    with pytest.raises(ExecutionError, match="has 3 splits, but on Elsewhere at most 2 are allowed"):
        plan_layer(placed(tmp_path / "b", 3), "Far")
    with pytest.raises(ExecutionError, match="changes cpu of its container, which Elsewhere cannot change"):
        plan_layer(placed(tmp_path / "c", 1, "e2"), "Far")


def test_sizes_on_ec2(tmp_path: Path) -> None:
    """There a container has what it asks for, GPUs too."""
    plan = plan_layer(placed(tmp_path, 2), "OnEc2")
    assert [item["resources"] for item in plan.groups] == [
        [{"Type": kind, "Value": value} for kind, value in {"GPU": "1", "MEMORY": "5000", "VCPU": cpu}.items()]
        for cpu in ("2", "3")
    ]


def test_attempts_count_anew_after_a_redrive(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A redriven execution asks again what had no answer, and goes on with a first attempt at what did not finish."""
    monkeypatch.setenv("LAMINAR_PLAN_FILE", str(tmp_path / "plan.json"))
    execution = wide(3)
    first = json.loads(json.dumps(_records.plain(plan_layer(execution, "Sized"))))
    groups = [{**one, "attempt": 2} for one in first["groups"]]
    failed = {"plan": {**first, "attempt": 2, "groups": groups}, "error": {"Cause": "killed"}}
    with pytest.raises(ExecutionError, match="failed on attempt 2 of 2"):
        planner.answer(execution, "Sized", {**failed, "redrives": 0})
    finish(execution, "Sized", 0)
    planner.answer(execution, "Sized", {**failed, "redrives": 1})
    again = json.loads((tmp_path / "plan.json").read_text())
    assert (again["attempt"], again["wait"], again["redrives"]) == (1, 0, 1)
    assert sorted(item["indexes"] for item in again["groups"]) == ["1", "2"]
    # Within the redriven execution they count on.
    again["groups"] = [item for item in again["groups"] if item["indexes"] == "1"]
    planner.answer(execution, "Sized", {"plan": again, "error": {}, "redrives": 1})
    assert json.loads((tmp_path / "plan.json").read_text())["attempt"] == 2


class Chained(Flow): ...


@Chained.register
class First(Layer):
    def __call__(self) -> None: ...


@Chained.register(foreach=ForEach(parameters=[Parameter(First, "foo")]))
class One(Layer):
    def __call__(self, first: First) -> None: ...


@Chained.register(foreach=ForEach(parameters=[Parameter(One, "bar", index=None)], pipelined=True))
class Two(Layer):
    def __call__(self, one: One) -> None: ...


@Chained.register(foreach=ForEach(parameters=[Parameter(Two, "bar", index=None)], pipelined=True))
class Three(Layer):
    def __call__(self, two: Two) -> None: ...


PIPELINE = ["One", "Two", "Three"]


def chained(width: int, **finished: Sequence[int]) -> Execution:
    """Return an execution whose first layer stored so many values, and of which splits of other layers finished."""
    execution = in_memory(Chained).execution("e1")
    store, key = execution.datastore, execution.key("First")
    store.write(key, index=0, name="foo", values=range(width), sharded=True)
    store.ledger.write_record(key, splits=1)
    for layer, indexes in finished.items():
        finish(execution, layer, *indexes)
    return execution


@pytest.mark.parametrize(
    ("finished", "left"),
    [
        ({}, "0-2"),
        ({"One": [0, 1, 2]}, "0-2"),
        ({"One": [0, 2], "Two": [0, 2], "Three": [2]}, "0-1"),
        ({"One": [0, 1, 2], "Two": [0, 1, 2], "Three": [0, 1, 2]}, ""),
    ],
)
def test_splits_that_are_left_of_any_layer_of_a_pipeline(finished: Mapping[str, Sequence[int]], left: str) -> None:
    """They are planned for all of its layers at once; tasks of splits that finished end at once."""
    plan = planner.plan_of(chained(3, **finished), "One", {"redrives": 0, "chain": PIPELINE})
    assert plan.splits == 3
    assert [item["indexes"] for item in plan.groups] == [left] * bool(left)


def test_a_layer_that_follows_another_has_as_many_splits() -> None:
    """Of what the splits of that one stored nothing has to be known."""
    execution = chained(3)
    execution.datastore.ledger.write_record(execution.key("One"), splits=3)
    assert [item["indexes"] for item in plan_layer(execution, "Two").groups] == ["0-2"]


def test_the_only_split_is_not_planned_again() -> None:
    """It leaves a record, and no note of a split."""
    execution = chained(1)
    for layer in PIPELINE:
        assert len(plan_layer(execution, "One", pipeline=PIPELINE).groups) == 1
        execution.datastore.ledger.write_record(execution.key(layer), splits=1)
    assert plan_layer(execution, "One", pipeline=PIPELINE) == plan_layer(execution, "One") == LayerPlan(splits=1)


@pytest.mark.parametrize(
    ("finished", "culprit"),
    [({"One": [0]}, "One"), ({"One": [0, 1], "Two": [0]}, "Two"), ({"One": [0, 1], "Two": [0, 1]}, "Three")],
)
def test_the_culprit_of_layers_that_run_item_by_item(finished: Mapping[str, Sequence[int]], culprit: str) -> None:
    """It is the first that is not done. After a redrive what is left of any of them is planned."""
    execution = chained(2)
    plan = plan_layer(execution, "One", pipeline=PIPELINE)
    for layer, indexes in finished.items():
        finish(execution, layer, *indexes)
    request = {"plan": _records.plain(plan), "error": {"Error": "E", "Cause": "why"}, "chain": PIPELINE}
    with pytest.raises(ExecutionError, match=f"layer '{culprit}' of a pipeline failed: why"):
        planner.plan_of(execution, "One", {**request, "redrives": 0})
    again = planner.plan_of(execution, "One", {**request, "redrives": 1})
    assert [item["indexes"] for item in again.groups] == ["0-1"]
    assert again.redrives == 1


def test_a_plan_that_is_made_in_a_redriven_execution() -> None:
    """The next attempt at it is a next attempt."""
    execution = wide(1)
    plan = planner.plan_of(execution, "Sized", {"redrives": 1})
    request = {"plan": json.loads(json.dumps(_records.plain(plan))), "error": {"Error": "E"}, "redrives": 1}
    assert planner.plan_of(execution, "Sized", request).attempt == 2


class Unsure(Flow): ...


@Unsure.register(retry=Retry(attempts=3, delay=0))
class Priced(Layer):
    def __call__(self) -> None: ...

    @hooks.submission
    def ask(self) -> None:
        if self.attempt == 1:
            raise OSError("the price service is away")
        self.configuration.container.cpu = 2

    @hooks.retry
    def more(self) -> None:
        self.configuration.container.memory *= 2


def test_a_submission_hook_that_fails_is_a_failed_attempt() -> None:
    """The planner is asked again; retry hooks were called, and the next attempt goes by what they left."""
    execution = in_memory(Unsure).execution("e1")
    with pytest.raises(
        SubmissionError, match=r"a submission hook of layer 'Priced' failed: OSError: the price service"
    ):
        plan_layer(execution, "Priced")
    found = plan_layer(execution, "Priced")
    container = found.groups[0]["container"]
    assert (found.attempt, found.groups[0]["attempt"], container["memory"], container["cpu"]) == (2, 2, 3000, 2)
    # A resumed execution, or one that is redriven, counts for itself.
    with pytest.raises(SubmissionError):
        plan_layer(execution, "Priced", drive="1")


@Unsure.register
class Items(Layer):
    def __call__(self) -> None:
        self.shard(item=range(5))


#: How often the submission hook of each split was called.
CALLED: list[int] = []


@Unsure.register(foreach=ForEach([Parameter(Items, "item")]), retry=Retry(attempts=3, delay=0))
class Quoted(Layer):
    def __call__(self, items: Items) -> None: ...

    @hooks.submission
    def ask(self) -> None:
        CALLED.append(self.index)
        if self.attempt <= self.index - 2:
            raise OSError("the price service is away")
        self.configuration.container.memory = 4096 if self.index % 2 else 2048


def test_submission_hooks_of_some_splits_fail() -> None:
    """Each split has attempts of its own: of the others the hooks are not called again, and the first one stays."""
    execution = in_memory(Unsure).execution("e1")
    key = execution.key("Items")
    execution.datastore.write(key, index=0, name="item", values=range(5), sharded=True)
    execution.datastore.ledger.write_record(key, splits=1)
    CALLED.clear()
    for _ in range(2):
        with pytest.raises(SubmissionError, match=r"split [34] of 0 to 4"):
            plan_layer(execution, "Quoted")
    found = plan_layer(execution, "Quoted")
    planned = [(group["indexes"], group["attempt"], group["container"]["memory"]) for group in found.groups]
    assert planned == [("0,2", 1, 2048), ("1", 1, 4096), ("3", 2, 4096), ("4", 3, 2048)]
    assert sorted(CALLED) == [0, 1, 2, 3, 3, 4, 4, 4]
    # The next attempt of each is the one after its own; split 4 has none.
    failed = json.loads(json.dumps(_records.plain(found)))
    with pytest.raises(ExecutionError, match="failed on attempt 3 of 3"):
        replan_layer(execution, "Quoted", failed, {"Error": "x"})
    failed["groups"].pop()
    assert [group["attempt"] for group in replan_layer(execution, "Quoted", failed, {"Error": "x"}).groups] == [2, 2, 3]


def test_a_submission_hook_that_fails_at_the_last_attempt() -> None:
    """Where no attempt is left, the layer failed: nothing is asked again."""
    execution = in_memory(Unsure).execution("e1")
    failed = {"splits": 1, "attempt": 1, "groups": [], "redrives": 0}
    assert replan_layer(execution, "Priced", failed, {"Error": "x"}).attempt == 2
    with pytest.raises(ExecutionError, match="a submission hook of layer 'Breaks'") as error:
        plan_layer(in_memory(Wide).execution("e1"), "Breaks")
    assert not isinstance(error.value, SubmissionError)


class Settled(Flow): ...


@Settled.register(retry=Retry(attempts=2, delay=0))
class Sets(Layer):
    def __call__(self) -> None: ...

    @hooks.submission
    def patient(self) -> None:
        self.configuration.retry = Retry(attempts=5)


def test_a_submission_hook_that_sets_retry() -> None:
    """It is refused by its name, by the planner and by the local scheduler, at its first attempt."""
    message = "submission hook 'patient' of layer 'Sets' sets configuration.retry"
    with pytest.raises(FlowError, match=message):
        plan_layer(in_memory(Settled).execution("e1"), "Sets")
    with pytest.raises(FlowError, match=message):
        in_memory(Settled)()


#: Memory is 2048 where hooks are outside a task, and one more in an execution that is a resumed one.
WATCHED = """
from laminar_runtime import Flow, Layer
from laminar_runtime.configurations import hooks
from laminar_runtime.settings import current

class MyFlow(Flow): ...

@MyFlow.register
class Looks(Layer):
    def __call__(self) -> None: ...

    @hooks.entry
    def enter(self) -> bool:
        return current.layer.name is None and not self.state.running and not self.execution.running

    @hooks.submission
    def size(self) -> None:
        outside = current.execution.id is None and current.execution.retry is None
        self.configuration.container.memory = (2048 if outside else 4096) + self.execution.retry

if flow := MyFlow():
    flow()
"""


@pytest.mark.integration
def test_hooks_are_outside_a_task(folder: Folder, monkeypatch: pytest.MonkeyPatch) -> None:
    """In the planner's process hooks see of `current` what they see on the local scheduler: no task."""
    folder.become_function(WATCHED, monkeypatch)
    asked = {"execution": "e1@resume-1", "layer": "Looks"}
    found = plan_layer_function.handler(asked)
    assert (found["run"], found["groups"][0]["container"]["memory"]) == (True, 2049)
