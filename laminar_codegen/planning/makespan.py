"""Computes the makespan of a plan from the durations of its layers. The number of workers is not limited."""

from __future__ import annotations

import graphlib
import math
from collections.abc import Iterable, Mapping
from typing import assert_never

from laminar_codegen.ir.graph import PARAMETERS, Graph
from laminar_codegen.ir.plan import ExactJoins, FanOut, Pack, Parallel, PipelinedFanOut, Run, Sequence, Step, SubMachine

__all__ = ["StartUps", "complete", "critical_path", "makespan"]

#: Seconds until the first layer of a job starts: of all jobs, or by layer.
StartUps = float | Mapping[str, float]


def complete(durations: Mapping[str, float], layers: Iterable[str]) -> dict[str, float]:
    """Fill in the durations of layers that have none.

    Args:
        durations: Seconds by layer. Other layers than the given ones are left out.
        layers: The layers.

    Returns:
        Seconds by layer. A layer without a duration gets the median of the others, or one second if no layer has
        one.

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


def makespan(step: Step, durations: Mapping[str, float], start_up: StartUps = 0) -> float:
    """Return the makespan of a plan.

    Args:
        step: The plan.
        durations: Seconds by layer, for each of its layers. The duration of a fan-out is that of all its splits.
        start_up: Seconds until the first layer of a job starts: of all jobs, or by layer.

    Returns:
        Seconds. Pipelined fan-outs count as if they ran layer by layer, which is their upper bound.

    Example:
        >>> makespan(Sequence((Run("A"), Parallel((Run("B"), Run("C"))))), {"A": 1, "B": 2, "C": 3})
        4
    """
    match step:
        case Run() | FanOut() | PipelinedFanOut() | Pack():
            return _makespan_of_jobs(step, durations, start_up)
        case Sequence(children):
            return sum(makespan(child, durations, start_up) for child in children)
        case Parallel(children):
            return max(makespan(child, durations, start_up) for child in children)
        case ExactJoins():
            return _makespan_of_joins(step, durations, start_up)
        case SubMachine(_, inner):
            return makespan(inner, durations, start_up)
        case _:
            assert_never(step)


def _makespan_of_jobs(
    step: Run | FanOut | PipelinedFanOut | Pack, durations: Mapping[str, float], start_up: StartUps
) -> float:
    match step:
        case Run(layer) | FanOut(layer):
            return _start_up_of(layer, start_up) + durations[layer]
        case PipelinedFanOut(layers):
            return math.fsum(_start_up_of(layer, start_up) + durations[layer] for layer in layers)
        case Pack():
            from laminar_codegen.planning.pack_schedule import pack_seconds  # few flows have packs

            # Its layers differ in the size of their containers only.
            return _start_up_of(step.names[0], start_up) + pack_seconds(step, durations)
        case _:
            assert_never(step)


def _start_up_of(layer: str, start_up: StartUps) -> float:
    return start_up if isinstance(start_up, int | float) else start_up[layer]


def _makespan_of_joins(step: ExactJoins, durations: Mapping[str, float], start_up: StartUps) -> float:
    takes = {node.name: makespan(node.step, durations, start_up) for path in step.paths for node in path}
    depends = {
        node.name: {*node.after, *(before.name for before in path[max(0, place - 1) : place])}
        for path in step.paths
        for place, node in enumerate(path)
    }
    return _longest(depends, takes)


def critical_path(graph: Graph, durations: Mapping[str, float]) -> float:
    """Return the duration of the longest path of a flow. No plan is shorter.

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
