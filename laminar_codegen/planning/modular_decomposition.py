"""The modules of a prime part: layers of which all others come before all, after all, or beside all.

What is outside a module cannot tell its layers apart, so the module is one node to it: whatever waits for one of the
layers waits for all, and each of them waits for the same. The modules of a prime part that are as large as can be, but
for the whole, share no layer (Gallai, "Transitiv orientierbare Graphen", 1967).

The modules without a given layer are found by telling apart what others tell apart until there is nothing more to tell;
the one with the layer by what a module that has another one too must also have (Ehrenfeucht, Gabow, McConnell and
Sullivan, "An O(n^2) divide-and-conquer algorithm for the prime tree decomposition of two-structures and modular
decomposition of graphs", 1994).
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence

import attrs

from laminar_codegen.planning.partial_order import Parents, bits_of, closure

__all__ = ["modules"]

#: How often layers are looked at before it is given up, so that large flows are compiled soon.
_WORK = 200_000

#: Up to so many layers tell those of a set apart one by one; what more of them tell apart is found layer by layer.
_FEW = 16


def modules(parents: Parents) -> list[list[int]]:
    """The largest modules of a prime part.

    Args:
        parents: The part's order.

    Returns:
        Its layers by module, in the order of their first layers. In large parts modules may be missed; layers that come
        after the same and before the same are always together.
    """
    before = closure(parents)
    found = _Relation(before, _reversed(parents)).modules()
    return sorted(list(bits_of(module)) for module in found)


def _reversed(parents: Parents) -> list[int]:
    """For each layer the set of all layers after it, as bits."""
    after = [0] * len(parents)
    for member in reversed(range(len(parents))):
        for parent in parents[member]:
            after[parent] |= after[member] | 1 << member
    return after


@attrs.frozen
class _Relation:
    before: Sequence[int]
    after: Sequence[int]

    def modules(self) -> Iterable[int]:
        apart = self._apart()
        if apart is None:
            everything = (1 << len(self.before)) - 1
            return self._told_apart(everything, 0)
        own = self._around([(module & -module).bit_length() - 1 for module in apart])
        return [*(module for module in apart if not module & own), 1 | sum(module for module in apart if module & own)]

    def _apart(self) -> list[int] | None:
        """The largest modules without the first layer, None if they are not found soon."""
        after = self.after[0]
        beside = (1 << len(self.before)) - 2 & ~after
        # Sets of layers that others than these do not tell apart.
        todo = [(bits, others) for bits, others in ((after, beside), (beside, after)) if bits]
        found: list[int] = []
        left = _WORK
        while todo and left >= 0:
            bits, others = todo.pop()
            parts = self._told_apart(bits, others) if bits & (bits - 1) else [bits]
            left -= min(bits.bit_count(), others.bit_count())
            if len(parts) == 1:
                found += parts
            else:
                todo += [(part, bits & ~part) for part in parts]
        return None if todo else found

    def _told_apart(self, bits: int, others: int) -> list[int]:
        """The layers of a set, by how they come before and after others."""
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

    def _around(self, firsts: Sequence[int]) -> int:
        """Those of some layers, one for each module without the first layer, that are in a module with it."""
        everything = sum(1 << member for member in firsts)
        own = far = 0
        for member in firsts:
            if not own >> member & 1:
                drawn = self._drawn_in(member, everything, own, far)
                if drawn == everything or drawn & far:
                    far |= 1 << member
                else:
                    own |= drawn
        return own

    def _drawn_in(self, member: int, everything: int, own: int, far: int) -> int:
        """What a module with the first layer and another one must also have, up to what is known to be far."""
        drawn = todo = 1 << member
        while todo and not drawn & far:
            lowest = todo & -todo
            other = lowest.bit_length() - 1
            # A layer that comes before or after one of the two, and not the other, tells them apart.
            telling = (self.before[other] ^ self.before[0]) | (self.after[other] ^ self.after[0])
            todo = (todo ^ lowest) | (telling & everything & ~drawn & ~own)
            drawn |= telling & everything
        return drawn | own if drawn & own else drawn
