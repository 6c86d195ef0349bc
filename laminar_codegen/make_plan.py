"""Puts layers in an order that a state machine can say: sequences and parallel branches, nested.

Before: ``B after A``, ``C after A``, ``D after B, C``. After::

    Sequence
      Run A
      Parallel
        Run B
        Run C
      Run D

A set of layers is taken apart by its order (each layer with all that come before it, directly or not):

- Parts that do not depend on each other become parallel branches.
- If the layers fall into parts of which each comes wholly before the next, the parts become a sequence.
- Else no nesting says the order exactly (the smallest such order is an N: C after A; D after A and B). Then a barrier
  is put in: the layers of the first half of the levels run before all others, and the two halves are taken apart in
  turn. That delays layers, but never lets one run before what it depends on.
- A part that would nest deeper than what reads a state machine can be trusted to take is cut by levels, too.

Sets of layers are bits of integers, so that a step over thousands of layers is one operation of the processor's.
"""

from __future__ import annotations

import graphlib
import itertools
from collections.abc import Iterator

import attrs

from laminar_codegen.graph import PARAMETERS, Graph
from laminar_codegen.plan import FanOut, Parallel, Run, Sequence, Step

__all__ = ["DEPTH", "make_plan"]

#: How deep a plan nests at most. Every second level is a Parallel state, and each of these nests JSON four levels
#: deeper: AWS documents no limit, but parsers of JSON have one, the common ones at 1,000 levels.
DEPTH = 64


class _TooDeepError(Exception):
    """A part nests too deep."""


def make_plan(graph: Graph) -> Step:
    """Plan a graph.

    Args:
        graph: A graph that was checked.

    Returns:
        The plan: each layer once, after all that it depends on.
    """
    fans_out = {layer.name for layer in graph.layers if layer.foreach}
    order = _Order.of({layer.name: set(layer.depends) - {PARAMETERS} for layer in graph.layers})
    leaves: list[Step] = [FanOut(name) if name in fans_out else Run(name) for name in order.names]
    return _take_apart(order, leaves, DEPTH)


@attrs.frozen
class _Order:
    """An order over the layers 0, 1, 2, ...: what comes before is of a smaller number.

    Args:
        names: The layers.
        parents: For each layer the layers directly before it.
        before: For each layer the set of all layers before it, as bits.
    """

    names: tuple[str, ...]
    parents: tuple[tuple[int, ...], ...]
    before: tuple[int, ...]

    @classmethod
    def of(cls, depends: dict[str, set[str]]) -> _Order:
        """Number the layers so that each comes after what it depends on, else as they were registered."""
        place = {name: number for number, name in enumerate(depends)}
        sorter = graphlib.TopologicalSorter(depends)
        sorter.prepare()
        names: list[str] = []
        while sorter.is_active():
            ready = sorted(sorter.get_ready(), key=place.__getitem__)
            names += ready
            sorter.done(*ready)
        number = {name: index for index, name in enumerate(names)}
        parents = tuple(tuple(sorted(number[parent] for parent in depends[name])) for name in names)
        return cls._closed(tuple(names), parents)

    def part(self, members: list[int]) -> _Order:
        """The order over some of the layers, numbered anew. They must hold all layers between any two of them."""
        number = {member: index for index, member in enumerate(members)}
        parents = tuple(
            tuple(number[parent] for parent in self.parents[member] if parent in number) for member in members
        )
        return self._closed(tuple(self.names[member] for member in members), parents)

    @classmethod
    def _closed(cls, names: tuple[str, ...], parents: tuple[tuple[int, ...], ...]) -> _Order:
        """The order that direct predecessors make."""
        before: list[int] = []
        for above in parents:
            bits = 0
            for parent in above:
                bits |= before[parent] | 1 << parent
            before.append(bits)
        return cls(names, parents, tuple(before))


def _take_apart(order: _Order, leaves: list[Step], room: int) -> Step:
    """Plan the layers of an order. `leaves` are their steps, `room` is how deep the plan may nest."""
    if len(leaves) == 1:
        return leaves[0]
    if room == 0:
        raise _TooDeepError
    branches = _components(order)
    if len(branches) > 1:
        return Parallel(tuple(_inside(order, leaves, branches, room)))
    try:
        return _sequence(order, leaves, _series(order) or _halves(order), room)
    except _TooDeepError:
        # Cut where the part begins: within slices this large the order is kept as above.
        if room < DEPTH - 2:
            raise
        return _sequence(order, leaves, _slices(order, (room - 1) // 2), room)


def _sequence(order: _Order, leaves: list[Step], parts: list[list[int]], room: int) -> Sequence:
    steps: list[Step] = []
    for step in _inside(order, leaves, parts, room):
        steps += step.steps if isinstance(step, Sequence) else [step]
    return Sequence(tuple(steps))


def _inside(order: _Order, leaves: list[Step], parts: list[list[int]], room: int) -> Iterator[Step]:
    for members in parts:
        if len(members) == 1:
            yield leaves[members[0]]
        else:
            yield _take_apart(order.part(members), [leaves[member] for member in members], room - 1)


def _components(order: _Order) -> list[list[int]]:
    """The parts that do not depend on each other, in the order of their first layers."""
    root = list(range(len(order.names)))

    def find(member: int) -> int:
        while root[member] != member:
            root[member] = root[root[member]]
            member = root[member]
        return member

    for member, parents in enumerate(order.parents):
        for parent in parents:
            one, other = sorted((find(member), find(parent)))
            root[other] = one
    parts: dict[int, list[int]] = {}
    for member in range(len(order.names)):
        parts.setdefault(find(member), []).append(member)
    return list(parts.values())


def _series(order: _Order) -> list[list[int]] | None:
    """The parts of which each comes wholly before the next, None if there is but one.

    The first k layers, by how many come before each, are such a part with those before it if all others have at least k
    before them: the lowest of the others then have just these k before them, and all others are above a lowest.
    """
    counts = [bits.bit_count() for bits in order.before]
    ranked = sorted(range(len(counts)), key=counts.__getitem__)
    cuts = [
        place for place in range(1, len(ranked)) if counts[ranked[place]] == place and counts[ranked[place - 1]] < place
    ]
    if not cuts:
        return None
    edges = [0, *cuts, len(ranked)]
    return [sorted(ranked[start:end]) for start, end in itertools.pairwise(edges)]


def _halves(order: _Order) -> list[list[int]]:
    """The layers of the first half of the levels, and the others."""
    levels = _levels(order)
    middle = (max(levels) + 1) // 2
    members = range(len(levels))
    return [[m for m in members if levels[m] < middle], [m for m in members if levels[m] >= middle]]


def _slices(order: _Order, height: int) -> list[list[int]]:
    """The layers of so many levels, of as many next, and so on. The plan of a slice nests twice that deep at most."""
    slices: dict[int, list[int]] = {}
    for member, level in enumerate(_levels(order)):
        slices.setdefault(level // height, []).append(member)
    return [slices[index] for index in sorted(slices)]


def _levels(order: _Order) -> list[int]:
    """For each layer how many come before it one after the other, at most."""
    levels: list[int] = []
    for parents in order.parents:
        levels.append(1 + max((levels[parent] for parent in parents), default=-1))
    return levels
