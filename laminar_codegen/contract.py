"""Joins fan-outs that run item by item into one step.

Before: ``Fetch`` for each of ``Find.item``, ``Clean`` for each of ``Fetch.text``, joined over all splits. After:
``Chain Fetch, Clean``, in which each split of Clean starts when the split of Fetch with its item has ended.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import attrs

from laminar_codegen.graph import PARAMETERS, Dimension, Graph, LayerNode
from laminar_codegen.order import closure, number
from laminar_codegen.placement import BatchTarget
from laminar_codegen.plan import Chain, FanOut, Run

__all__ = ["Unit", "contract"]


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
    follower = _followers(graph)
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


def _followers(graph: Graph) -> dict[str, str]:
    """For layers of chains the next in theirs.

    Of a chain the first layer waits for all that its layers depend on, and what depends on any of them waits for the
    last. So the others may depend on nothing that the first does not come after, and what else depends on a layer must
    come after the next. As each split waits for one only, no layer may need another one whole.
    """
    layers = {layer.name: layer for layer in graph.layers}
    items = {name: above for name, layer in layers.items() if (above := _item_of(layer)) and above != PARAMETERS}
    if not items:
        return {}
    order = _Order.of(graph)
    first = {name: name for name in order.names}
    follower: dict[str, str] = {}
    for name in order.names:
        previous = items.get(name)
        if previous is None or not _runs_with(layers[previous], layers[name]):
            continue
        needs = [need for need in layers[name].depends if need not in {previous, PARAMETERS}]
        others = [other for other in order.dependents[previous] if other != name]
        if all(order.is_after(first[previous], need) for need in needs) and all(
            order.is_after(other, name) for other in others
        ):
            follower[previous] = name
            first[name] = first[previous]
    return follower


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


def _item_of(layer: LayerNode) -> str | None:
    """The layer whose splits it has one split for each of, if it has."""
    match layer.foreach:
        case (Dimension(layer=previous, index=None),) if previous != PARAMETERS:
            return previous
        case _:
            return None


def _runs_with(one: LayerNode, other: LayerNode) -> bool:
    """Whether the splits of two layers can be jobs that depend on each other.

    Only jobs of Batch can, and only if nothing but the number of splits is left to decide before the first starts:
    https://docs.aws.amazon.com/batch/latest/userguide/job_dependencies.html
    """
    return bool(one.foreach) and all(
        isinstance(layer.executor, BatchTarget) and not layer.optional and not layer.sized for layer in (one, other)
    )
