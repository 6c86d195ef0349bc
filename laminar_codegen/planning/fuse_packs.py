"""Fuses the layers of a pack into one step, which waits for all that they wait for.

Before: ``B after A``, ``C after B, X``, and a pack of A, B and C. After: ``Pack A, B, C`` after X.
"""

from __future__ import annotations

from collections.abc import Iterable

import attrs

from laminar_codegen.ir.graph import Graph
from laminar_codegen.ir.plan import Pack, Step, walk
from laminar_codegen.planning.fuse_fan_outs import PlanUnit

__all__ = ["fuse_packs", "mark_packs"]


def mark_packs(graph: Graph, plan: Step) -> Graph:
    """Return a graph whose layers say whether they share a job.

    Args:
        graph: The graph.
        plan: Its plan.
    """
    packed = {name for step in walk(plan) if isinstance(step, Pack) for name in step.names}
    return attrs.evolve(
        graph,
        layers=tuple(attrs.evolve(layer, packed=True) if layer.name in packed else layer for layer in graph.layers),
    )


def fuse_packs(units: Iterable[PlanUnit], packs: Iterable[Pack]) -> tuple[PlanUnit, ...]:
    """Fuse units that run layers of a pack.

    Args:
        units: The units.
        packs: The packs, each of layers that are units, so that no pack waits for itself.

    Returns:
        The units, each layer in one, in the order of their first layers.
    """
    pack_of = {name: pack for pack in packs for name in pack.names}
    known = tuple(units)
    first = {
        unit.layers[0]: pack_of[unit.layers[0]].names[0] if unit.layers[0] in pack_of else unit.layers[0]
        for unit in known
    }
    depends: dict[str, set[str]] = {}
    for unit in known:
        own = first[unit.layers[0]]
        depends.setdefault(own, set()).update({first[above] for above in unit.depends} - {own})
    alone = {unit.layers[0]: unit for unit in known}
    return tuple(
        PlanUnit(pack_of[name], pack_of[name].names, frozenset(above))
        if name in pack_of
        else PlanUnit(alone[name].step, alone[name].layers, frozenset(above))
        for name, above in depends.items()
    )
