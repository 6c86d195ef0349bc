"""What packs save in an execution, and why layers have jobs of their own: for ``laminar-codegen check``.

Before: a plan with ``Pack A, B``, and the plan of the same flow without it. After: 44 s and $0.000805.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator, Mapping

import attrs

from laminar_codegen.ir.graph import Graph, LayerNode
from laminar_codegen.ir.plan import Pack, Step, walk
from laminar_codegen.ir.structs import Struct
from laminar_codegen.planning import pack_splits
from laminar_codegen.planning.makespan import complete, makespan
from laminar_codegen.planning.pack_costs import USUAL_COSTS, Costs, start_ups
from laminar_codegen.planning.pack_schedule import Capacity, pack_seconds
from laminar_codegen.planning.pack_work import obstacle
from laminar_codegen.planning.profile import Profile
from laminar_codegen.targets.batch.target import job_size

__all__ = ["Savings", "packs_in", "reasons_apart", "runs_several_splits", "savings"]


@attrs.frozen(eq=False, repr=False)
class Savings(Struct):
    """What the packs of a plan save in an execution in which no task is retried.

    Args:
        jobs: How many fewer jobs start.
        seconds: How much sooner the execution ends.
        dollars: How much less its jobs and their states cost, at the prices of Fargate.
    """

    jobs: int
    seconds: float
    dollars: float


def packs_in(step: Step) -> Iterator[Pack]:
    """Return the packs of a plan, from its start to its end.

    Args:
        step: The plan.
    """
    return (part for part in walk(step) if isinstance(part, Pack))


def savings(
    graph: Graph, plan: Step, apart: Step, durations: Mapping[str, float], costs: Costs = USUAL_COSTS
) -> Savings:
    """Return what the packs of a plan save.

    Args:
        graph: The graph.
        plan: Its plan.
        apart: Its plan in which each layer has jobs of its own.
        durations: Seconds by layer. A layer without a duration gets the median of the others.
        costs: What jobs cost.
    """
    layers = {layer.name: layer for layer in graph.layers}
    takes = complete(durations, layers)
    jobs, dollars = 0, []
    for pack in packs_in(plan):
        jobs += len(pack.layers) - 1
        own = costs.at(layers[pack.names[0]].placement)
        dollars += [own.bill(Capacity(*job_size(layers[name].placement)), takes[name]) for name in pack.names]
        dollars.append(-own.bill(Capacity(pack.cpu, pack.memory), pack_seconds(pack, takes)))
    starts = start_ups(graph, costs)
    seconds = makespan(apart, takes, starts) - makespan(plan, takes, starts)
    return Savings(jobs, seconds, math.fsum(dollars))


def reasons_apart(
    graph: Graph, packs: Iterable[Pack], otherwise: str, profile: Profile | None = None
) -> dict[str, list[str]]:
    """Return why layers have jobs of their own: the layers by reason, in the order of the graph.

    Args:
        graph: The graph.
        packs: The packs of its plan.
        otherwise: The reason of a layer that could share a job.
        profile: The profile of the flow, if splits of fan-outs share jobs by it.
    """
    packed = {name for pack in packs for name in pack.names}
    found: dict[str, list[str]] = {}
    for layer in graph.layers:
        if layer.name not in packed and not runs_several_splits(layer):
            found.setdefault(_reason(layer, profile) or otherwise, []).append(layer.name)
    return found


def runs_several_splits(layer: LayerNode) -> bool:
    """Return whether a job of a fan-out runs several splits.

    Args:
        layer: The layer.
    """
    return layer.split_seconds is not None or layer.fan_out.splits_per_job is not None


def _reason(layer: LayerNode, profile: Profile | None) -> str | None:
    if not layer.foreach or profile is None:
        return obstacle(layer)
    seconds = profile.split_seconds(layer.name)
    if seconds is None:
        return "fans out, and has no measured duration"
    return pack_splits.obstacle(layer, seconds) or "runs item by item"
