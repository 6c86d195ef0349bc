"""Scaling out: shards, fan-outs, their order and their joins."""

from __future__ import annotations

import asyncio
import concurrent.futures
import contextlib
import itertools
import re
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from laminar_runtime import Flow, Layer, Parameters, each
from laminar_runtime.configurations import hooks
from laminar_runtime.configurations.datastores import Accessor
from laminar_runtime.configurations.layers import Catch, ForEach, Parameter
from laminar_runtime.exceptions import ExecutionError, LayerError
from laminar_runtime.splits import fanout
from laminar_runtime.task_environment import TaskContext
from laminar_runtime.tasks import task
from tests.support.harness import in_memory


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


class Pipeline(Flow):
    """`Fetch` goes over `Find`, and what tests register goes on from `Fetch`, item by item."""


@Pipeline.register
class Find(Layer):
    def __call__(self) -> None:
        self.shard(item=[1, 2, 3])


@Pipeline.register(foreach=over(Parameter(layer=Find, attribute="item")))
class Fetch(Layer):
    def __call__(self, find: Find) -> None:
        self.text, self.total = f"text {find.item}", find.item
        self.shard(lines=range(find.item))


@Pipeline.register
class Summary(Layer):
    def __call__(self, fetch: Fetch) -> None:
        self.total = sum(fetch.total)


FOLLOWS = ForEach(parameters=[Parameter(layer=Fetch, attribute="text", index=None)], pipelined=True)
REFUSED = (
    "of layer '{layer}' reads {what}, but may start before that exists: with pipelined=True it can read only its own "
    "element of 'text' of layer 'Fetch'. Remove pipelined=True from the ForEach of layer '{layer}'"
)


def test_pipelined_splits_see_their_own_elements() -> None:
    """Split i sees what split i of the layer before stored; the layer before all may be read, and so on and on."""

    class MyFlow(Pipeline): ...

    @MyFlow.register(foreach=FOLLOWS)
    class Clean(Layer):
        def __call__(self, fetch: Fetch, find: Find) -> None:
            self.text = (fetch.text, self.index, self.splits, list(find.item))

    @MyFlow.register(foreach=ForEach([Parameter(layer=Clean, attribute="text", index=None)], pipelined=True))
    class Count(Layer):
        def __call__(self, clean: Clean) -> None:
            self.seen = (self.index, *clean.text)

    found = list(in_memory(MyFlow)().layer(Count).seen)
    assert found == [(index, f"text {index + 1}", index, 3, [1, 2, 3]) for index in range(3)]


def test_pipelined_over_nothing() -> None:
    """A layer without splits is followed by one without splits."""

    class MyFlow(Source): ...

    @MyFlow.register(foreach=over(Parameter(layer=Shards, attribute="foo")))
    class Each(Layer):
        def __call__(self, shards: Shards) -> None: ...

    @MyFlow.register(foreach=ForEach([Parameter(layer=Each, attribute="foo", index=None)], pipelined=True))
    class More(Layer):
        def __call__(self, each: Each) -> None:
            raise AssertionError

    execution = in_memory(MyFlow)(foo=[])
    assert execution.finished
    assert len(execution.layer(More).foo) == 0


def _attribute(_: Any, fetch: Any) -> None:
    assert fetch.total


def _state(_: Any, fetch: Any) -> None:
    assert fetch.state.finished


def _anew(layer: Any, _: Any) -> None:
    assert layer.execution.layer(Fetch).text


def _after(layer: Any, _: Any) -> None:
    assert layer.execution.layer("Summary").total


def _all(layer: Any, _: Any) -> None:
    assert layer.execution.finished


def _each(_: Any, fetch: Any) -> None:
    assert each(fetch, lambda fetch: fetch.text)


READS = [
    (_each, "'text' of layer 'Fetch'"),
    (_attribute, "'total' of layer 'Fetch'"),
    (_state, "'state.finished' of layer 'Fetch'"),
    (_anew, "'text' of layer 'Fetch'"),
    (_after, "'total' of layer 'Summary'"),
    (_all, "'state.finished' of layer 'Fetch'"),
]


@pytest.mark.parametrize(("read", "what"), READS)
def test_pipelined_splits_read_nothing_else(read: Callable[[Any, Any], None], what: str) -> None:
    """Of the layer that they follow, and of what comes after it, they read their own element or fail, with the cure."""

    class MyFlow(Pipeline): ...

    @MyFlow.register(foreach=FOLLOWS)
    class Clean(Layer):
        def __call__(self, fetch: Fetch) -> None:
            self.text = fetch.text
            read(self, fetch)

    with pytest.raises(LayerError, match=re.escape(REFUSED.format(layer="Clean", what=what))):
        in_memory(MyFlow)()


def test_pipelined_splits_do_not_see_what_comes_before_in_the_pipeline() -> None:
    """Nothing of a pipeline's first layer is there for its third."""

    class MyFlow(Pipeline): ...

    @MyFlow.register(foreach=FOLLOWS)
    class Clean(Layer):
        def __call__(self, fetch: Fetch) -> None:
            self.text = fetch.text

    @MyFlow.register(foreach=ForEach([Parameter(layer=Clean, attribute="text", index=None)], pipelined=True))
    class Count(Layer):
        def __call__(self, clean: Clean, fetch: Fetch) -> None:
            self.both = clean.text, list(fetch.text)

    with pytest.raises(LayerError, match=r"split . of layer 'Count' reads 'text' of layer 'Fetch'"):
        in_memory(MyFlow)()


def _bare(read: Callable[[], Any]) -> None:
    try:  # noqa: SIM105 - what users write
        read()
    except:  # noqa: E722, S110 - what users write
        pass


def _suppressed(read: Callable[[], Any]) -> None:
    with contextlib.suppress(BaseException):
        read()


def _returned(read: Callable[[], Any]) -> None:
    try:
        read()
    finally:
        return  # noqa: B012 - what users write


def _gathered(read: Callable[[], Any]) -> None:
    async def gather() -> None:
        await asyncio.gather(asyncio.to_thread(read), return_exceptions=True)

    asyncio.run(gather())


def _in_a_pool(read: Callable[[], Any]) -> None:
    with concurrent.futures.ThreadPoolExecutor() as pool:
        assert pool.submit(read).exception() is not None


@pytest.mark.parametrize("swallow", [_bare, _suppressed, _returned, _gathered, _in_a_pool])
def test_a_refused_read_fails_the_split_whoever_takes_the_error(swallow: Callable[[Callable[[], Any]], None]) -> None:
    """User code, a pool or `Catch` may take it for another error: no result comes of what was not there."""

    class MyFlow(Pipeline): ...

    @MyFlow.register(foreach=FOLLOWS, catch=Catch(Exception))
    class Clean(Layer):
        def __call__(self, fetch: Fetch) -> None:
            self.share = None
            swallow(lambda: fetch.total)

    flow = in_memory(MyFlow)
    with pytest.raises(LayerError, match=r"split . of layer 'Clean' reads 'total' of layer 'Fetch'"):
        flow("e1")
    assert not flow.execution("e1").layer(Clean).state.finished


SCRIPT = """
from concurrent.futures import ProcessPoolExecutor
from laminar_runtime import Flow, Layer
from laminar_runtime.configurations import datastores
from laminar_runtime.configurations.layers import ForEach, Parameter

class Pooled(Flow): ...

@Pooled.register
class Find(Layer):
    def __call__(self) -> None:
        self.shard(item=[1, 2])

@Pooled.register(foreach=ForEach([Parameter(layer=Find, attribute="item")]))
class Fetch(Layer):
    def __call__(self, find: Find) -> None:
        self.text, self.total = "text", find.item

def look(fetch):
    return fetch.total

@Pooled.register(foreach=ForEach([Parameter(layer=Fetch, attribute="text", index=None)], pipelined=True))
class Clean(Layer):
    def __call__(self, fetch: Fetch) -> None:
        self.kept = fetch
        with ProcessPoolExecutor(1) as pool:
            self.error = str(pool.submit(look, fetch).exception())

if __name__ == "__main__" and (flow := Pooled()):
    flow("e1")
"""


@pytest.mark.integration
def test_a_read_that_another_process_makes_is_refused_too(tmp_path: Path) -> None:
    """A layer that goes to a pool takes along what refuses, and the split learns that it did."""
    (tmp_path / "main.py").write_text(SCRIPT, encoding="utf-8")
    ended = subprocess.run([sys.executable, "main.py"], cwd=tmp_path, capture_output=True, text=True, check=False)
    assert ended.returncode == 1, ended
    assert "of layer 'Clean' reads 'total' of layer 'Fetch', but may start before that exists" in ended.stderr


def test_an_artifact_keeps_nothing_of_what_was_refused() -> None:
    """A layer that a pipelined split stored is read by others as any is."""

    class MyFlow(Pipeline): ...

    @MyFlow.register(foreach=FOLLOWS)
    class Clean(Layer):
        def __call__(self, fetch: Fetch) -> None:
            self.kept = fetch

    @MyFlow.register
    class Sum(Layer):
        def __call__(self, clean: Clean) -> None:
            self.totals = list(clean.kept[0].total)

    assert in_memory(MyFlow)().layer(Sum).totals == [1, 2, 3]


def test_a_read_that_a_hook_makes_is_refused_too() -> None:
    """Hooks around the call run in the split's task."""

    class MyFlow(Pipeline): ...

    @MyFlow.register(foreach=FOLLOWS)
    class Clean(Layer):
        def __call__(self, fetch: Fetch) -> None:
            self.text = fetch.text

        @hooks.execution
        def look(self, fetch: Fetch) -> None:
            _bare(lambda: fetch.total)

    with pytest.raises(LayerError, match=r"split . of layer 'Clean' reads 'total' of layer 'Fetch'"):
        in_memory(MyFlow)()


@pytest.mark.parametrize(
    ("attribute", "stored"),
    [("lines", r"split [12] of layer 'Fetch' of flow 'MyFlow' stored [23]"), ("none", "stored 0")],
)
def test_pipelined_splits_need_one_element_each(attribute: str, stored: str) -> None:
    """The error names the split that stored several, or none, and the attribute."""

    class MyFlow(Pipeline): ...

    @MyFlow.register(
        foreach=ForEach([Parameter(layer=Fetch, attribute=attribute, index=None)], pipelined=True),
    )
    class Clean(Layer):
        def __call__(self, fetch: Fetch) -> None: ...

    with pytest.raises(
        ExecutionError, match=rf"{stored} elements of '{attribute}', but split .* needs exactly one: store one element"
    ):
        in_memory(MyFlow)()


def test_a_split_that_begins_before_the_one_that_it_follows() -> None:
    """Where a container ended without its layer, the one that waits for it does not take anything for its element."""
    flow = in_memory(Pipeline)
    execution = flow.execution("e1")
    key = execution.key("Clean")
    fetch = execution.key("Fetch")
    execution.datastore.write(fetch, index=1, name="text", values=["half"], sharded=False)
    with pytest.raises(ExecutionError, match="split 1 of layer 'Fetch' of flow 'Pipeline' has not finished"):
        fanout.elements(execution.datastore, key, FOLLOWS, 1)
    execution.datastore.transport.put(fetch.split(1), b"{}")
    ((_, element),) = fanout.elements(execution.datastore, key, FOLLOWS, 1)
    assert execution.datastore.read_artifact("Pipeline", element) == "half"


def test_the_only_split_of_a_fan_out_does_not_run_twice() -> None:
    """Of a pipeline it is started again, where a split after it is left."""
    calls = []

    class MyFlow(Source): ...

    @MyFlow.register(foreach=over(Parameter(layer=Shards, attribute="foo")))
    class Each(Layer):
        def __call__(self, shards: Shards) -> None:
            calls.append(self.index)

    execution = in_memory(MyFlow)("e1", foo=[1])
    context = TaskContext(execution="e1", flow="MyFlow", layer="Each")
    task.run_layer(execution, execution.layer("Each", index=0, splits=1, attempt=1), context)
    assert calls == [0]
