"""Scaling out: shards, fan-outs, their order and their joins."""

from __future__ import annotations

import itertools
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from laminar_runtime import Execution, Flow, Layer, Parameters, fanout, settings, task
from laminar_runtime.configurations.datastores import Accessor
from laminar_runtime.configurations.layers import ForEach, Parameter
from laminar_runtime.exceptions import ExecutionError
from laminar_runtime.settings import TaskContext
from tests.runtime.harness import in_memory, stored


def over(*parameters: Parameter) -> ForEach:
    return ForEach(parameters=list(parameters))


@given(widths=st.lists(st.integers(1, 5), min_size=1, max_size=5))
def test_position_is_that_of_the_product(widths: list[int]) -> None:
    """Split i is at the i-th place of `itertools.product`: the last dimension varies fastest."""
    places = list(itertools.product(*map(range, widths)))
    assert [fanout.position(index, widths) for index in range(len(places))] == places


class Source(Flow): ...


@Source.register
class Shards(Layer):
    def __call__(self, parameters: Parameters) -> None:
        self.shard(foo=parameters.foo, letter=(letter for letter in "ab"))
        self.plain = [1, 2, 3]


def test_single_fan_out() -> None:
    """One split runs for each element, sees it in place of the `Accessor`, and knows its index among how many."""

    class MyFlow(Source): ...

    @MyFlow.register(foreach=over(Parameter(layer=Shards, attribute="foo")))
    class Each(Layer):
        def __call__(self, shards: Shards) -> None:
            self.seen = (shards.foo, self.index, self.splits, list(shards.letter), shards.plain)

    @MyFlow.register
    class Join(Layer):
        def __call__(self, each: Each) -> None:
            self.kind = type(each.seen)
            self.seen = list(each.seen)

    execution = in_memory(MyFlow)(foo=[7, 8, 9])
    expected = [(foo, index, 3, ["a", "b"], [1, 2, 3]) for index, foo in enumerate([7, 8, 9])]
    assert execution.layer(Join).seen == list(execution.layer(Each).seen) == expected
    assert execution.layer(Join).kind is Accessor


def test_grid_over_layers() -> None:
    """Dimensions may be of several layers; the last varies fastest, and what was not sharded is one element."""

    class MyFlow(Source): ...

    @MyFlow.register
    class More(Layer):
        def __call__(self) -> None:
            self.shard(number=[0, 1, 2])

    dimensions = [
        Parameter(layer=More, attribute="number"),
        Parameter(layer="Shards", attribute="plain"),
        Parameter(layer=Shards, attribute="letter"),
    ]

    @MyFlow.register(foreach=over(*dimensions))
    class Each(Layer):
        def __call__(self, shards: Shards, more: More) -> None:
            self.cell = (more.number, tuple(shards.plain), shards.letter)

    cells = list(in_memory(MyFlow)(foo=[]).layer(Each).cell)
    assert cells == list(itertools.product([0, 1, 2], [(1, 2, 3)], "ab"))


def test_fan_out_over_parameters() -> None:
    """A parameter of the flow was not sharded, and so is one element."""

    class MyFlow(Flow): ...

    @MyFlow.register(foreach=over(Parameter(layer=Parameters, attribute="foo")))
    class Each(Layer):
        def __call__(self, parameters: Parameters) -> None:
            self.seen = (parameters.foo, self.splits)

    assert in_memory(MyFlow)(foo=[1, 2]).layer(Each).seen == ([1, 2], 1)


def test_one_split_joins_to_a_plain_value() -> None:
    """An attribute of a fan-out with one split is read as a plain value."""

    class MyFlow(Source): ...

    @MyFlow.register(foreach=over(Parameter(layer=Shards, attribute="foo")))
    class Each(Layer):
        def __call__(self, shards: Shards) -> None:
            self.foo = shards.foo
            self.shard(items=[1])

    each = in_memory(MyFlow)(foo=["only"]).layer(Each)
    assert each.foo == "only"
    assert list(each.items) == [1]


def test_chains_of_fan_outs() -> None:
    """With ``index=None`` a fan-out goes on over all splits, 1:1; with ``index=0`` over what the first split stored."""

    class MyFlow(Source): ...

    @MyFlow.register(foreach=over(Parameter(layer=Shards, attribute="foo")))
    class First(Layer):
        def __call__(self, shards: Shards) -> None:
            self.foo = shards.foo
            self.shard(items=[(self.index, item) for item in range(2)])

    @MyFlow.register(foreach=over(Parameter(layer=First, attribute="foo", index=None)))
    class Second(Layer):
        def __call__(self, first: First) -> None:
            self.foo = (first.foo, self.index)

    @MyFlow.register(foreach=over(Parameter(layer=First, attribute="foo")))
    class OfFirst(Layer):
        def __call__(self, first: First) -> None:
            self.foo = (first.foo, self.splits)

    @MyFlow.register(foreach=over(Parameter(layer=First, attribute="items", index=1)))
    class ItemsOfOne(Layer):
        def __call__(self, first: First) -> None:
            self.item = first.items

    @MyFlow.register(foreach=over(Parameter(layer=First, attribute="items", index=None)))
    class AllItems(Layer):
        def __call__(self, first: First) -> None:
            self.item = first.items

    execution = in_memory(MyFlow)(foo=["x", "y", "z"])
    assert list(execution.layer(Second).foo) == [("x", 0), ("y", 1), ("z", 2)]
    assert execution.layer(OfFirst).foo == ("x", 1)
    assert list(execution.layer(ItemsOfOne).item) == [(1, 0), (1, 1)]
    assert list(execution.layer(AllItems).item) == [(0, 0), (0, 1), (1, 0), (1, 1), (2, 0), (2, 1)]


def test_zero_elements() -> None:
    """A fan-out over nothing has no splits, is finished, and so are the fan-outs and joins below it, over nothing."""

    class MyFlow(Source): ...

    @MyFlow.register(foreach=over(Parameter(Shards, "letter"), Parameter(Shards, "foo")))
    class Each(Layer):
        def __call__(self, shards: Shards) -> None:
            raise AssertionError

    @MyFlow.register(foreach=over(Parameter(Each, "foo", index=None)))
    class All(Layer):
        def __call__(self, each: Each) -> None:
            raise AssertionError

    @MyFlow.register(foreach=over(Parameter(Each, "foo")))
    class First(Layer):
        def __call__(self, each: Each) -> None:
            raise AssertionError

    @MyFlow.register
    class Join(Layer):
        def __call__(self, each: Each, every: All, first: First, shards: Shards) -> None:
            self.lengths = [len(layer.foo) for layer in (each, every, first, shards)]
            self.items = [item for layer in (each, every, first) for item in layer.foo]

    execution = in_memory(MyFlow)(foo=[])
    assert execution.finished
    assert execution.layer(Join).lengths == [0, 0, 0, 0]
    assert execution.layer(Join).items == []


def test_fan_out_that_does_not_read_its_dimension() -> None:
    """A layer may run once for each element without asking for it."""

    class MyFlow(Source): ...

    @MyFlow.register(foreach=over(Parameter(Shards, "foo")))
    class Each(Layer):
        def __call__(self) -> None:
            self.place = self.index

    assert list(in_memory(MyFlow)(foo="abc").layer(Each).place) == [0, 1, 2]


@pytest.mark.parametrize(
    ("parameter", "why"),
    [
        (Parameter(layer=Shards, attribute="foo", index=3), "'foo' of layer 'Shards', split 3: nothing is stored"),
        (Parameter(layer=Shards, attribute="bar", index=None), "'bar' of layer 'Shards': nothing is stored"),
    ],
)
def test_what_there_is_not(parameter: Parameter, why: str) -> None:
    """The error names the layer that cannot fan out, and what it wants to fan out over."""

    class MyFlow(Source): ...

    @MyFlow.register(foreach=over(parameter))
    class Each(Layer): ...

    with pytest.raises(ExecutionError, match=f"layer 'Each' of flow 'MyFlow' cannot fan out over {why}"):
        in_memory(MyFlow)(foo=[1])


def early_element(execution: Execution) -> list[Any]:
    """What split 0 of a layer sees that fans out over `Shards` and runs early."""
    key, foreach = execution.key("Each"), over(Parameter(layer=Shards, attribute="plain", index=None))
    context = TaskContext(execution="e1", flow="Source", layer="Each", early=True)
    with settings.activate(context):
        found = fanout.elements(execution.datastore, key, foreach, 0)
    return [execution.datastore.read_artifact("Source", artifact) for _, artifact in found]


def test_early_elements() -> None:
    """A split that runs early sees what the split of its index wrote, if that finished and wrote one value."""
    execution = in_memory(Source).execution("e1")
    store, key = execution.datastore, execution.key("Shards")
    with pytest.raises(fanout.TooEarly):
        early_element(execution)
    # It wrote something, and found that it was too early itself.
    store.write(key, index=0, name="plain", values=[7], sharded=False)
    with pytest.raises(fanout.TooEarly):
        early_element(execution)
    for mark in (key.split(0), key.early_split(0), key.record):
        store.write_bytes(path=mark, content=b"{}")
        assert early_element(execution) == [7]
        del stored(execution.flow)[mark]
    store.write_bytes(path=key.split(0), content=b"{}")
    store.write(key, index=0, name="plain", values=[7, 8], sharded=True)
    with pytest.raises(fanout.TooEarly):
        early_element(execution)


def test_what_an_early_run_assigned_is_not_there_after_the_next() -> None:
    """A split that ran early as another one is run again, and may assign less."""

    class MyFlow(Source): ...

    @MyFlow.register(foreach=over(Parameter(layer=Shards, attribute="plain", index=None)))
    class Each(Layer):
        def __call__(self, shards: Shards) -> None:
            self.seen = shards.plain
            if shards.plain == 1:
                self.one = True
                self.shard(ones=[1])

    execution = in_memory(MyFlow).execution("e1")
    store, key = execution.datastore, execution.key("Shards")

    def run(value: int, **how: bool) -> None:
        store.write(key, index=0, name="plain", values=[value], sharded=False)
        context = TaskContext(execution="e1", flow="MyFlow", layer="Each", **how)
        task.run_layer(execution, execution.layer("Each", index=0, splits=1, attempt=1), context)

    store.write_bytes(path=key.split(0), content=b"{}")
    run(1, early=True)
    store.write_record(key, splits=1)
    run(2, again=True)
    each = execution.layer("Each")
    assert each.seen == 2
    for name in ("one", "ones"):
        with pytest.raises(AttributeError, match="It finished, but did not assign it"):
            getattr(each, name)
