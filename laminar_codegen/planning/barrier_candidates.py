"""Where a barrier may be put: which layers run before all others, and how long that takes at least.

Before: ``C after A``, ``D after A, B``. After, among others: ``A, B`` before ``C, D``.

Tried are the layers that have started, or ended, by a time: each layer as late as it may, as early as it can, or
halfway between. Such cuts keep beside each other what runs beside each other.
"""

from __future__ import annotations

import heapq
import itertools
import operator
from collections.abc import Iterator, Sequence

import attrs

from laminar_codegen.planning.partial_order import Members, Parents, finish, levels, within

__all__ = ["Cut", "cuts"]


@attrs.frozen
class Cut:
    """A barrier.

    Args:
        bound: How long the layers take at least, with the barrier: what the longest paths on its sides take.
        first: The layers before it.
        rest: The layers after it.
    """

    bound: float
    first: Members
    rest: Members


def cuts(parents: Parents, members: Members, seconds: Sequence[float], *, most: int, balance: int) -> tuple[Cut, ...]:
    """The most promising cuts of some layers, the best first.

    Args:
        parents: The order of all layers.
        members: Layers that hang together, with all layers between any two of them.
        seconds: How long each of all layers takes.
        most: How many cuts.
        balance: If there are such cuts, the smaller side has at least one layer in so many.

    Returns:
        At least one.
    """
    local = within(parents, members)
    takes = [seconds[member] for member in members]
    ends, tail = finish(local, takes), _tail(local, takes)
    late = [-seconds for seconds in tail]
    middle = [one + other for one, other in zip(ends, late, strict=True)]
    # By their level layers that take no time are told apart from what is before them.
    level = levels(local)
    rankings = [_Ranking.of(list(zip(times, level, strict=True))) for times in (late, middle, ends)]
    # Of what is as good, cuts as late as may be come first, and of these the most balanced.
    found = [
        (bound, index, abs(len(members) - 2 * place), place)
        for index, ranking in enumerate(rankings)
        for place, bound in ranking.bounds(ends, tail)
    ]
    balanced = [cut for cut in found if len(members) - cut[2] >= 2 * (len(members) // balance)]
    # A cut is found once for each ranking at most.
    best = heapq.nsmallest(len(rankings) * most, balanced or [min(found, key=operator.itemgetter(2))])
    chosen: dict[Members, Cut] = {}
    for bound, index, _, place in best:
        if len(chosen) == most:
            break
        first, rest = rankings[index].sides(place, members)
        chosen.setdefault(first, Cut(bound, first, rest))
    return tuple(chosen.values())


def _tail(parents: Parents, takes: Sequence[float]) -> list[float]:
    """How long it takes at least from the start of each layer to the end of all."""
    tail = [0.0] * len(takes)
    for member in reversed(range(len(takes))):
        tail[member] += takes[member]
        for parent in parents[member]:
            tail[parent] = max(tail[parent], tail[member])
    return tail


@attrs.frozen
class _Ranking:
    """Layers by time, and the places between those of different times."""

    ranked: Sequence[int]
    places: Sequence[int]

    @classmethod
    def of(cls, times: Sequence[tuple[float, int]]) -> _Ranking:
        ranked = sorted(range(len(times)), key=times.__getitem__)
        sequence = [times[member] for member in ranked]
        return cls(ranked, [place for place in range(1, len(ranked)) if sequence[place - 1] < sequence[place]])

    def bounds(self, ends: Sequence[float], tail: Sequence[float]) -> Iterator[tuple[int, float]]:
        """The places, with how long the longest paths before and after take together."""
        before = list(itertools.accumulate([ends[member] for member in self.ranked], max))
        after = list(itertools.accumulate([tail[member] for member in reversed(self.ranked)], max))[::-1]
        return ((place, before[place - 1] + after[place]) for place in self.places)

    def sides(self, place: int, members: Members) -> tuple[Members, Members]:
        """The layers before a place, and those after."""
        first, rest = sorted(self.ranked[:place]), sorted(self.ranked[place:])
        return tuple(members[index] for index in first), tuple(members[index] for index in rest)
