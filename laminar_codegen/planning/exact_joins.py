"""Orders what no nesting says by chains that wait for each other.

Before: ``C after A``, ``D after A, B``. After::

    ExactJoins
      Chain
        Node A
          Run A
        Node C
          Run C
      Chain
        Node B
          Run B
        Node D after A
          Run D
"""

from __future__ import annotations

import itertools
from collections.abc import Callable, Sequence

from laminar_codegen.ir.plan import ExactJoins, JoinNode, Step, layers_of
from laminar_codegen.limits import JOIN_INPUTS
from laminar_codegen.planning.partial_order import Members, Parents
from laminar_codegen.planning.path_cover import cover, reduce

__all__ = ["join_exactly"]


def join_exactly(parents: Parents, parts: Sequence[Members], plan: Callable[[Members], Step]) -> ExactJoins | None:
    """Join parts.

    Args:
        parents: The order of all layers.
        parts: Layers of which all others come before all, after all, or beside all; in the order of their first layers.
        plan: Plans a part.

    Returns:
        The joins; None if a part waits for more than AWS lists at once.
    """
    order = reduce(_between(parents, parts))
    chains = cover(order)
    previous = {node: before for chain in chains for before, node in itertools.pairwise(chain)}
    after = [[above for above in order[node] if above != previous.get(node)] for node in range(len(parts))]
    if max(map(len, after)) > JOIN_INPUTS:
        return None
    steps = [plan(part) for part in parts]
    names = [_name(step) for step in steps]
    nodes = [
        JoinNode(names[node], steps[node], tuple(names[above] for above in after[node])) for node in range(len(parts))
    ]
    return ExactJoins(tuple(tuple(nodes[node] for node in chain) for chain in chains))


def _between(parents: Parents, parts: Sequence[Members]) -> Parents:
    """The order of parts."""
    part_of = {member: index for index, part in enumerate(parts) for member in part}
    return [
        sorted({part_of[above] for member in part for above in parents[member] if above in part_of} - {index})
        for index, part in enumerate(parts)
    ]


def _name(step: Step) -> str:
    """The name of a node: no layer's, and no other node's, has the hyphen and the number of layers."""
    first, *others = layers_of(step)
    return f"{first}-{len(others) + 1}" if others else first
