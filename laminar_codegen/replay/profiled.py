"""Services for the machines of compiled flows, whose layers take as long as is known of them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from laminar_codegen.replay.services import BatchJobs, Functions, Invocation, Services

__all__ = ["profiled_services"]


def profiled_services(
    seconds: Mapping[str, float], *, splits: Mapping[str, int] | None = None, otherwise: float = 0
) -> Services:
    """Services that run a compiled flow: each layer's jobs take as long as is known, and succeed.

    The planner takes no time, and lets every layer run.

    Args:
        seconds: How long each layer takes: its job, or each child of its array job.
        splits: Into how many splits layers fan out, one unless given.
        otherwise: How long the other layers take.

    Returns:
        The services.
    """
    widths = splits or {}

    def plan(invocation: Invocation) -> dict[str, Any]:
        return {"run": True, "splits": widths.get(invocation.payload["layer"], 1)}

    return Services(
        jobs=BatchJobs(seconds=lambda attempt: seconds.get(attempt.layer, otherwise)),
        functions=Functions(run=plan),
    )
