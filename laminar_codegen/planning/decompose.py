"""Decomposes sets of layers into parallel parts or into parts in series.

A set that is neither is prime: it contains an N (C after A; D after A and B), and no nesting of sequences and branches
expresses its order. Each set is decomposed once, and the result is kept.
"""

from __future__ import annotations

from collections.abc import Iterable

import attrs

from laminar_codegen.ir.structs import Struct
from laminar_codegen.planning.partial_order import Members, Predecessors, components, ordinal_sum, restrict

__all__ = ["Decomposition", "ParallelParts", "PrimePart", "SeriesParts", "Split"]


@attrs.frozen(eq=False, repr=False)
class ParallelParts(Struct):
    """Parts without a dependency between them."""

    parts: tuple[Members, ...]


@attrs.frozen(eq=False, repr=False)
class SeriesParts(Struct):
    """Parts in series: each comes wholly before the next."""

    parts: tuple[Members, ...]


@attrs.frozen(eq=False, repr=False)
class PrimePart(Struct):
    """Layers that have no such parts."""


Split = ParallelParts | SeriesParts | PrimePart


@attrs.frozen(eq=False, repr=False)
class Decomposition:
    """The decomposition of a flow.

    Args:
        predecessors: The order of its layers.
    """

    predecessors: Predecessors
    _splits: dict[Members, Split] = attrs.field(init=False, factory=dict)

    def split(self, members: Members) -> Split:
        """Decompose some layers.

        Args:
            members: At least two layers, with all layers between any two of them.
        """
        if members not in self._splits:
            self._splits[members] = self._split(members)
        return self._splits[members]

    def _split(self, members: Members) -> Split:
        predecessors = restrict(self.predecessors, members)
        parts = components(predecessors)
        if len(parts) > 1:
            return ParallelParts(_renumber(parts, members))
        parts = ordinal_sum(predecessors)
        return SeriesParts(_renumber(parts, members)) if len(parts) > 1 else PrimePart()


def _renumber(parts: Iterable[list[int]], members: Members) -> tuple[Members, ...]:
    return tuple(tuple(members[index] for index in part) for part in parts)
