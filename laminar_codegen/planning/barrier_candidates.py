"""Finds candidates for barriers: layers that run before all others, with a lower bound of the makespan.

Before: ``C after A``, ``D after A, B``. After, among others: ``A, B`` before ``C, D``.

A candidate is the set of layers that have started, or ended, by some time in a schedule: the latest, the earliest, or
the one halfway between. Such barriers keep layers parallel that would run at the same time.
"""

from __future__ import annotations

import heapq
import itertools
import operator
from collections.abc import Iterator, Sequence

import attrs

from laminar_codegen.ir.structs import Struct
from laminar_codegen.planning.partial_order import Members, Predecessors, earliest_finish, ranks, restrict

__all__ = ["Barrier", "barrier_candidates"]


@attrs.frozen(eq=False, repr=False)
class Barrier(Struct):
    """A barrier.

    Args:
        lower_bound: The least makespan with the barrier, in seconds: the longest paths of its two sides together.
        before: The layers before it.
        after: The layers after it.
    """

    lower_bound: float
    before: Members
    after: Members


def barrier_candidates(
    predecessors: Predecessors, members: Members, seconds: Sequence[float], *, most: int, balance: int
) -> tuple[Barrier, ...]:
    """Return the most promising barriers for some layers, the best first.

    Args:
        predecessors: The order of all layers.
        members: Connected layers, with all layers between any two of them.
        seconds: The duration of each of all layers.
        most: The greatest number of barriers.
        balance: The smaller side of a barrier has at least ``len(members) / balance`` layers, if there are such
            barriers.

    Returns:
        At least one barrier.
    """
    local = restrict(predecessors, members)
    takes = [seconds[member] for member in members]
    ends, tail = earliest_finish(local, takes), _tail(local, takes)
    late = [-seconds for seconds in tail]
    middle = [one + other for one, other in zip(ends, late, strict=True)]
    # The rank orders layers without duration after their predecessors.
    level = ranks(local)
    rankings = [_Ranking.of(list(zip(times, level, strict=True))) for times in (late, middle, ends)]
    # Of equal bounds the latest schedule comes first, and of its barriers the most balanced.
    found = [
        (bound, index, abs(len(members) - 2 * place), place)
        for index, ranking in enumerate(rankings)
        for place, bound in ranking.bounds(ends, tail)
    ]
    balanced = [one for one in found if len(members) - one[2] >= 2 * (len(members) // balance)]
    # Each ranking finds a barrier at most once.
    best = heapq.nsmallest(len(rankings) * most, balanced or [min(found, key=operator.itemgetter(2))])
    chosen: dict[Members, Barrier] = {}
    for bound, index, _, place in best:
        if len(chosen) == most:
            break
        first, rest = rankings[index].sides(place, members)
        chosen.setdefault(first, Barrier(bound, first, rest))
    return tuple(chosen.values())


def _tail(predecessors: Predecessors, takes: Sequence[float]) -> list[float]:
    """Return for each layer the longest path from its start to the end of all layers, in seconds."""
    tail = [0.0] * len(takes)
    for member in reversed(range(len(takes))):
        tail[member] += takes[member]
        for predecessor in predecessors[member]:
            tail[predecessor] = max(tail[predecessor], tail[member])
    return tail


@attrs.frozen(eq=False, repr=False)
class _Ranking:
    """Layers sorted by time, and the places between layers with different times."""

    ranked: Sequence[int]
    places: Sequence[int]

    @classmethod
    def of(cls, times: Sequence[tuple[float, int]]) -> _Ranking:
        ranked = sorted(range(len(times)), key=times.__getitem__)
        sequence = [times[member] for member in ranked]
        return cls(ranked, [place for place in range(1, len(ranked)) if sequence[place - 1] < sequence[place]])

    def bounds(self, ends: Sequence[float], tail: Sequence[float]) -> Iterator[tuple[int, float]]:
        """Yield each place with the sum of the longest paths before and after it, in seconds."""
        before = list(itertools.accumulate([ends[member] for member in self.ranked], max))
        after = list(itertools.accumulate([tail[member] for member in reversed(self.ranked)], max))[::-1]
        return ((place, before[place - 1] + after[place]) for place in self.places)

    def sides(self, place: int, members: Members) -> tuple[Members, Members]:
        """Return the layers before a place, and those after it."""
        first, rest = sorted(self.ranked[:place]), sorted(self.ranked[place:])
        return tuple(members[index] for index in first), tuple(members[index] for index in rest)
