"""How long a plan takes, given how long its layers take, with as many workers as it has use for."""

from __future__ import annotations

import graphlib
import math
from collections.abc import Iterable, Mapping
from typing import assert_never

from laminar_codegen.ir.graph import PARAMETERS, Graph
from laminar_codegen.ir.plan import Chain, ExactJoins, FanOut, Nested, Parallel, Run, Sequence, Step

__all__ = ["complete", "critical_path", "makespan"]


def complete(durations: Mapping[str, float], layers: Iterable[str]) -> dict[str, float]:
    """How long each of some layers takes.

    Args:
        durations: Seconds by layer. Others than the layers asked for are left out.
        layers: The layers.

    Returns:
        Seconds by layer. A layer of which nothing is known takes the median of the others; a second each if nothing is
        known of any.

    Example:
        >>> complete({"A": 1, "B": 5, "C": 9, "Old": 80}, ["A", "B", "C", "New"])
        {'A': 1, 'B': 5, 'C': 9, 'New': 5}
    """
    names = list(layers)
    known = [durations[name] for name in names if name in durations]
    usual = 1.0
    if known:
        import statistics

        usual = statistics.median(known)
    return {name: durations.get(name, usual) for name in names}


def makespan(step: Step, durations: Mapping[str, float]) -> float:
    """How long a plan takes.

    Args:
        step: The plan.
        durations: Seconds by layer, for each of its layers. A fan-out takes as long as all of its splits.

    Returns:
        Seconds. What runs item by item is taken to take as long as it would layer by layer: it takes that at most.

    Example:
        >>> makespan(Sequence((Run("A"), Parallel((Run("B"), Run("C"))))), {"A": 1, "B": 2, "C": 3})
        4
    """
    match step:
        case Run(layer) | FanOut(layer):
            return durations[layer]
        case Chain(layers):
            return math.fsum(durations[layer] for layer in layers)
        case Sequence(children):
            return sum(makespan(child, durations) for child in children)
        case Parallel(children):
            return max(makespan(child, durations) for child in children)
        case ExactJoins():
            return _joined(step, durations)
        case Nested(_, inner):
            return makespan(inner, durations)
        case _:
            assert_never(step)


def _joined(step: ExactJoins, durations: Mapping[str, float]) -> float:
    takes = {node.name: makespan(node.step, durations) for chain in step.chains for node in chain}
    depends = {
        node.name: {*node.after, *(before.name for before in chain[max(0, place - 1) : place])}
        for chain in step.chains
        for place, node in enumerate(chain)
    }
    return _longest(depends, takes)


def critical_path(graph: Graph, durations: Mapping[str, float]) -> float:
    """How long a flow takes at least: what its longest path takes. No plan is shorter.

    Args:
        graph: The flow.
        durations: Seconds by layer, for each of its layers.
    """
    return _longest({layer.name: {*layer.depends} - {PARAMETERS} for layer in graph.layers}, durations)


def _longest(depends: Mapping[str, set[str]], takes: Mapping[str, float]) -> float:
    ends: dict[str, float] = {}
    for name in graphlib.TopologicalSorter(depends).static_order():
        ends[name] = takes[name] + max((ends[above] for above in depends[name]), default=0)
    return max(ends.values())
