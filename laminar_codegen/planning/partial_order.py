"""Partial orders of layers. Layers are numbers, and a predecessor has a smaller number.

An order is given by the direct predecessors of each layer. A set of layers is an integer with one bit for each layer,
so an operation on sets of thousands of layers is one operation on integers.
"""

from __future__ import annotations

import graphlib
import itertools
from collections.abc import Iterator, Mapping, Sequence
from collections.abc import Set as AbstractSet

__all__ = [
    "Members",
    "Predecessors",
    "bits_of",
    "closure",
    "components",
    "earliest_finish",
    "ordinal_sum",
    "ranks",
    "restrict",
    "topological_numbering",
]

#: The direct predecessors of each layer.
Predecessors = Sequence[Sequence[int]]

#: Layers, sorted.
Members = tuple[int, ...]


def topological_numbering(depends: Mapping[str, AbstractSet[str]]) -> tuple[tuple[str, ...], Predecessors]:
    """Assign numbers to layers in a topological order, and else in the given order.

    Args:
        depends: The layers that each layer depends on.

    Returns:
        The names of the layers by number, and the order.

    Example:
        >>> topological_numbering({"C": {"A", "B"}, "B": set(), "A": set()})
        (('B', 'A', 'C'), [[], [], [0, 1]])
    """
    place = {name: index for index, name in enumerate(depends)}
    sorter = graphlib.TopologicalSorter(depends)
    sorter.prepare()
    names: list[str] = []
    while sorter.is_active():
        ready = sorted(sorter.get_ready(), key=place.__getitem__)
        names += ready
        sorter.done(*ready)
    numbers = {name: index for index, name in enumerate(names)}
    return tuple(names), [sorted(numbers[above] for above in depends[name]) for name in names]


def restrict(predecessors: Predecessors, members: Members) -> Predecessors:
    """Return the order of some layers, numbered from zero. `members` holds all layers between any two of its layers."""
    numbers = {member: index for index, member in enumerate(members)}
    return [[numbers[above] for above in predecessors[member] if above in numbers] for member in members]


def closure(predecessors: Predecessors) -> list[int]:
    """Return for each layer the set of all its predecessors, direct or not."""
    before: list[int] = []
    for above in predecessors:
        bits = 0
        for predecessor in above:
            bits |= before[predecessor] | 1 << predecessor
        before.append(bits)
    return before


def bits_of(bits: int) -> Iterator[int]:
    """Yield the layers of a set in ascending order."""
    while bits:
        lowest = bits & -bits
        yield lowest.bit_length() - 1
        bits ^= lowest


def ranks(predecessors: Predecessors) -> list[int]:
    """Return for each layer the length of the longest path to it, in edges."""
    found: list[int] = []
    for above in predecessors:
        found.append(1 + max((found[predecessor] for predecessor in above), default=-1))
    return found


def earliest_finish(predecessors: Predecessors, seconds: Sequence[float]) -> list[float]:
    """Return the earliest end of each layer, given the duration of each."""
    ends: list[float] = []
    for above, takes in zip(predecessors, seconds, strict=True):
        ends.append(takes + max((ends[predecessor] for predecessor in above), default=0.0))
    return ends


def components(predecessors: Predecessors) -> list[list[int]]:
    """Return the connected components, in the order of their first layers."""
    root = list(range(len(predecessors)))
    for member, above in enumerate(predecessors):
        for predecessor in above:
            one, other = member, predecessor
            while root[one] != one:
                root[one] = one = root[root[one]]
            while root[other] != other:
                root[other] = other = root[root[other]]
            if one < other:
                root[other] = one
            else:
                root[one] = other
    parts: dict[int, list[int]] = {}
    for member in range(len(predecessors)):
        # A root has a smaller number, so its own root is already known.
        root[member] = root[root[member]]
        parts.setdefault(root[member], []).append(member)
    return list(parts.values())


def ordinal_sum(predecessors: Predecessors) -> list[list[int]]:
    """Return the series decomposition: each part comes wholly before the next. One part if there is none.

    Sort the layers by their number of predecessors. The first k are wholly before the others if each of the others has
    at least k predecessors: the minimal ones among the others then have exactly these k, and every other layer comes
    after a minimal one.
    """
    counts = [bits.bit_count() for bits in closure(predecessors)]
    ranked = sorted(range(len(counts)), key=counts.__getitem__)
    cuts = [
        place for place in range(1, len(ranked)) if counts[ranked[place]] == place and counts[ranked[place - 1]] < place
    ]
    edges = [0, *cuts, len(ranked)]
    return [sorted(ranked[start:end]) for start, end in itertools.pairwise(edges)]
