"""Takes sets of layers apart by their order: into what does not depend on each other, or comes after each other.

What is neither is prime: it contains an N (C after A; D after A and B), and no nesting of sequences and branches says
its order. Each set is taken apart once, whoever asks.
"""

from __future__ import annotations

from collections.abc import Iterable

import attrs

from laminar_codegen.planning.partial_order import Members, Parents, components, series, within

__all__ = ["Beside", "Decomposition", "InTurn", "Prime", "Split"]


@attrs.frozen
class Beside:
    """Parts that do not depend on each other."""

    parts: tuple[Members, ...]


@attrs.frozen
class InTurn:
    """Parts of which each comes wholly before the next."""

    parts: tuple[Members, ...]


@attrs.frozen
class Prime:
    """Layers that are neither."""


Split = Beside | InTurn | Prime


@attrs.frozen
class Decomposition:
    """The parts of a flow.

    Args:
        parents: Its order.
    """

    parents: Parents
    _splits: dict[Members, Split] = attrs.field(init=False, factory=dict)

    def split(self, members: Members) -> Split:
        """What some layers fall apart into.

        Args:
            members: At least two layers, with all layers between any two of them.
        """
        if members not in self._splits:
            self._splits[members] = self._split(members)
        return self._splits[members]

    def _split(self, members: Members) -> Split:
        parents = within(self.parents, members)
        parts = components(parents)
        if len(parts) > 1:
            return Beside(_named(parts, members))
        parts = series(parents)
        return InTurn(_named(parts, members)) if len(parts) > 1 else Prime()


def _named(parts: Iterable[list[int]], members: Members) -> tuple[Members, ...]:
    return tuple(tuple(members[index] for index in part) for part in parts)
