"""The order of the jobs of a flow, and which layers may share one.

Layers may share a job if their containers differ in nothing but their virtual CPUs and their memory.
"""

from __future__ import annotations

import functools
import math
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from typing import Literal

import attrs

from laminar_codegen.ir.graph import Graph, LayerNode
from laminar_codegen.ir.placement import Container, Placement, place
from laminar_codegen.ir.structs import Struct
from laminar_codegen.planning.fuse_fan_outs import PlanUnit, fuse_fan_outs
from laminar_codegen.planning.makespan import complete
from laminar_codegen.planning.pack_costs import Costs, start_ups
from laminar_codegen.planning.pack_schedule import Capacity
from laminar_codegen.planning.partial_order import Predecessors, topological_numbering
from laminar_codegen.targets.batch.target import BatchTarget, batch_target, job_size
from laminar_runtime.splits.job_container import FARGATE_MEMORY

__all__ = ["Work", "chains", "job_sizes", "obstacle"]

#: The most virtual CPUs of a job that layers share.
_MOST_CPU = 16


def obstacle(layer: LayerNode) -> str | None:
    """Return why a layer has a job of its own, None if it may share one.

    Args:
        layer: The layer.

    Example:
        ``"fans out"`` for a layer that runs once for each element.
    """
    reasons = {
        "is registered with pack=False": not layer.pack,
        f"runs on {layer.executor.service}": batch_target(layer.placement) is None,
        "fans out": bool(layer.foreach),
        "has hooks that choose its container": layer.sized,
        "has GPUs": layer.container.gpu > 0,
    }
    return next((reason for reason, holds in reasons.items() if holds), None)


@attrs.frozen(eq=False, repr=False)
class Work(Struct):
    """The units of a plan, in an order in which each comes after those that it waits for.

    Args:
        units: The units: layers, and pipelines of fan-outs.
        after: The units that each unit waits for.
        seconds: The seconds of each.
        start_up: The seconds until each starts, in a job of its own.
        needs: What each takes of a job.
        alone: The size of a job of its own.
        kinds: Units of the same kind may share a job. A unit that shares none has a kind of its own, a negative one.
        platforms: The platform of AWS Batch of each, None for what runs elsewhere.
        costs: What a job of each costs.
    """

    # Numbers are hashed: what has the same ones is most often equal.
    units: tuple[PlanUnit, ...] = attrs.field(hash=False)
    after: Predecessors = attrs.field(hash=False)
    seconds: tuple[float, ...]
    start_up: tuple[float, ...]
    needs: tuple[Capacity, ...]
    alone: tuple[Capacity, ...]
    kinds: tuple[int, ...]
    platforms: tuple[Literal["FARGATE", "EC2"] | None, ...]
    costs: tuple[Costs, ...] = attrs.field(hash=False)

    @classmethod
    def of(cls, graph: Graph, durations: Mapping[str, float] | None, costs: Costs) -> Work:
        """Return the work of a graph.

        Args:
            graph: The graph.
            durations: Seconds by layer. A layer without a duration gets the median of the others.
            costs: What jobs cost.
        """
        units = {unit.layers[0]: unit for unit in fuse_fan_outs(graph)}
        names, after = topological_numbering({name: unit.depends for name, unit in units.items()})
        layers = {layer.name: layer for layer in graph.layers}
        takes = complete(durations or {}, layers)
        firsts = [layers[name] for name in names]
        targets = [batch_target(layer.placement) for layer in firsts]
        starts = start_ups(graph, costs)
        return cls(
            units=tuple(units[name] for name in names),
            after=after,
            seconds=tuple(math.fsum(takes[layer] for layer in units[name].layers) for name in names),
            start_up=tuple(starts[layer.name] for layer in firsts),
            needs=tuple(Capacity(layer.container.cpu, layer.container.memory) for layer in firsts),
            alone=tuple(Capacity(*job_size(layer.placement)) for layer in firsts),
            kinds=_kinds(firsts),
            platforms=tuple(target.platform if target else None for target in targets),
            costs=tuple(costs.at(layer.placement) for layer in firsts),
        )

    @functools.cached_property
    def tails(self) -> Sequence[float]:
        """The seconds from the start of each unit to the end of the longest path from it, without start-ups."""
        longest = [0.0] * len(self.after)
        for member in reversed(range(len(self.after))):
            longest[member] += self.seconds[member]
            for predecessor in self.after[member]:
                longest[predecessor] = max(longest[predecessor], longest[member])
        return longest

    @functools.cached_property
    def starts(self) -> Sequence[float]:
        """The earliest start of each unit, without start-ups."""
        found: list[float] = []
        for above in self.after:
            found.append(max((found[member] + self.seconds[member] for member in above), default=0.0))
        return found

    def in_order(self, members: Iterable[int]) -> tuple[int, ...]:
        """Return units in the order in which their job starts them: first what the longest path goes on from."""
        return tuple(sorted(members, key=lambda member: (-self.tails[member], member)))

    def sizes(self, members: Sequence[int]) -> tuple[Capacity, ...]:
        """Return the sizes of a job for units of one kind, from the smallest to the largest."""
        platform = self.platforms[members[0]]
        if len(members) == 1 or platform is None:
            return (self.alone[members[0]],)
        needs = {self.needs[member] for member in members}
        cpu, memory = max(need.cpu for need in needs), max(need.memory for need in needs)
        return job_sizes(platform, cpu, memory, max(need.memory / need.cpu for need in needs))


@functools.cache
def job_sizes(platform: Literal["FARGATE", "EC2"], cpu: float, memory: int, ratio: float) -> tuple[Capacity, ...]:
    """Return the sizes of jobs that several layers share, from the smallest to the largest.

    Args:
        platform: The platform.
        cpu: The virtual CPUs of the largest layer.
        memory: The memory of the largest layer, in MiB.
        ratio: The most memory for a virtual CPU.

    Example:
        >>> [(size.cpu, size.memory) for size in job_sizes("FARGATE", 1, 3072, 3072)]
        [(1, 3072), (2, 6144), (4, 12288), (8, 24576), (16, 49152)]
    """
    if platform == "EC2":
        doubled = [cpu * 2**power for power in range(5)]
        return tuple(
            Capacity(each, max(memory, math.ceil(ratio * each))) for each in doubled if each == cpu or each <= _MOST_CPU
        )
    found = []
    for each, amounts in FARGATE_MEMORY.items():
        wanted = max(memory, min(ratio * each, amounts[-1]))
        if cpu <= each and wanted <= amounts[-1] and (each <= _MOST_CPU or each == cpu):
            found.append(Capacity(each, next(amount for amount in amounts if amount >= wanted)))
    return tuple(found)


def _kinds(layers: Sequence[LayerNode]) -> tuple[int, ...]:
    numbers: dict[Placement, int] = {}
    return tuple(
        numbers.setdefault(_what_jobs_share(layer.placement), len(numbers)) if obstacle(layer) is None else -1 - place
        for place, layer in enumerate(layers)
    )


@functools.cache
def _what_jobs_share(placement: Placement) -> Placement:
    """Return what layers that share a job have in common."""
    container: Container = attrs.evolve(placement.container, cpu=0, memory=0)
    target = placement.target
    return place(container, attrs.evolve(target, timeout=None) if isinstance(target, BatchTarget) else target)


def chains(work: Work, members: Sequence[int]) -> list[tuple[int, ...]]:
    """Return the chains of a part of a flow: each unit waits for the one before it only, which has no other.

    Args:
        work: The units of the flow.
        members: The units of the part, sorted.

    Returns:
        Each unit in one chain, of units that may share a job and take equally much of it.
    """
    inside = frozenset(members)
    followers = Counter(above for member in members for above in work.after[member])
    ending: dict[int, list[int]] = {}
    for member in members:
        before = work.after[member][0] if len(work.after[member]) == 1 else -1
        joins = before in inside and followers[before] == 1 and work.kinds[before] == work.kinds[member]
        chain = ending.pop(before) if joins and work.needs[before] == work.needs[member] else []
        chain.append(member)
        ending[member] = chain
    return [tuple(chain) for chain in ending.values()]
