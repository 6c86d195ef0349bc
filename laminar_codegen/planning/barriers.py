"""Chooses barriers for prime parts, whose order no nesting expresses.

A barrier delays layers, and its two sides need barriers of their own. The cost of a barrier is known only after both
sides are planned. So the most promising barriers are tried: each side is planned by the same rule with less look-ahead,
and the barrier with the shortest plan wins. Large flows have a smaller budget: less look-ahead and fewer tries.
"""

from __future__ import annotations

import contextlib
import math
from collections.abc import Iterator, Sequence
from typing import assert_never

import attrs

from laminar_codegen.planning.barrier_candidates import Barrier, barrier_candidates
from laminar_codegen.planning.decompose import Decomposition, ParallelParts, PrimePart, SeriesParts
from laminar_codegen.planning.partial_order import Members

__all__ = ["Barriers"]

#: The budget of the search, in visits of layers: for the whole flow, and at most for each layer of a part. The search
#: counts visits, never seconds, so a flow has the same plan on every machine.
_BUDGET, _SHARE = 250_000, 400

#: The greatest number of barriers to try for a part, and the visits per layer that one of them costs.
_TRIES, _VISITS = 16, 8

#: The greatest look-ahead.
_LOOKAHEAD = 2

#: The `balance` of `barrier_candidates`, by the depth that the plan of the part may have: the more even the sides are,
#: the less deep they nest, and the sooner the search ends.
_BALANCE = ((32, 16), (16, 4), (0, 2))


class _BudgetSpentError(Exception):
    """The search has used its budget."""


@attrs.define(eq=False)
class Barriers:
    """The barriers of the prime parts of a flow.

    Args:
        decomposition: The parts of the flow.
        samples: The sampled durations of each layer, in seconds.
        seconds: The average duration of each layer.
    """

    decomposition: Decomposition
    samples: Sequence[tuple[float, ...]]
    seconds: Sequence[float]
    _budget: float = attrs.field(init=False, default=_BUDGET)
    _reserve: float = attrs.field(init=False, default=0)
    _decided: dict[tuple[Members, int], Barrier] = attrs.field(init=False, factory=dict)
    _candidates: dict[tuple[Members, int, int], tuple[Barrier, ...]] = attrs.field(init=False, factory=dict)
    _chosen: dict[tuple[Members, int], Barrier] = attrs.field(init=False, factory=dict)
    _lengths: dict[tuple[Members, int], tuple[float, ...]] = attrs.field(init=False, factory=dict)

    def barrier(self, members: Members, max_depth: int) -> Barrier:
        """Return the barrier of a prime part.

        Args:
            members: Its layers.
            max_depth: The greatest depth of its plan.
        """
        key = members, _balance(max_depth)
        if key not in self._decided:
            self._reserve = max(0, self._budget - self._share * len(members))
            (best,) = self._candidates_of(members, max_depth, 1)
            with contextlib.suppress(_BudgetSpentError):
                for lookahead in range(_LOOKAHEAD):
                    for better in self._better(best, members, lookahead, max_depth):
                        best = better
            self._decided[key] = best
        return self._decided[key]

    @property
    def _share(self) -> float:
        """The greatest number of visits of each layer of a part."""
        return min(_SHARE, _BUDGET / len(self.samples) / 3)

    def _candidates_of(self, members: Members, max_depth: int, most: int) -> tuple[Barrier, ...]:
        key = members, _balance(max_depth), most
        if key not in self._candidates:
            self._budget -= len(members)
            found = barrier_candidates(
                self.decomposition.predecessors, members, self.seconds, most=most, balance=key[1]
            )
            self._candidates[key] = found
        return self._candidates[key]

    def _better(self, best: Barrier, members: Members, lookahead: int, max_depth: int) -> Iterator[Barrier]:
        """Yield the best barrier so far, and then each barrier of a part that is better than the one before."""
        tries = min(_TRIES, int(self._share / _VISITS))
        others = (
            [barrier for barrier in self._candidates_of(members, max_depth, tries) if barrier != best]
            if tries > 1
            else []
        )
        shortest = math.inf
        for barrier in (best, *others) if others else ():
            # No plan with the barrier is shorter than its lower bound.
            if barrier.lower_bound * len(self.samples[0]) < shortest:
                length = math.fsum(self._barrier_length(barrier, lookahead, max_depth))
                if length < shortest:
                    shortest = length
                    yield barrier

    def _best(self, members: Members, lookahead: int, max_depth: int) -> Barrier:
        """Return the best barrier of a part when each side is planned with look-ahead ``lookahead - 1``."""
        (best,) = self._candidates_of(members, max_depth, 1)
        key = members, lookahead
        if lookahead and key not in self._chosen:
            for better in self._better(best, members, lookahead - 1, max_depth):
                best = better
            self._chosen[key] = best
        return self._chosen.get(key, best)

    def _barrier_length(self, barrier: Barrier, lookahead: int, max_depth: int) -> tuple[float, ...]:
        first, rest = (
            self._length(barrier.before, lookahead, max_depth),
            self._length(barrier.after, lookahead, max_depth),
        )
        return tuple(map(float.__add__, first, rest))

    def _length(self, members: Members, lookahead: int, max_depth: int) -> tuple[float, ...]:
        """Return the makespan of a part in each sample when barriers are chosen with this look-ahead."""
        if len(members) == 1:
            return self.samples[members[0]]
        key = members, lookahead
        if key not in self._lengths:
            self._lengths[key] = self._plan_length(members, lookahead, max_depth)
        return self._lengths[key]

    def _plan_length(self, members: Members, lookahead: int, max_depth: int) -> tuple[float, ...]:
        self._budget -= len(members)
        if self._budget < self._reserve:
            raise _BudgetSpentError
        if max_depth == 0:
            # Too deep: the worst makespan there is, so that another barrier wins.
            return tuple(map(math.fsum, zip(*(self.samples[member] for member in members), strict=True)))
        split = self.decomposition.split(members)
        match split:
            case ParallelParts(parts):
                return tuple(map(max, *(self._length(part, lookahead, max_depth - 1) for part in parts)))
            case SeriesParts(parts):
                lengths = (self._length(part, lookahead, max_depth - 1) for part in parts)
                return tuple(map(math.fsum, zip(*lengths, strict=True)))
            case PrimePart():
                return self._barrier_length(self._best(members, lookahead, max_depth), lookahead, max_depth)
            case _:
                assert_never(split)


def _balance(max_depth: int) -> int:
    """Return the `balance` for a plan of this depth."""
    return next(balance for least, balance in _BALANCE if max_depth >= least)
