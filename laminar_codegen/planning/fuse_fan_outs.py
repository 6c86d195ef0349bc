"""Fuses pipelined fan-outs into one step.

Before: ``Fetch`` for each of ``Find.item``, and ``Clean``, pipelined, for each of ``Fetch.text``. After:
``PipelinedFanOut Fetch, Clean``, in which a split of Clean starts as soon as the split of Fetch with its item ends.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import attrs

from laminar_codegen.ir.graph import PARAMETERS, Graph, LayerNode
from laminar_codegen.ir.plan import FanOut, Pack, PipelinedFanOut, Run
from laminar_codegen.ir.structs import Struct
from laminar_codegen.planning.partial_order import closure, topological_numbering

__all__ = ["PlanUnit", "fuse_fan_outs", "obstacles"]


@attrs.frozen(eq=False, repr=False)
class PlanUnit(Struct):
    """One node of the order that is planned: a layer, pipelined fan-outs, or a pack.

    Args:
        step: The step that runs it.
        layers: Its layers.
        depends: The first layers of the units that it depends on.
    """

    step: Run | FanOut | PipelinedFanOut | Pack
    layers: tuple[str, ...]
    depends: frozenset[str]


def fuse_fan_outs(graph: Graph) -> tuple[PlanUnit, ...]:
    """Fuse pipelined fan-outs where that adds no dependency.

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
        PlanUnit(
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


def _step(layers: Sequence[LayerNode]) -> Run | FanOut | PipelinedFanOut:
    if len(layers) > 1:
        return PipelinedFanOut(tuple(layer.name for layer in layers))
    return FanOut(layers[0].name) if layers[0].foreach else Run(layers[0].name)


def obstacles(graph: Graph) -> Iterator[tuple[LayerNode, str, str]]:
    """Find the pipelined layers that cannot run item by item.

    Args:
        graph: An acyclic graph in which all dependencies are known.

    Returns:
        Each such layer, the reason, and a cure.
    """
    return iter(_pipelines(graph).obstacles)


@attrs.frozen(eq=False, repr=False)
class _Pipelines:
    """The next layer of each layer in a pipeline, and the layers that cannot be pipelined as asked."""

    follower: dict[str, str] = attrs.field(factory=dict)
    obstacles: list[tuple[LayerNode, str, str]] = attrs.field(factory=list)


def _pipelines(graph: Graph) -> _Pipelines:
    """Return the pipelines of a graph.

    The first layer of a pipeline waits for all dependencies of its layers, and a layer that depends on any of them
    waits for the last. So the other layers may depend only on predecessors of the first, and every other successor of a
    layer must come after the next layer. A split waits for one split only, so no layer may need all of another one.
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
        wrong = _obstacle(layers.get(previous), layer) or _conflict(order, first[previous], layer, previous)
        if wrong is not None:
            found.obstacles.append((layer, *wrong))
            continue
        found.follower[previous] = name
        first[name] = first[previous]
    return found


_DROP = "drop pipelined=True, so that it waits for all of '{}'"


def _conflict(order: _Order, first: str, layer: LayerNode, previous: str) -> tuple[str, str] | None:
    """Return why dependencies keep a layer from being pipelined, and a cure; None if they do not."""
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


@attrs.frozen(eq=False, repr=False)
class _Order:
    names: tuple[str, ...]
    dependents: dict[str, list[str]]
    place: dict[str, int]
    before: list[int]

    @classmethod
    def of(cls, graph: Graph) -> _Order:
        names, predecessors = topological_numbering(
            {layer.name: set(layer.depends) - {PARAMETERS} for layer in graph.layers}
        )
        dependents: dict[str, list[str]] = {name: [] for name in names}
        for name, above in zip(names, predecessors, strict=True):
            for predecessor in above:
                dependents[names[predecessor]].append(name)
        return cls(names, dependents, {name: place for place, name in enumerate(names)}, closure(predecessors))

    def is_after(self, name: str, other: str) -> bool:
        """Return whether a layer depends on another one, directly or not."""
        return bool(self.before[self.place[name]] >> self.place[other] & 1)


def _obstacle(one: LayerNode | None, other: LayerNode) -> tuple[str, str] | None:
    """Return why the splits of two layers cannot be jobs that depend on each other, and a cure; None if they can.

    Only jobs of AWS Batch can, and only if all but the number of splits is known before the first starts:
    https://docs.aws.amazon.com/batch/latest/userguide/job_dependencies.html
    """
    previous = other.foreach[0].layer
    drop = _DROP.format(previous)
    if one is None or not one.foreach:
        return (
            f"goes over '{previous}', which does not fan out",
            "drop pipelined=True: there is only one split to wait for",
        )
    for layer in (one, other):
        if not layer.executor.pipelines:
            why = f"needs jobs that wait for each other, and '{layer.name}' runs on {layer.executor.service}"
            return why, f"run both layers on AWS Batch, or {drop}"
        if layer.optional:
            why = f"must know beforehand which layers run, and '{layer.name}' may be skipped"
            return why, f"remove the entry hook that may skip it, or {drop}"
        for limit in ("max_concurrency", "splits_per_job", "tolerated_failures"):
            if getattr(layer.fan_out, limit) is not None:
                why = f"needs a job for each split, of which all succeed, and '{layer.name}' has {limit}"
                return why, f"remove {limit}, or {drop}"
        if layer.sized:
            why = f"must know all containers beforehand, and hooks of '{layer.name}' change its own"
            return why, f"remove its submission and retry hooks, or {drop}"
    return None
