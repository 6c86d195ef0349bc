"""The tags of jobs and functions: how many there may be."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator

from laminar_codegen.ir.graph import LayerNode
from laminar_codegen.limits import MOST_TAGS
from laminar_codegen.problems import Problem
from laminar_codegen.problems.rules import LAM094

__all__ = ["check_count"]


def check_count(layers: Iterable[LayerNode], own: Collection[str], more: str) -> Iterator[Problem]:
    """Check that layers do not have more tags than AWS accepts, besides those of the deployment.

    Args:
        layers: The layers.
        own: The tags that each of their jobs or functions has besides.
        more: What has these, and what it accepts, for the message; ``{own}`` and ``{most}`` stand for both numbers.
    """
    for layer in layers:
        count = len(layer.container.requested.get("tags", ()))
        if count > MOST_TAGS - len(own):
            what = (
                f"layer '{layer.name}' has {count} tags, and {more.format(own=len(own), most=MOST_TAGS)}, those of the "
                "deployment (the variable tags) included"
            )
            yield Problem(layer.location, LAM094, what, "drop some of them")
