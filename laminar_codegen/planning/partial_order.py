"""Orders over layers, as numbers: what comes before is of a smaller number.

An order is given by the layers directly before each. Sets of layers are bits of integers, so that a step over thousands
of layers is one operation of the processor's.
"""

from __future__ import annotations

import graphlib
import itertools
from collections.abc import Iterator, Mapping, Sequence
from collections.abc import Set as AbstractSet

__all__ = ["Members", "Parents", "bits_of", "closure", "components", "finish", "levels", "number", "series", "within"]

#: For each layer, the layers directly before it.
Parents = Sequence[Sequence[int]]

#: Layers, sorted.
Members = tuple[int, ...]


def number(depends: Mapping[str, AbstractSet[str]]) -> tuple[tuple[str, ...], Parents]:
    """Number layers so that each comes after what it depends on, else as they are given.

    Args:
        depends: What each layer depends on.

    Returns:
        The layers' names, and their order.

    Example:
        >>> number({"C": {"A", "B"}, "B": set(), "A": set()})
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


def within(parents: Parents, members: Members) -> Parents:
    """The order over some of the layers, numbered anew. They must hold all layers between any two of them."""
    numbers = {member: index for index, member in enumerate(members)}
    return [[numbers[above] for above in parents[member] if above in numbers] for member in members]


def closure(parents: Parents) -> list[int]:
    """For each layer the set of all layers before it, as bits."""
    before: list[int] = []
    for above in parents:
        bits = 0
        for parent in above:
            bits |= before[parent] | 1 << parent
        before.append(bits)
    return before


def bits_of(bits: int) -> Iterator[int]:
    """The layers of a set, sorted."""
    while bits:
        lowest = bits & -bits
        yield lowest.bit_length() - 1
        bits ^= lowest


def levels(parents: Parents) -> list[int]:
    """For each layer how many come before it one after the other, at most."""
    found: list[int] = []
    for above in parents:
        found.append(1 + max((found[parent] for parent in above), default=-1))
    return found


def finish(parents: Parents, seconds: Sequence[float]) -> list[float]:
    """When each layer ends at the earliest, given how long each takes."""
    ends: list[float] = []
    for above, takes in zip(parents, seconds, strict=True):
        ends.append(takes + max((ends[parent] for parent in above), default=0.0))
    return ends


def components(parents: Parents) -> list[list[int]]:
    """The parts that do not depend on each other, in the order of their first layers."""
    root = list(range(len(parents)))
    for member, above in enumerate(parents):
        for parent in above:
            one, other = member, parent
            while root[one] != one:
                root[one] = one = root[root[one]]
            while root[other] != other:
                root[other] = other = root[root[other]]
            if one < other:
                root[other] = one
            else:
                root[one] = other
    parts: dict[int, list[int]] = {}
    for member in range(len(parents)):
        # Roots are of smaller numbers, and theirs are known.
        root[member] = root[root[member]]
        parts.setdefault(root[member], []).append(member)
    return list(parts.values())


def series(parents: Parents) -> list[list[int]]:
    """The parts of which each comes wholly before the next; one if there are no more.

    The first k layers, by how many come before each, are such a part with those before it if all others have at least k
    before them: the lowest of the others then have just these k before them, and all others are above a lowest.
    """
    counts = [bits.bit_count() for bits in closure(parents)]
    ranked = sorted(range(len(counts)), key=counts.__getitem__)
    cuts = [
        place for place in range(1, len(ranked)) if counts[ranked[place]] == place and counts[ranked[place - 1]] < place
    ]
    edges = [0, *cuts, len(ranked)]
    return [sorted(ranked[start:end]) for start, end in itertools.pairwise(edges)]
