"""The lines of ``laminar-codegen check`` about packs: which layers share jobs, what that saves, and which do not."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from laminar_codegen.command.start_ups import describe_start_ups
from laminar_codegen.ir.graph import Graph, LayerNode
from laminar_codegen.ir.plan import Packing, Step
from laminar_codegen.planning.pack_costs import Costs
from laminar_codegen.planning.pack_savings import packs_in, reasons_apart, runs_several_splits, savings
from laminar_codegen.planning.profile import Profile

__all__ = ["report_packs"]

#: How many packs, and how many layers with one reason, are named.
_SHOWN = 6
#: Why a layer that could share a job has one of its own, by the packing.
_OTHERWISE: Mapping[Packing, str] = {
    "off": "nothing is packed",
    "chains": "is in no chain of layers with equal containers",
    "auto": "is as fast or as cheap in a job of its own",
}


def report_packs(graph: Graph, plan: Step, apart: Step, packing: Packing, profile: Profile | None) -> Iterator[str]:
    """Yield the lines about the packs of a flow.

    Args:
        graph: Its graph.
        plan: Its plan.
        apart: Its plan in which each layer has jobs of its own.
        packing: Which layers may share jobs.
        profile: Its profile, None without one.
    """
    durations = None if profile is None else profile.durations
    costs = Costs(profile=profile)
    packs = tuple(packs_in(plan))
    packed = sum(len(pack.layers) for pack in packs)
    yield f"  packs           {packed:,} of {len(graph.layers):,} layers share {len(packs):,} job{_s(len(packs))}"
    for pack in packs[:_SHOWN]:
        yield f"                  {_list(pack.names)}: {pack.cpu:g} vCPU, {pack.memory:,} MiB"
    if len(packs) > _SHOWN:
        yield f"                  and {len(packs) - _SHOWN:,} more"
    if packs:
        saved = savings(graph, plan, apart, durations or {}, costs)
        assumed = "" if durations else ", if each layer takes a second"
        yield (
            f"  saves           {saved.jobs:,} start-up{_s(saved.jobs)}, {saved.seconds:,.1f} s and "
            f"${saved.dollars:,.6f} an execution{assumed}"
        )
    if packs or packing == "auto":
        layers = {name for pack in packs for name in pack.names} or {layer.name for layer in graph.layers}
        known = describe_start_ups((layer for layer in graph.layers if layer.name in layers), costs)
        yield from (f"                  {line}" for line in known)
    for layer in graph.layers:
        if runs_several_splits(layer):
            yield f"  splits          {layer.name}: {_of_splits(layer)}"
    measured = profile if packing == "auto" else None
    for reason, names in reasons_apart(graph, packs, _OTHERWISE[packing], measured).items():
        yield f"  not packed      {_list(names)}: {reason}"


def _of_splits(layer: LayerNode) -> str:
    if layer.split_seconds is not None:
        return f"a job runs several of its splits, as many as fit, of {layer.split_seconds:g} s each"
    return f"a job runs {layer.fan_out.splits_per_job:,} of its splits"


def _list(names: tuple[str, ...] | list[str]) -> str:
    shown = ", ".join(names[:_SHOWN])
    return f"{shown} and {len(names) - _SHOWN:,} more" if len(names) > _SHOWN else shown


def _s(number: int) -> str:
    return "" if number == 1 else "s"
