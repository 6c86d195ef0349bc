"""Where a barrier may be put: which layers run before all others, and how long that takes at least.

Before: ``C after A``, ``D after A, B``. After, among others: ``A, B`` before ``C, D``.

Tried are the layers that have started, or ended, by a time: each layer as late as it may, as early as it can, or
halfway between. Such cuts keep beside each other what runs beside each other.
"""

from __future__ import annotations

import itertools
from collections.abc import Iterator, Sequence

import attrs

from laminar_codegen.order import Members, Parents, finish, levels, within

__all__ = ["Cut", "cuts"]

#: The smaller side of a cut has at least one layer in so many, if there is such a cut, so that taking a set of layers
#: apart, again and again, comes to an end soon.
_LEAST = 16


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


@attrs.frozen
class _Candidate:
    bound: float
    unbalance: int
    place: int
    ranked: tuple[int, ...]

    def cut(self, members: Members) -> Cut:
        first, rest = self.ranked[: self.place], self.ranked[self.place :]
        return Cut(
            self.bound,
            tuple(members[index] for index in sorted(first)),
            tuple(members[index] for index in sorted(rest)),
        )


def cuts(parents: Parents, members: Members, seconds: Sequence[float], most: int) -> tuple[Cut, ...]:
    """The most promising cuts of some layers, the best first.

    Args:
        parents: The order of all layers.
        members: Layers that hang together, with all layers between any two of them.
        seconds: How long each of all layers takes.
        most: How many cuts.

    Returns:
        At least one.
    """
    local = within(parents, members)
    takes = [seconds[member] for member in members]
    ends, tail = finish(local, takes), _tail(local, takes)
    late = [-seconds for seconds in tail]
    middle = [one + other for one, other in zip(ends, late, strict=True)]
    level = levels(local)
    found = [
        candidate
        for times in (late, middle, ends)
        # By their level layers that take no time are told apart from what is before them.
        for candidate in _candidates(list(zip(times, level, strict=True)), ends, tail)
    ]
    least = len(members) // _LEAST
    balanced = [candidate for candidate in found if len(members) - candidate.unbalance >= 2 * least]
    # Sorting is stable: of what is as good, cuts as late as may be come first, and of these the most balanced.
    best = sorted(balanced, key=lambda candidate: candidate.bound)
    return _distinct(best or [min(found, key=lambda candidate: candidate.unbalance)], members, most)


def _tail(parents: Parents, takes: Sequence[float]) -> list[float]:
    """How long it takes at least from the start of each layer to the end of all."""
    tail = [0.0] * len(takes)
    for member in reversed(range(len(takes))):
        tail[member] += takes[member]
        for parent in parents[member]:
            tail[parent] = max(tail[parent], tail[member])
    return tail


def _candidates(
    times: Sequence[tuple[float, int]], ends: Sequence[float], tail: Sequence[float]
) -> Iterator[_Candidate]:
    """The cuts between layers of different times, the most balanced first."""
    ranked = tuple(sorted(range(len(times)), key=times.__getitem__))
    before = list(itertools.accumulate((ends[member] for member in ranked), max))
    after = list(itertools.accumulate((tail[member] for member in reversed(ranked)), max))[::-1]
    places = [place for place in range(1, len(ranked)) if times[ranked[place - 1]] < times[ranked[place]]]
    candidates = (
        _Candidate(before[place - 1] + after[place], abs(len(ranked) - 2 * place), place, ranked) for place in places
    )
    yield from sorted(candidates, key=lambda candidate: candidate.unbalance)


def _distinct(candidates: Sequence[_Candidate], members: Members, most: int) -> tuple[Cut, ...]:
    """The first cuts that are not the same as one before."""
    found: dict[Members, Cut] = {}
    for candidate in candidates:
        if len(found) == most:
            break
        cut = candidate.cut(members)
        found.setdefault(cut.first, cut)
    return tuple(found.values())
