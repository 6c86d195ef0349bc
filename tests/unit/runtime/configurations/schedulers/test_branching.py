"""Which layers run, which are skipped, and which run at once."""

from __future__ import annotations

import random
import threading

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from laminar_runtime import Flow, Layer, Parameters
from laminar_runtime.configurations import datastores, executors, hooks
from laminar_runtime.configurations.layers import ForEach, Parameter
from tests.support.harness import in_memory


def layer(name: str, *parents: str, entry: bool | None = None, ran: list[str] | None = None) -> type[Layer]:
    """Make a layer that notes that it ran."""

    def call(self: Layer, *_: Layer) -> None:
        if ran is not None:
            ran.append(self.name)

    # Hints are what counts, so the call is made with a parameter for each parent.
    names = ", ".join(f"{parent.lower()}: '{parent}'" for parent in parents)
    scope: dict[str, object] = {"call": call}
    exec(f"def __call__(self, {names}): call(self)", scope)  # noqa: S102
    body = {"__call__": scope["__call__"]}
    if entry is not None:
        body["enter"] = hooks.entry(lambda _self: entry)
    return type(name, (Layer,), body)


def run(*layers: type[Layer]) -> set[str]:
    """Run a flow of these layers and give the names of those that finished."""
    flow = type("MyFlow", (Flow,), {})
    for each in layers:
        flow.register(each)
    execution = in_memory(flow)()
    return {each.__name__ for each in layers if execution.layer(each).state.finished}


def test_false_entry_skips_what_depends_on_it() -> None:
    """A layer whose hook says no is skipped, and so is all below it, but nothing beside it."""
    layers = layer("A"), layer("B", "A", entry=False), layer("C", "B"), layer("D", "C", "A"), layer("E", "A")
    assert run(*layers) == {"A", "E"}


def test_entry_ends_a_skipped_branch() -> None:
    """With an entry hook only the hooks decide, so that a branch ends by returning true."""
    assert run(layer("A", entry=False), layer("B", "A"), layer("C", "B", entry=True), layer("D", "C")) == {"C", "D"}


def test_all_entry_hooks_must_agree() -> None:
    """One hook that returns what is false is enough to skip; any true value will do."""
    ran: list[str] = []

    class MyFlow(Flow):
        @hooks.entry
        def of_flow(self, parameters: Parameters) -> object:
            return self.name in parameters.welcome

    @MyFlow.register
    class A(Layer):
        @hooks.entry
        def second(self) -> object:
            return [0]

        def __call__(self) -> None:
            ran.append("A")

    @MyFlow.register
    class B(Layer):
        @hooks.entry
        def second(self) -> object:
            return []

        def __call__(self) -> None:
            ran.append("B")

    in_memory(MyFlow)(welcome=["A", "B"])
    in_memory(MyFlow)(welcome=["B"])
    assert ran == ["A"]


def test_entry_hooks_read_artifacts() -> None:
    """A hook decides by what other layers assigned, and such a layer is waited for."""

    class MyFlow(Flow): ...

    @MyFlow.register
    class Score(Layer):
        def __call__(self, parameters: Parameters) -> None:
            self.score = parameters.score

    @MyFlow.register
    class Publish(Layer):
        @hooks.entry
        def good_enough(self, score: Score) -> bool:
            return score.score > 3

        def __call__(self) -> None: ...

    finished = [in_memory(MyFlow)(score=score).layer(Publish).state.finished for score in (3, 4)]
    assert finished == [False, True]


def test_reading_a_skipped_layer() -> None:
    """An attribute of a skipped layer is absent, with the reason, so that ``getattr`` with a default works."""

    class MyFlow(Flow): ...

    MyFlow.register(layer("A", entry=False))

    @MyFlow.register
    class B(Layer):
        @hooks.entry
        def always(self) -> bool:
            return True

        def __call__(self, a: A) -> None:  # type: ignore[name-defined] # noqa: F821
            self.value = getattr(a, "value", "default")

    execution = in_memory(MyFlow)()
    assert execution.layer(B).value == "default"
    with pytest.raises(AttributeError, match="It did not finish"):
        _ = execution.layer("A").value


def test_independent_layers_run_at_once() -> None:
    """Two layers that each wait for the other can only end when they run together."""
    barrier = threading.Barrier(2, timeout=10)

    class MyFlow(Flow): ...

    for name in "AB":
        MyFlow.register(type(name, (Layer,), {"__call__": lambda _self: barrier.wait() and None}))
    assert in_memory(MyFlow, concurrency=2)().finished


@pytest.mark.parametrize("concurrency", [1, 2])
def test_concurrency_is_kept_to(concurrency: int) -> None:
    """Never more tasks run than the executor allows."""
    lock, running, most = threading.Lock(), 0, 0

    class MyFlow(Flow): ...

    def call(self: Layer) -> None:
        nonlocal running, most
        with lock:
            running += 1
            most = max(most, running)
        threading.Event().wait(0.01)
        with lock:
            running -= 1

    for name in "ABCDEF":
        MyFlow.register(type(name, (Layer,), {"__call__": call}))
    in_memory(MyFlow, concurrency=concurrency)()
    assert most <= concurrency


class Limited(Flow):
    failing = -1


@Limited.register
class Items(Layer):
    item: int

    def __call__(self) -> None:
        self.shard(item=range(6))


RUNNING: list[int] = []
MOST: list[int] = []


@Limited.register(foreach=ForEach([Parameter(Items, "item")], max_concurrency=2))
class Two(Layer):
    def __call__(self, items: Items) -> None:
        RUNNING.append(items.item)
        MOST.append(len(RUNNING))
        threading.Event().wait(0.01)
        RUNNING.remove(items.item)
        if items.item == Limited.failing:
            raise ValueError("broken")


def test_the_splits_of_a_layer_are_limited() -> None:
    """No more of them run at once than their fan-out allows, whatever the executor has room for."""
    Limited.failing = -1
    MOST.clear()
    assert in_memory(Limited, concurrency=8)().finished
    assert len(MOST) == 6
    assert max(MOST) == 2


def test_no_split_of_a_limited_layer_begins_after_a_failure() -> None:
    """A split that failed for good keeps its place until the others are stopped."""
    Limited.failing = 0
    MOST.clear()
    with pytest.raises(ValueError, match="broken"):
        in_memory(Limited, concurrency=8)()
    assert len(MOST) <= 4


@settings(max_examples=25, deadline=None)
@given(st.data())
def test_random_graphs(data: st.DataObject) -> None:
    """Whatever the graph and the order of registration, each layer runs once, and after all that it depends on."""
    size = data.draw(st.integers(1, 7))
    parents = [data.draw(st.sets(st.integers(0, child - 1))) if child else set() for child in range(size)]
    order = data.draw(st.randoms(use_true_random=False)).sample(range(size), size)
    ran: list[str] = []
    flow = type("MyFlow", (Flow,), {})
    for child in order:
        flow.register(layer(f"L{child}", *(f"L{parent}" for parent in sorted(parents[child])), ran=ran))
    flow(datastore=datastores.Memory(), executor=executors.Thread(concurrency=3))()
    assert sorted(ran) == [f"L{child}" for child in range(size)]
    places = {name: place for place, name in enumerate(ran)}
    assert all(places[f"L{parent}"] < places[f"L{child}"] for child in range(size) for parent in parents[child])


def test_a_wide_flow() -> None:
    """Many layers on one level all run."""
    names = [f"L{number}" for number in range(60)]
    random.Random(0).shuffle(names)  # noqa: S311
    assert run(*(layer(name) for name in names)) == set(names)
