"""Which fan-outs run several of their splits in a job, because a split is short: with `pack="auto"`.

Their number is known when the flow runs. So the planner divides them, by the seconds of a split in the profile: see
`laminar_runtime.splits.packing`.
"""

from __future__ import annotations

import attrs

from laminar_codegen.ir.graph import Graph, LayerNode
from laminar_codegen.planning.fuse_fan_outs import fuse_fan_outs
from laminar_codegen.planning.profile import Profile
from laminar_runtime.splits.packing import MOST_SECONDS

__all__ = ["obstacle", "pack_splits"]


def pack_splits(graph: Graph, profile: Profile) -> Graph:
    """Return a graph whose fan-outs over many short splits have the seconds of a split.

    Args:
        graph: The graph.
        profile: The profile of the flow, which has the seconds of splits.
    """
    together = {name for unit in fuse_fan_outs(graph) if len(unit.layers) > 1 for name in unit.layers}

    def pack(layer: LayerNode) -> LayerNode:
        seconds = profile.split_seconds(layer.name)
        if not layer.foreach or layer.name in together or seconds is None or obstacle(layer, seconds):
            return layer
        return attrs.evolve(layer, split_seconds=round(seconds, 3))

    return attrs.evolve(graph, layers=tuple(map(pack, graph.layers)))


def obstacle(layer: LayerNode, seconds: float) -> str | None:
    """Return why a job runs one split of a fan-out, None if it may run several, as the planner decides.

    Args:
        layer: The layer.
        seconds: The seconds of a split.

    Example:
        ``"takes 200 seconds for a split"`` for a split that takes longer than half a job.
    """
    reasons = {
        "is registered with pack=False": not layer.pack,
        f"runs on {layer.executor.service}": not layer.executor.shares_splits,
        "says itself how many splits a job runs": layer.fan_out.shares_splits,
        "has hooks that choose its container": layer.sized,
        f"takes {seconds:g} seconds for a split": seconds > MOST_SECONDS / 2,
    }
    return next((reason for reason, holds in reasons.items() if holds), None)
