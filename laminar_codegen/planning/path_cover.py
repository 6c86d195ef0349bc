"""Covers an order with the fewest paths, so that few dependencies are between paths.

Before: ``C after A``, ``D after A, B``. After: ``A, C`` and ``B, D``, where only ``D after A`` is between two paths.

In its path a layer has at most one successor and one predecessor. So the dependencies within paths are a matching of
layers as predecessors with layers as successors, and the largest matching leaves the fewest dependencies between paths
(the minimum path cover of a directed acyclic graph).
"""

from __future__ import annotations

from collections import deque

import attrs

from laminar_codegen.planning.partial_order import Predecessors, closure

__all__ = ["path_cover", "transitive_reduction"]

#: The greatest number of rounds that enlarge the matching. A few rounds are enough in practice.
_ROUNDS = 30


def transitive_reduction(predecessors: Predecessors) -> Predecessors:
    """Return the transitive reduction: the order without dependencies that follow from others.

    Args:
        predecessors: The order.

    Example:
        >>> transitive_reduction([[], [0], [0, 1]])
        [[], [0], [1]]
    """
    before = closure(predecessors)
    reduced: list[list[int]] = []
    for above in predecessors:
        implied = 0
        for predecessor in above:
            implied |= before[predecessor]
        reduced.append([predecessor for predecessor in above if not implied >> predecessor & 1])
    return reduced


def path_cover(predecessors: Predecessors) -> list[list[int]]:
    """Return paths that cover an order.

    Args:
        predecessors: The order, transitively reduced.

    Returns:
        Each layer in one path. The paths are in the order of their first layers.

    Example:
        >>> path_cover([[], [], [0], [0, 1]])
        [[0, 2], [1, 3]]
    """
    matching = _Matching(predecessors)
    for _ in range(_ROUNDS):
        if not matching.grow():
            break
    return matching.paths()


@attrs.frozen(eq=False, repr=False)
class _Matching:
    predecessors: Predecessors
    previous: dict[int, int] = attrs.field(factory=dict)
    following: dict[int, int] = attrs.field(factory=dict)

    def paths(self) -> list[list[int]]:
        """Return the paths that the matching makes."""
        paths = [[member] for member in range(len(self.predecessors)) if member not in self.previous]
        for path in paths:
            while path[-1] in self.following:
                path.append(self.following[path[-1]])
        return paths

    def grow(self) -> bool:
        """Enlarge the matching along augmenting paths. Each layer is tried at most once."""
        reached: dict[int, int] = {}
        alone = [member for member in range(len(self.predecessors)) if member not in self.previous]
        return sum(self._match(member, reached) for member in alone) > 0

    def _match(self, member: int, reached: dict[int, int]) -> bool:
        """Match a layer with a predecessor. `reached` holds for each predecessor the layer that it was tried for."""
        todo = deque([member])
        while todo:
            current = todo.popleft()
            for predecessor in self.predecessors[current]:
                if predecessor in reached:
                    continue
                reached[predecessor] = current
                if predecessor not in self.following:
                    self._flip(predecessor, reached)
                    return True
                todo.append(self.following[predecessor])
        return False

    def _flip(self, predecessor: int, reached: dict[int, int]) -> None:
        """Flip the augmenting path that ends at a predecessor."""
        free: int | None = predecessor
        while free is not None:
            member, taken = reached[free], free
            free = self.previous.get(member)
            self.previous[member], self.following[taken] = taken, member
