"""Finds the modules of a prime part, as in the modular decomposition of graphs.

A module is a set of layers that every other layer relates to in one way: it comes before all of them, after all of
them, or is unrelated to all of them. So a module is one node to all other layers: who waits for one of its layers waits
for all, and all of its layers wait for the same. The largest modules of a prime part, except the whole, are disjoint
(Gallai, "Transitiv orientierbare Graphen", 1967).

Partition refinement finds the modules without a given layer. A closure finds the module with that layer: the smallest
module that also has another given layer (Ehrenfeucht, Gabow, McConnell and Sullivan, "An O(n^2) divide-and-conquer
algorithm for the prime tree decomposition of two-structures and modular decomposition of graphs", 1994).
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence

import attrs

from laminar_codegen.planning.partial_order import Predecessors, bits_of, closure

__all__ = ["modules"]

#: The budget of the search, in visits of layers. It keeps the compile time of large flows short.
_WORK = 200_000

#: Up to this many other layers refine a set one by one. With more of them, each layer of the set is classified.
_FEW = 16


def modules(predecessors: Predecessors) -> list[list[int]]:
    """Return the largest modules of a prime part.

    Args:
        predecessors: The order of the part.

    Returns:
        Its layers by module, in the order of their first layers. The search may miss modules of large parts. Layers
        with the same predecessors and the same successors are always in one module.
    """
    before = closure(predecessors)
    found = _Relation(before, _successors(predecessors)).modules()
    return sorted(list(bits_of(module)) for module in found)


def _successors(predecessors: Predecessors) -> list[int]:
    """Return for each layer the set of all its successors, direct or not."""
    after = [0] * len(predecessors)
    for member in reversed(range(len(predecessors))):
        for predecessor in predecessors[member]:
            after[predecessor] |= after[member] | 1 << member
    return after


@attrs.frozen(eq=False, repr=False)
class _Relation:
    before: Sequence[int]
    after: Sequence[int]

    def modules(self) -> Iterable[int]:
        others = self._without_first()
        if others is None:
            everything = (1 << len(self.before)) - 1
            return self._partition(everything, 0)
        own = self._with_first([(module & -module).bit_length() - 1 for module in others])
        return [
            *(module for module in others if not module & own),
            1 | sum(module for module in others if module & own),
        ]

    def _without_first(self) -> list[int] | None:
        """Return the largest modules without layer 0, None if the budget is spent first."""
        after = self.after[0]
        beside = (1 << len(self.before)) - 2 & ~after
        # Sets to refine, each with the layers that may still split it.
        todo = [(bits, others) for bits, others in ((after, beside), (beside, after)) if bits]
        found: list[int] = []
        left = _WORK
        while todo and left >= 0:
            bits, others = todo.pop()
            parts = self._partition(bits, others) if bits & (bits - 1) else [bits]
            left -= min(bits.bit_count(), others.bit_count())
            if len(parts) == 1:
                found += parts
            else:
                todo += [(part, bits & ~part) for part in parts]
        return None if todo else found

    def _partition(self, bits: int, others: int) -> list[int]:
        """Partition a set by the relations of its layers to some other layers."""
        if others.bit_count() <= _FEW:
            parts = [bits]
            for other in bits_of(others):
                before, after = self.before[other], self.after[other]
                sides = ((part & before, part & after, part & ~before & ~after) for part in parts)
                parts = [side for part in sides for side in part if side]
            return parts
        groups: dict[tuple[int, int], int] = {}
        for member in bits_of(bits):
            key = self.before[member] & others, self.after[member] & others
            groups[key] = groups.get(key, 0) | 1 << member
        return list(groups.values())

    def _with_first(self, firsts: Sequence[int]) -> int:
        """Return the layers, out of one per module without layer 0, that are in a module with layer 0."""
        everything = sum(1 << member for member in firsts)
        own = far = 0
        for member in firsts:
            if not own >> member & 1:
                drawn = self._closure(member, everything, own, far)
                if drawn == everything or drawn & far:
                    far |= 1 << member
                else:
                    own |= drawn
        return own

    def _closure(self, member: int, everything: int, own: int, far: int) -> int:
        """Return the closure: the smallest module with layer 0 and `member`. Stop at layers known to be `far`."""
        drawn = todo = 1 << member
        while todo and not drawn & far:
            lowest = todo & -todo
            other = lowest.bit_length() - 1
            # A layer that relates to the two in different ways must be in the module, too.
            splitting = (self.before[other] ^ self.before[0]) | (self.after[other] ^ self.after[0])
            todo = (todo ^ lowest) | (splitting & everything & ~drawn & ~own)
            drawn |= splitting & everything
        return drawn | own if drawn & own else drawn
