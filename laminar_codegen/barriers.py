"""Chooses where barriers are put into what no nesting says.

A barrier delays layers, and its two sides need barriers of their own. What a cut costs shows only when both sides are
planned, so that is what is done: the most promising cuts are tried, each side is planned by the same rule with less
foresight, and the cut that gives the shortest plan is taken. A flow of so many layers that this would take long is
planned with less foresight and fewer tries.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import assert_never

import attrs

from laminar_codegen.cuts import Cut, cuts
from laminar_codegen.decompose import Beside, Decomposition, InTurn, Prime
from laminar_codegen.order import Members

__all__ = ["Barriers"]

#: How often each layer of a prime part may be looked at in search of the part's cut, in all and in flows of so many
#: layers in all. Counted, never timed, so that a flow gives the same plan on every machine.
_LOOKS, _WORK = 400, 150_000

#: How many cuts are tried at most, and about how often each layer is looked at for each of them.
_TRIES, _LOOKS_A_TRY = 16, 8

#: How far ahead is looked.
_FORESIGHT = 2


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
    _left: int = attrs.field(init=False, default=0)
    _cuts: dict[Members, tuple[Cut, ...]] = attrs.field(init=False, factory=dict)
    _chosen: dict[tuple[Members, int], Cut] = attrs.field(init=False, factory=dict)
    _lengths: dict[tuple[Members, int], tuple[float, ...]] = attrs.field(init=False, factory=dict)

    def cut(self, members: Members, room: int) -> Cut:
        """The cut of a prime part.

        Args:
            members: Its layers.
            room: How deep its plan may nest.
        """
        self._left = len(members) * self._looks
        best = self._candidates(members)[0]
        for foresight in range(1, _FORESIGHT + 1):
            try:
                best = self._cut(members, foresight, room)
            except _SpentError:
                break
        return best

    @property
    def _looks(self) -> int:
        return min(_LOOKS, _WORK // len(self.courses))

    def _candidates(self, members: Members) -> tuple[Cut, ...]:
        if members not in self._cuts:
            self._left -= len(members)
            tries = min(_TRIES, max(1, self._looks // _LOOKS_A_TRY))
            self._cuts[members] = cuts(self.decomposition.parents, members, self.seconds, tries)
        return self._cuts[members]

    def _cut(self, members: Members, foresight: int, room: int) -> Cut:
        key = members, foresight
        if key not in self._chosen:
            self._chosen[key] = self._choose(members, foresight, room)
        return self._chosen[key]

    def _choose(self, members: Members, foresight: int, room: int) -> Cut:
        candidates = self._candidates(members)
        best, shortest = candidates[0], math.inf
        if foresight == 0 or len(candidates) == 1:
            return best
        for cut in candidates:
            # No cut takes less than its bound, and the bounds rise.
            if cut.bound * len(self.courses[0]) >= shortest:
                break
            length = math.fsum(self._cut_length(cut, foresight - 1, room))
            if length < shortest:
                best, shortest = cut, length
        return best

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
        if self._left < 0:
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
