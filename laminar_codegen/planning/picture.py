"""Makes the picture of a flow: its layers, its dependencies, and where its plan waits for more than these.

Before: ``C after A``, ``D after A, B``, and the plan, in which both wait for both. After: a barrier from
B to C, with the reason.
"""

from __future__ import annotations

import itertools
from collections.abc import Iterator, Mapping, Sequence
from typing import Literal, assert_never

import attrs

from laminar_codegen.ir.graph import PARAMETERS, Graph, LayerNode
from laminar_codegen.ir.picture import Picture, PictureEdge, PictureGroup, PictureNode
from laminar_codegen.ir.plan import (
    ExactJoins,
    FanOut,
    Pack,
    Parallel,
    PipelinedFanOut,
    Run,
    Step,
    SubMachine,
    layers_of,
    walk,
)
from laminar_codegen.ir.plan import Sequence as InSequence
from laminar_codegen.ir.structs import Struct
from laminar_codegen.planning.partial_order import closure, topological_numbering

__all__ = ["Wait", "make_picture", "waits_of"]


@attrs.frozen(eq=False, repr=False)
class Wait(Struct):
    """A barrier of a plan: layers that wait for others on which they do not depend, directly or not.

    Args:
        before: The layers that are waited for.
        after: The layers that wait, each with those of `before` on which it does not depend.
    """

    before: tuple[str, ...]
    after: tuple[tuple[str, tuple[str, ...]], ...]

    @property
    def reason(self) -> str:
        """Why there is a barrier, in one line."""
        extra = "; ".join(f"{name} waits for {_enumerate(others)}, too" for name, others in self.after)
        return f"{extra}: no nesting of sequences and branches has just the dependencies of these layers"


def make_picture(graph: Graph, plan: Step) -> Picture:
    """Make the picture of a flow.

    Args:
        graph: The flow.
        plan: Its plan.
    """
    layers = {layer.name: layer for layer in graph.layers}
    nodes = [_node(layer) for layer in graph.layers]
    edges = [
        PictureEdge(above, layer.name, _kind(layer, above))
        for layer in graph.layers
        for above in layer.depends
        if above in layers
    ]
    notes = []
    for number, wait in enumerate(waits_of(graph, plan), 1):
        name = f"barrier {number}"
        notes.append(f"{name}: {wait.reason}")
        nodes.append(PictureNode(name, name, "barrier", note=wait.reason))
        edges += [PictureEdge(before, name, "waits") for before in wait.before]
        edges += [PictureEdge(name, after, "waits") for after, _ in wait.after]
    started = [f"started by {trigger.value}" for trigger in graph.triggers]
    ended = [] if graph.time_limit is None else [f"ended after {graph.time_limit:.10g} seconds"]
    return Picture(graph.flow, (*started, *ended), tuple(nodes), tuple(edges), tuple(_groups(plan)), tuple(notes))


def waits_of(graph: Graph, plan: Step) -> Iterator[Wait]:
    """Yield the barriers of a plan, from its start to its end.

    Args:
        graph: The flow.
        plan: Its plan.
    """
    names, predecessors = topological_numbering({layer.name: {*layer.depends} - {PARAMETERS} for layer in graph.layers})
    numbers, before = {name: number for number, name in enumerate(names)}, closure(predecessors)
    for first, second in _boundaries(plan):
        extra = {
            after: tuple(one for one in _last(first) if not before[numbers[after]] >> numbers[one] & 1)
            for after in _first(second)
        }
        waiting = tuple((after, others) for after, others in extra.items() if others)
        if waiting:
            waited = {one for _, others in waiting for one in others}
            yield Wait(tuple(one for one in _last(first) if one in waited), waiting)


def _boundaries(plan: Step) -> Iterator[tuple[Step, Step]]:
    """Yield each pair of steps of which the second starts when the first has ended."""
    for step in walk(plan):
        if isinstance(step, InSequence):
            yield from itertools.pairwise(step.steps)


def _first(step: Step) -> tuple[str, ...]:  # noqa: PLR0911 - one for each kind of step
    """Return the layers that a step starts with."""
    match step:
        case Run(layer) | FanOut(layer):
            return (layer,)
        case PipelinedFanOut(layers):
            return layers[:1]
        case Pack(packed):
            return tuple(layer.name for layer in packed if not layer.after)
        case InSequence(steps):
            return _first(steps[0])
        case Parallel(branches):
            return tuple(layer for branch in branches for layer in _first(branch))
        case ExactJoins(paths):
            return tuple(layer for path in paths if not path[0].after for layer in _first(path[0].step))
        case SubMachine(_, inner):
            return _first(inner)
        case _:
            assert_never(step)


def _last(step: Step) -> tuple[str, ...]:  # noqa: PLR0911 - one for each kind of step
    """Return the layers that a step ends with."""
    match step:
        case Run(layer) | FanOut(layer):
            return (layer,)
        case PipelinedFanOut(layers):
            return layers[-1:]
        case Pack(packed):
            waited = {name for layer in packed for name in layer.after}
            return tuple(name for name in step.names if name not in waited)
        case InSequence(steps):
            return _last(steps[-1])
        case Parallel(branches):
            return tuple(layer for branch in branches for layer in _last(branch))
        case ExactJoins(paths):
            needed = {name for path in paths for node in path for name in node.after}
            return tuple(layer for path in paths if path[-1].name not in needed for layer in _last(path[-1].step))
        case SubMachine(_, inner):
            return _last(inner)
        case _:
            assert_never(step)


def _groups(plan: Step) -> Iterator[PictureGroup]:
    for step in walk(plan):
        match step:
            case PipelinedFanOut(layers):
                yield PictureGroup("item by item", layers)
            case Pack():
                yield PictureGroup("one job", step.names)
            case SubMachine(name, inner):
                yield PictureGroup(f"state machine {name}", tuple(layers_of(inner)))


def _node(layer: LayerNode) -> PictureNode:
    over = ", ".join(f"{item.layer}.{item.attribute}" for item in layer.foreach)
    hooks = [f"{kind} hook {name}" for kind, name in layer.hooks]
    attempts = layer.retry.attempts
    lines = [
        f"for each of {over}" if over else "",
        _place(layer),
        "may be skipped" if layer.optional else "",
        *hooks,
        f"up to {attempts} attempts" if attempts > 1 else "",
    ]
    return PictureNode(
        layer.name, layer.name, "fan-out" if layer.foreach else "layer", tuple(filter(None, lines)), layer.summary
    )


def _place(layer: LayerNode) -> str:
    """Return where a layer runs, with the sizes that are known without a variable."""
    facts = layer.executor.facts(layer.container)
    sizes = [
        f"{facts[name]:,g} {unit}" for name, unit in (("cpu", "vCPU"), ("memory", "MiB")) if _is_number(facts, name)
    ]
    spot = " Spot" if layer.container.spot else ""
    return ", ".join([f"{facts['runs_on']}{spot}", *sizes])


def _is_number(facts: Mapping[str, object], name: str) -> bool:
    return isinstance(facts.get(name), int | float)


def _kind(layer: LayerNode, above: str) -> Literal["after", "each", "item by item"]:
    if all(item.layer != above for item in layer.foreach):
        return "after"
    return "item by item" if layer.pipelined and layer.foreach[0].layer == above else "each"


def _enumerate(names: Sequence[str]) -> str:
    return names[0] if len(names) == 1 else f"{', '.join(names[:-1])} and {names[-1]}"
