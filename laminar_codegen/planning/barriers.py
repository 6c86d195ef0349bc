"""Chooses where barriers are put into what no nesting says.

A barrier delays layers, and its two sides need barriers of their own. What a cut costs shows only when both sides are
planned, so that is what is done: the most promising cuts are tried, each side is planned by the same rule with less
foresight, and the cut that gives the shortest plan is taken. A flow of so many layers that this would take long is
planned with less foresight and fewer tries.
"""

from __future__ import annotations

import contextlib
import math
from collections.abc import Iterator, Sequence
from typing import assert_never

import attrs

from laminar_codegen.planning.barrier_candidates import Cut, cuts
from laminar_codegen.planning.decompose import Beside, Decomposition, InTurn, Prime
from laminar_codegen.planning.partial_order import Members

__all__ = ["Barriers"]

#: How many layers are looked at in search of cuts, each as often as it is: in all, and at most for each layer of a part
#: that is cut. Counted, never timed, so that a flow gives the same plan on every machine.
_WORK, _SHARE = 250_000, 400

#: How many cuts of a part are tried at most, and how often each layer of a part may be looked at for each of them.
_TRIES, _LOOKS = 16, 8

#: How often the sides of cuts that are tried are planned with more foresight.
_FORESIGHT = 2

#: The smaller side of a cut has one layer in so many at least, by how deep the plan of the part may nest: the more even
#: the sides, the less deep they nest, and the sooner the search comes to an end.
_BALANCE = ((32, 16), (16, 4), (0, 2))


class _SpentError(Exception):
    """The search takes too long."""


@attrs.define(eq=False)
class Barriers:
    """The cuts of a flow's prime parts.

    Args:
        decomposition: The flow's parts.
        courses: For each layer how long it takes, in one course of the execution or several.
        seconds: For each layer how long it takes on average.
    """

    decomposition: Decomposition
    courses: Sequence[tuple[float, ...]]
    seconds: Sequence[float]
    _left: float = attrs.field(init=False, default=_WORK)
    _stop: float = attrs.field(init=False, default=0)
    _settled: dict[tuple[Members, int], Cut] = attrs.field(init=False, factory=dict)
    _candidates: dict[tuple[Members, int, int], tuple[Cut, ...]] = attrs.field(init=False, factory=dict)
    _chosen: dict[tuple[Members, int], Cut] = attrs.field(init=False, factory=dict)
    _lengths: dict[tuple[Members, int], tuple[float, ...]] = attrs.field(init=False, factory=dict)

    def cut(self, members: Members, room: int) -> Cut:
        """The cut of a prime part.

        Args:
            members: Its layers.
            room: How deep its plan may nest.
        """
        key = members, _balance(room)
        if key not in self._settled:
            self._stop = max(0, self._left - self._share * len(members))
            (best,) = self._cuts(members, room, 1)
            with contextlib.suppress(_SpentError):
                for foresight in range(_FORESIGHT):
                    for better in self._better(best, members, foresight, room):
                        best = better
            self._settled[key] = best
        return self._settled[key]

    @property
    def _share(self) -> float:
        """How often each layer of a part may be looked at."""
        return min(_SHARE, _WORK / len(self.courses) / 3)

    def _cuts(self, members: Members, room: int, most: int) -> tuple[Cut, ...]:
        key = members, _balance(room), most
        if key not in self._candidates:
            self._left -= len(members)
            found = cuts(self.decomposition.parents, members, self.seconds, most=most, balance=key[1])
            self._candidates[key] = found
        return self._candidates[key]

    def _better(self, best: Cut, members: Members, foresight: int, room: int) -> Iterator[Cut]:
        """The best cut so far, and then those of a part that are better, each than the one before."""
        tries = min(_TRIES, int(self._share / _LOOKS))
        others = [cut for cut in self._cuts(members, room, tries) if cut != best] if tries > 1 else []
        shortest = math.inf
        for cut in (best, *others) if others else ():
            # No cut takes less than its bound.
            if cut.bound * len(self.courses[0]) < shortest:
                length = math.fsum(self._cut_length(cut, foresight, room))
                if length < shortest:
                    shortest = length
                    yield cut

    def _cut(self, members: Members, foresight: int, room: int) -> Cut:
        """The best cut of a part if the sides of cuts are planned with so much foresight less one."""
        (best,) = self._cuts(members, room, 1)
        key = members, foresight
        if foresight and key not in self._chosen:
            for better in self._better(best, members, foresight - 1, room):
                best = better
            self._chosen[key] = best
        return self._chosen.get(key, best)

    def _cut_length(self, cut: Cut, foresight: int, room: int) -> tuple[float, ...]:
        first, rest = self._length(cut.first, foresight, room), self._length(cut.rest, foresight, room)
        return tuple(map(float.__add__, first, rest))

    def _length(self, members: Members, foresight: int, room: int) -> tuple[float, ...]:
        """How long a part takes in each course if cuts are chosen with so much foresight."""
        if len(members) == 1:
            return self.courses[members[0]]
        key = members, foresight
        if key not in self._lengths:
            self._lengths[key] = self._plan_length(members, foresight, room)
        return self._lengths[key]

    def _plan_length(self, members: Members, foresight: int, room: int) -> tuple[float, ...]:
        self._left -= len(members)
        if self._left < self._stop:
            raise _SpentError
        if room == 0:
            # Too deep: as bad as it gets, so that another cut is taken.
            return tuple(map(math.fsum, zip(*(self.courses[member] for member in members), strict=True)))
        split = self.decomposition.split(members)
        match split:
            case Beside(parts):
                return tuple(map(max, *(self._length(part, foresight, room - 1) for part in parts)))
            case InTurn(parts):
                lengths = (self._length(part, foresight, room - 1) for part in parts)
                return tuple(map(math.fsum, zip(*lengths, strict=True)))
            case Prime():
                return self._cut_length(self._cut(members, foresight, room), foresight, room)
            case _:
                assert_never(split)


def _balance(room: int) -> int:
    """One layer in how many is in the smaller side of a cut, at least."""
    return next(balance for least, balance in _BALANCE if room >= least)
