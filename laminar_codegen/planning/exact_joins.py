"""Expresses the order of a prime part by paths that wait for each other.

Before: ``C after A``, ``D after A, B``. After::

    ExactJoins
      Path
        Node A
          Run A
        Node C
          Run C
      Path
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
from laminar_codegen.planning.partial_order import Members, Predecessors
from laminar_codegen.planning.path_cover import path_cover, transitive_reduction

__all__ = ["join_exactly"]


def join_exactly(
    predecessors: Predecessors, parts: Sequence[Members], plan: Callable[[Members], Step]
) -> ExactJoins | None:
    """Plan modules as the nodes of exact joins.

    Args:
        predecessors: The order of all layers.
        parts: Modules, in the order of their first layers.
        plan: Plans a part.

    Returns:
        The joins; None if a part waits for more nodes than one answer of S3 lists.
    """
    order = transitive_reduction(_between(predecessors, parts))
    paths = path_cover(order)
    previous = {node: before for path in paths for before, node in itertools.pairwise(path)}
    after = [[above for above in order[node] if above != previous.get(node)] for node in range(len(parts))]
    if max(map(len, after)) > JOIN_INPUTS:
        return None
    steps = [plan(part) for part in parts]
    names = [_name(step) for step in steps]
    nodes = [
        JoinNode(names[node], steps[node], tuple(names[above] for above in after[node])) for node in range(len(parts))
    ]
    return ExactJoins(tuple(tuple(nodes[node] for node in path) for path in paths))


def _between(predecessors: Predecessors, parts: Sequence[Members]) -> Predecessors:
    """Return the order of parts."""
    part_of = {member: index for index, part in enumerate(parts) for member in part}
    return [
        sorted({part_of[above] for member in part for above in predecessors[member] if above in part_of} - {index})
        for index, part in enumerate(parts)
    ]


def _name(step: Step) -> str:
    """Return the name of a node. The hyphen keeps it apart from names of layers."""
    first, *others = layers_of(step)
    return f"{first}-{len(others) + 1}" if others else first
