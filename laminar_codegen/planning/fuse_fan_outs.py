"""Joins fan-outs that run item by item into one step.

Before: ``Fetch`` for each of ``Find.item``, and ``Clean``, pipelined, for each of ``Fetch.text``. After:
``Chain Fetch, Clean``, in which each split of Clean starts when the split of Fetch with its item has ended.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import attrs

from laminar_codegen.ir.graph import PARAMETERS, Graph, LayerNode
from laminar_codegen.ir.placement import BatchTarget
from laminar_codegen.ir.plan import Chain, FanOut, Run
from laminar_codegen.planning.partial_order import closure, number

__all__ = ["Unit", "contract", "obstacles"]


@attrs.frozen
class Unit:
    """What a plan orders: a layer, or several that run item by item.

    Args:
        step: Runs it.
        layers: Its layers.
        depends: The first layers of the units that it depends on.
    """

    step: Run | FanOut | Chain
    layers: tuple[str, ...]
    depends: frozenset[str]


def contract(graph: Graph) -> tuple[Unit, ...]:
    """Join layers where that adds no dependency.

    Args:
        graph: A graph that was checked.

    Returns:
        The units, each layer in one, in the order of their first layers.
    """
    follower = _pipelines(graph).follower
    following = set(follower.values())
    layers = {layer.name: layer for layer in graph.layers}
    runs = [tuple(_run(layer.name, follower)) for layer in graph.layers if layer.name not in following]
    first = {name: run[0] for run in runs for name in run}
    return tuple(
        Unit(
            _step([layers[name] for name in run]),
            run,
            frozenset(first[above] for name in run for above in layers[name].depends if above != PARAMETERS) - {run[0]},
        )
        for run in runs
    )


def _run(name: str, follower: dict[str, str]) -> Iterator[str]:
    yield name
    while name in follower:
        name = follower[name]
        yield name


def _step(layers: Sequence[LayerNode]) -> Run | FanOut | Chain:
    if len(layers) > 1:
        return Chain(tuple(layer.name for layer in layers))
    return FanOut(layers[0].name) if layers[0].foreach else Run(layers[0].name)


def obstacles(graph: Graph) -> Iterator[tuple[LayerNode, str, str]]:
    """What keeps pipelined layers from running item by item.

    Args:
        graph: A graph in which all dependencies are known, and none is a circle.

    Yields:
        Each such layer, why it cannot run so, and what to do about it.
    """
    return iter(_pipelines(graph).obstacles)


@attrs.frozen
class _Pipelines:
    """For layers the next in theirs, and the layers that are asked to be such and cannot."""

    follower: dict[str, str] = attrs.field(factory=dict)
    obstacles: list[tuple[LayerNode, str, str]] = attrs.field(factory=list)


def _pipelines(graph: Graph) -> _Pipelines:
    """The pipelines that the layers of a graph ask for.

    Of a pipeline the first layer waits for all that its layers depend on, and what depends on any of them waits for the
    last. So the others may depend on nothing that the first does not come after, and what else depends on a layer must
    come after the next. As each split waits for one only, no layer may need another one whole.
    """
    found = _Pipelines()
    layers = {layer.name: layer for layer in graph.layers}
    if not any(layer.pipelined for layer in graph.layers):
        return found
    order = _Order.of(graph)
    first = {name: name for name in order.names}
    for name in order.names:
        layer = layers[name]
        if not layer.pipelined:
            continue
        previous = layer.foreach[0].layer
        wrong = _unfit(layers.get(previous), layer) or _needs(order, first[previous], layer, previous)
        if wrong is not None:
            found.obstacles.append((layer, *wrong))
            continue
        found.follower[previous] = name
        first[name] = first[previous]
    return found


_DROP = "drop pipelined=True, so that it waits for all of '{}'"


def _needs(order: _Order, first: str, layer: LayerNode, previous: str) -> tuple[str, str] | None:
    """Why a layer cannot go on item by item for what it, or others, depend on; and a cure."""
    name, drop = layer.name, _DROP.format(previous)
    for need in layer.depends:
        if need in {previous, PARAMETERS} or order.is_after(first, need):
            continue
        why = f"depends on '{need}', which ends when '{first}' has begun"
        if need == first or order.is_after(need, first):
            return f"{why}: it needs more than its own element of it", drop
        return why, f"have '{first}' depend on '{need}' too, or {drop}"
    for other in order.dependents[previous]:
        if other != name and not order.is_after(other, name):
            why = f"goes on from '{previous}', and so does '{other}', which would wait for '{name}' too"
            return why, f"have '{other}' depend on '{name}', or {drop}"
    return None


@attrs.frozen
class _Order:
    names: tuple[str, ...]
    dependents: dict[str, list[str]]
    place: dict[str, int]
    before: list[int]

    @classmethod
    def of(cls, graph: Graph) -> _Order:
        names, parents = number({layer.name: set(layer.depends) - {PARAMETERS} for layer in graph.layers})
        dependents: dict[str, list[str]] = {name: [] for name in names}
        for name, above in zip(names, parents, strict=True):
            for parent in above:
                dependents[names[parent]].append(name)
        return cls(names, dependents, {name: place for place, name in enumerate(names)}, closure(parents))

    def is_after(self, name: str, other: str) -> bool:
        """Whether a layer depends on another one, directly or not."""
        return bool(self.before[self.place[name]] >> self.place[other] & 1)


def _unfit(one: LayerNode | None, other: LayerNode) -> tuple[str, str] | None:
    """Why the splits of two layers cannot be jobs that depend on each other; and a cure.

    Only jobs of Batch can, and only if nothing but the number of splits is left to decide before the first starts:
    https://docs.aws.amazon.com/batch/latest/userguide/job_dependencies.html
    """
    previous = other.foreach[0].layer
    drop = _DROP.format(previous)
    if one is None or not one.foreach:
        return f"goes over '{previous}', which does not fan out", "drop pipelined=True: there is one split to wait for"
    for layer in (one, other):
        if not isinstance(layer.executor, BatchTarget):
            why = f"needs jobs that wait for each other, and '{layer.name}' runs on AWS Lambda"
            return why, f"run both layers on AWS Batch, or {drop}"
        if layer.optional:
            why = f"needs to know beforehand what runs, and '{layer.name}' may be skipped"
            return why, f"take out the entry hook that decides on that, or {drop}"
        if layer.sized:
            why = f"needs to know all containers beforehand, and hooks of '{layer.name}' decide on its own"
            return why, f"take out its submission and retry hooks, or {drop}"
    return None
