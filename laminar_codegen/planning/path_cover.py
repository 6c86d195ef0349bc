"""Covers an order with chains, so that as few dependencies as possible are between chains.

Before: ``C after A``, ``D after A, B``. After: ``A, C`` and ``B, D``, where only ``D after A`` is between two chains.

A layer has one successor in its chain at most, and one predecessor. So the dependencies within chains are a matching of
layers as predecessors with layers as successors, and the largest matching leaves the fewest between chains.
"""

from __future__ import annotations

from collections import deque

import attrs

from laminar_codegen.planning.partial_order import Parents, closure

__all__ = ["cover", "reduce"]

#: How often the matching is made larger all over at most; it is as large as can be after a few times.
_ROUNDS = 30


def reduce(parents: Parents) -> Parents:
    """The order by the fewest dependencies: without those that follow from others.

    Args:
        parents: The order.

    Example:
        >>> reduce([[], [0], [0, 1]])
        [[], [0], [1]]
    """
    before = closure(parents)
    reduced: list[list[int]] = []
    for above in parents:
        implied = 0
        for parent in above:
            implied |= before[parent]
        reduced.append([parent for parent in above if not implied >> parent & 1])
    return reduced


def cover(parents: Parents) -> list[list[int]]:
    """The chains of an order.

    Args:
        parents: The order, by the fewest dependencies.

    Returns:
        Each layer in one chain, in the order of their first layers.

    Example:
        >>> cover([[], [], [0], [0, 1]])
        [[0, 2], [1, 3]]
    """
    matching = _Matching(parents)
    for _ in range(_ROUNDS):
        if not matching.grow():
            break
    return matching.chains()


@attrs.frozen
class _Matching:
    parents: Parents
    previous: dict[int, int] = attrs.field(factory=dict)
    following: dict[int, int] = attrs.field(factory=dict)

    def chains(self) -> list[list[int]]:
        """The layers, each with those that follow it."""
        chains = [[member] for member in range(len(self.parents)) if member not in self.previous]
        for chain in chains:
            while chain[-1] in self.following:
                chain.append(self.following[chain[-1]])
        return chains

    def grow(self) -> bool:
        """Match more layers, if it can be done by matching others otherwise. Each layer is tried once at most."""
        reached: dict[int, int] = {}
        alone = [member for member in range(len(self.parents)) if member not in self.previous]
        return sum(self._match(member, reached) for member in alone) > 0

    def _match(self, member: int, reached: dict[int, int]) -> bool:
        """Match a layer with one before it; `reached` tells for which layer one before was tried."""
        todo = deque([member])
        while todo:
            current = todo.popleft()
            for parent in self.parents[current]:
                if parent in reached:
                    continue
                reached[parent] = current
                if parent not in self.following:
                    self._turn(parent, reached)
                    return True
                todo.append(self.following[parent])
        return False

    def _turn(self, parent: int, reached: dict[int, int]) -> None:
        """Match a layer with the one that it was tried for, and what was matched with that one in the same way."""
        free: int | None = parent
        while free is not None:
            member, taken = reached[free], free
            free = self.previous.get(member)
            self.previous[member], self.following[taken] = taken, member
