"""The task environment, and what user code sees of it."""

from __future__ import annotations

import pytest

from laminar_runtime import Flow, Layer, Parameters
from laminar_runtime._records import evolve
from laminar_runtime.configurations import hooks
from laminar_runtime.exceptions import FlowError
from laminar_runtime.launching import link_parameters
from laminar_runtime.settings import current
from laminar_runtime.task_environment import TaskContext
from tests.support.harness import in_memory


def everything() -> tuple[object, ...]:
    """Return all of `current`."""
    layer = current.layer
    return (
        current.execution.id,
        current.execution.retry,
        current.flow.name,
        layer.name,
        layer.index,
        layer.splits,
        layer.attempt,
    )


def test_outside_a_task() -> None:
    """Everything is None."""
    assert everything() == (None,) * 7


def test_inside_a_task() -> None:
    """Layers and execution hooks see their task; entry and submission hooks run on the scheduler, outside of it."""
    seen: list[object] = []

    class MyFlow(Flow): ...

    @MyFlow.register
    class Looks(Layer):
        @hooks.entry
        def enter(self) -> bool:
            return current.layer.name is None

        @hooks.execution
        def watch(self) -> None:
            seen.append(current.layer.name)

        def __call__(self) -> None:
            seen.append(everything())

    in_memory(MyFlow)("e1")
    assert seen == ["Looks", ("e1", False, "MyFlow", "Looks", 0, 1, 1)]
    assert everything() == (None,) * 7


def test_names_of_executions() -> None:
    """Only our own mark says that an execution goes on with another; a name that is no id is refused, with its form."""
    variables = {"LAMINAR_FLOW_NAME": "F", "LAMINAR_LAYER_NAME": "A"}

    def parse(name: str) -> TaskContext | None:
        return TaskContext.parse({**variables, "LAMINAR_EXECUTION_ID": name})

    plain = TaskContext(execution="a@b", flow="F", layer="A")
    assert parse("a@b") == plain
    assert parse("a@2") == evolve(plain, execution="a@2")
    assert parse("a@b@resume-2") == evolve(plain, retry=True, drive="2")
    assert parse("a@b@resume-2.1") == evolve(plain, retry=True, drive="2.1")
    for name in ("a b", "ä", "a/../b", "@resume-1", "x" * 81):
        with pytest.raises(FlowError, match="is not an execution id: use 1 to 80 letters"):
            parse(name)


@pytest.mark.parametrize("missing", ["LAMINAR_EXECUTION_ID", "LAMINAR_FLOW_NAME", "LAMINAR_LAYER_NAME"])
def test_jobs_that_name_no_task(missing: str) -> None:
    """A job of AWS Batch without one of the names of a task is no launcher: it would run the whole flow."""
    whole = {"LAMINAR_EXECUTION_ID": "e1", "LAMINAR_FLOW_NAME": "F", "LAMINAR_LAYER_NAME": "A"}
    named = {name: value for name, value in whole.items() if name != missing}
    with pytest.raises(FlowError, match=f"this job does not say which task it runs: its environment has no {missing}$"):
        TaskContext.parse({**named, "AWS_BATCH_JOB_ID": "j1"})
    assert TaskContext.parse(named) is None
    assert TaskContext.parse({"AWS_BATCH_JOB_ID": "j1"}) is None


def test_schedulers_within_a_task() -> None:
    """Hooks of a flow that a layer calls, and linkers, are outside a task; the layer itself is within its own again."""
    seen: list[object] = []

    class Inner(Flow): ...

    @Inner.register
    class In(Layer):
        @hooks.entry
        def enter(self) -> bool:
            seen.append(everything())
            return True

        @hooks.submission
        def size(self) -> None:
            seen.append((everything(), self.execution.running, self.state.running))

        def __call__(self) -> None:
            seen.append(current.layer.name)

    class Outer(Flow): ...

    @Outer.register
    class Out(Layer):
        def __call__(self) -> None:
            in_memory(Inner)()
            link_parameters(lambda _: Parameters(seen=seen.append(everything())), self.execution)  # type: ignore[arg-type]
            seen.append(current.layer.name)

    in_memory(Outer)()
    nothing = (None,) * 7
    assert seen == [nothing, (nothing, False, False), "In", nothing, "Out"]


def test_by_the_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    """The variables of the contract are what a task's process goes by."""
    variables = {
        "LAMINAR_EXECUTION_ID": "e1",
        "LAMINAR_EXECUTION_RETRY": "True",
        "LAMINAR_FLOW_NAME": "F",
        "LAMINAR_LAYER_NAME": "L",
        "LAMINAR_LAYER_INDEX": "1",
        "LAMINAR_LAYER_SPLITS": "2",
        "LAMINAR_LAYER_ATTEMPT": "3",
    }
    for name, value in variables.items():
        monkeypatch.setenv(name, value)
    assert everything() == ("e1", True, "F", "L", 1, 2, 3)
    context = TaskContext.parse(variables)
    assert context is not None
    assert context.environment() == variables


def test_defaults_and_batch() -> None:
    """What is not said is of a plain first attempt; AWS Batch has an index, and an attempt that is none of ours."""
    least = {"LAMINAR_EXECUTION_ID": "e1", "LAMINAR_FLOW_NAME": "F", "LAMINAR_LAYER_NAME": "L"}
    assert TaskContext.parse(least) == TaskContext(execution="e1", flow="F", layer="L")
    batch = {"AWS_BATCH_JOB_ARRAY_INDEX": "4", "AWS_BATCH_JOB_ATTEMPT": "2"}
    assert TaskContext.parse(least | batch) == TaskContext(execution="e1", flow="F", layer="L", index=4)
    for name in least:
        assert TaskContext.parse({**least, name: ""}) is None


@pytest.mark.parametrize(
    ("name", "value", "wrong"),
    [
        ("LAMINAR_LAYER_INDEX", "first", "must be a whole number, not 'first'"),
        ("LAMINAR_LAYER_INDEX", "-1", "must be at least 0, not '-1'"),
        ("LAMINAR_LAYER_SPLITS", "0", "must be at least 1, not '0'"),
        ("LAMINAR_LAYER_ATTEMPT", "0", "must be at least 1, not '0'"),
        ("LAMINAR_LAYER_CLAIMS", "claims", "must be a name, a dot and the number of children, not 'claims'"),
        ("LAMINAR_LAYER_CLAIMS", "1-0.0", "must be a name, a dot and the number of children, not '1-0.0'"),
        ("LAMINAR_LAYER_CLAIMS", "1-0.2", "is there without LAMINAR_LAYER_INDEXES"),
    ],
)
def test_a_damaged_variable_is_named(name: str, value: str, wrong: str) -> None:
    environment = {"LAMINAR_EXECUTION_ID": "e1", "LAMINAR_FLOW_NAME": "F", "LAMINAR_LAYER_NAME": "L", name: value}
    with pytest.raises(FlowError, match=f"the environment variable {name} {wrong}"):
        TaskContext.parse(environment)


LISTED = {
    "LAMINAR_EXECUTION_ID": "e1",
    "LAMINAR_FLOW_NAME": "F",
    "LAMINAR_LAYER_NAME": "A",
    "AWS_BATCH_JOB_ARRAY_INDEX": "1",
}


def test_an_index_that_stands_in_a_list_is_known_when_that_is_read() -> None:
    """A child's place in a list of the plan is no index: nothing takes it for one."""
    found = TaskContext.parse({**LISTED, "LAMINAR_LAYER_INDEXES": "@1-0"})
    assert found is not None
    assert (found.listed, found.place) == ("1-0", 1)
    with pytest.raises(FlowError, match="at position 1 of list '1-0'"):
        _ = found.index
    read = {"1-0": "0-3,7"}.__getitem__
    resolved = found.resolve(read)
    assert (resolved.index, resolved.listed) == (1, "")
    assert resolved.resolve(read) is resolved
    with pytest.raises(FlowError, match="has no index for child 1"):
        found.resolve(lambda _: "7")


CLAIMING = {**LISTED, "LAMINAR_LAYER_CLAIMS": "1-0.2"}


@pytest.mark.parametrize("listed", ["3,7", "@1-0"])
def test_a_process_that_claims_splits_is_none_of_them(listed: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """If it fails before it claims one, its failure is that of the first one that it would claim."""
    variables = {**CLAIMING, "LAMINAR_LAYER_INDEXES": listed}
    found = TaskContext.parse(variables)
    assert found is not None
    assert found.claims == "1-0.2"
    with pytest.raises(FlowError, match="this process claims splits of layer 'A', and is none of them"):
        _ = found.index
    resolved = found.resolve({"1-0": "3,7"}.__getitem__)
    assert (resolved.index, resolved.claims) == (7, "")
    for name, value in variables.items():
        monkeypatch.setenv(name, value)
    assert (current.layer.name, current.layer.index) == ("A", None)


def test_the_process_of_a_claimed_split_is_a_task() -> None:
    found = TaskContext.parse({**CLAIMING, "LAMINAR_LAYER_INDEXES": "3,7", "LAMINAR_LAYER_INDEX": "3"})
    assert found is not None
    assert (found.index, found.claims) == (3, "")


def test_an_index_of_its_own_goes_before_a_list() -> None:
    found = TaskContext.parse({**LISTED, "LAMINAR_LAYER_INDEXES": "@1-0", "LAMINAR_LAYER_INDEX": "5"})
    assert found is not None
    assert (found.index, found.listed) == (5, "")


def test_an_index_that_was_not_read_is_none_to_users(monkeypatch: pytest.MonkeyPatch) -> None:
    """As at the top of the flow's file, which runs before the flow comes to its task."""
    for name, value in {**LISTED, "LAMINAR_LAYER_INDEXES": "@1-0"}.items():
        monkeypatch.setenv(name, value)
    assert (current.layer.name, current.layer.index) == ("A", None)
