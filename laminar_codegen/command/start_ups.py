"""The lines of ``laminar-codegen check`` about how long jobs take to start, and how that is known."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping

from laminar_codegen.ir.graph import LayerNode
from laminar_codegen.planning.pack_costs import Costs, target_of
from laminar_codegen.planning.profile import StartUp
from laminar_codegen.targets.batch.target import batch_target, on_ec2

__all__ = ["describe_start_ups"]

_NAMES: Mapping[str, str] = {"FARGATE": "Fargate", "FARGATE_SPOT": "Fargate Spot", "EC2": "EC2", "SPOT": "EC2 Spot"}


def describe_start_ups(layers: Iterable[LayerNode], costs: Costs) -> Iterator[str]:
    """Yield how long the jobs of layers take to start: a line for each target and image that differ.

    Args:
        layers: The layers. Those that do not run on AWS Batch have no job.
        costs: What jobs cost.

    Example:
        ``"a job starts in 45 s; Fargate bills 15 s of this, and at least 60 s"`` where nothing was measured.
    """
    lines: dict[str, None] = {}
    for layer in layers:
        if batch_target(layer.placement) is None:
            continue
        own, measured = costs.at(layer.placement), costs.start_of(layer.placement)
        if measured is None:
            starts = f"a job starts in {own.start_up:g} s"
        else:
            where = _NAMES[target_of(layer.placement) or "FARGATE"]
            starts = f"a job on {where} starts in {own.start_up:g} s, {_source(measured)}"
        bills = f"bills {own.billed_start_up:g} s of this, and at least {own.minimum:g} s"
        of_ec2 = "; EC2 has no fixed prices, and counts as Fargate, which" if on_ec2(layer.placement) else "; Fargate"
        lines[f"{starts}{of_ec2} {bills}"] = None
    yield from lines


def _source(measured: StartUp) -> str:
    jobs = "jobs" if measured.jobs is None else f"{measured.jobs:,} job{'' if measured.jobs == 1 else 's'}"
    return f"the median of {jobs}{f' of image {measured.image}' if measured.image else ''} in the profile"
