"""Chooses the layers that share jobs, so that a flow spends its time and its money on work and not on start-ups.

Before: ``B after A`` and ``C after A``, of seconds each. After: ``Pack A, B, C``, one job with two virtual CPUs.

`auto` cuts the flow at times: all that has started by a time, or must have ended, comes before the rest. Each part
between two cuts has options (`pack_options`), and options of parts that follow each other add up. Of those options that
are no dearer than a job for each layer, and not much later, it finds the fastest, and takes the cheapest of those that
are almost as fast.
"""

from __future__ import annotations

import functools
import math
from bisect import bisect_right
from collections.abc import Iterator, Mapping, Sequence
from typing import assert_never

from laminar_codegen.ir.graph import Graph
from laminar_codegen.ir.plan import Pack, PackedLayer, Packing
from laminar_codegen.planning.pack_costs import USUAL_COSTS, Costs
from laminar_codegen.planning.pack_options import Option, Options, best_options
from laminar_codegen.planning.pack_schedule import Capacity
from laminar_codegen.planning.pack_work import Work
from laminar_codegen.planning.partial_order import bits_of
from laminar_codegen.problems import CompileError, Problem
from laminar_codegen.problems.rules import LAM082
from laminar_runtime.splits.packing import LATER

__all__ = ["USUAL_COSTS", "choose_option", "choose_packs"]

#: The number of times, of each kind, at which a flow may be cut, and of options that are kept at a cut.
_CUTS, _KEPT = 8, 24


def choose_packs(
    graph: Graph, packing: Packing, durations: Mapping[str, float] | None = None, costs: Costs = USUAL_COSTS
) -> tuple[Pack, ...]:
    """Choose the layers that share jobs.

    Args:
        graph: A graph that passed the checks.
        packing: Which layers may share jobs.
        durations: Seconds by layer, for `auto`. A layer without a duration gets the median of the others.
        costs: What jobs cost.

    Returns:
        The packs. Other layers have jobs of their own.

    Raises:
        CompileError: If `packing` is ``auto`` and no layer has a duration.
    """
    if packing == "off":
        return ()
    work, option = choose_option(graph, packing, durations, costs)
    packs = [job for job in option.jobs if len(job.members) > 1]
    # The layers of a chain take equally much of their job: it has the size of their own ones.
    own = packing == "chains"
    return tuple(_pack(work, job.members, work.alone[job.members[0]] if own else job.size) for job in packs)


def choose_option(
    graph: Graph, packing: Packing, durations: Mapping[str, float] | None, costs: Costs = USUAL_COSTS
) -> tuple[Work, Option]:
    """Choose the jobs of a flow.

    Args:
        graph: A graph that passed the checks.
        packing: Which layers may share jobs.
        durations: Seconds by layer, for `auto`. A layer without a duration gets the median of the others.
        costs: What jobs cost.

    Returns:
        The units of the flow, and their jobs. What they take is right if they were measured.

    Raises:
        CompileError: If `packing` is ``auto`` and no layer has a duration.
    """
    if packing == "auto" and not any(layer.name in (durations or {}) for layer in graph.layers):
        raise CompileError([_no_durations(graph)])
    work = Work.of(graph, durations, costs)
    everything = range(len(work.after))
    match packing:
        case "off":
            return work, Options(work).alone(everything)
        case "chains":
            return work, Options(work).chains(everything)
        case "auto":
            return work, _fastest(work)
        case _:
            assert_never(packing)


def _no_durations(graph: Graph) -> Problem:
    what = "pack='auto' needs the durations of layers, and none is known"
    return Problem(graph.location, LAM082, what, "give a profile, or choose pack='chains' or pack='off'")


def _pack(work: Work, members: Sequence[int], size: Capacity) -> Pack:
    names = {member: work.units[member].layers[0] for member in members}
    layers = (
        PackedLayer(
            name,
            tuple(names[above] for above in work.after[member] if above in names),
            work.needs[member].cpu,
            work.needs[member].memory,
        )
        for member, name in names.items()
    )
    return Pack(tuple(layers), size.cpu, size.memory)


@functools.lru_cache(maxsize=4)
def _fastest(work: Work) -> Option:
    """Return the cheapest of the fastest options of a flow.

    `choose_targets` compares the ways to place layers. The way that it takes is often planned a moment later.
    """
    finder = Options(work)
    everything = range(len(work.after))
    apart = finder.alone(everything)
    found = [apart, finder.chains(everything), *_in_parts(work, finder)]
    allowed = [each for each in found if each.dollars <= apart.dollars and each.seconds <= apart.seconds * (1 + LATER)]
    shortest = min(each.seconds for each in allowed)
    latest = max(costs.latest(shortest) for costs in work.costs)
    near = [each for each in allowed if each.seconds <= latest]
    return min(near, key=lambda each: (each.dollars, each.seconds, len(each.jobs)))


def _in_parts(work: Work, finder: Options) -> Sequence[Option]:
    """Return the best options that run the parts of a flow one after the other, cut in every way."""
    cuts = _cuts(work)
    best: dict[int, list[Option]] = {0: [Option(0.0, 0.0)]}
    parts: dict[int, list[Option]] = {}
    for cut in cuts[1:]:
        options: list[Option] = []
        for before in cuts:
            if before == cut or before & ~cut or before not in best:
                continue
            part = cut & ~before
            if part not in parts:
                parts[part] = finder.of(tuple(bits_of(part)))
            options += [first + then for first in best[before] for then in parts[part]]
        best[cut] = _thin_out(best_options(options))
    return best[cuts[-1]]


def _thin_out(options: list[Option]) -> list[Option]:
    """Return the options, or some that are spread evenly among them: among these the first and the last."""
    last = len(options) - 1
    if last < _KEPT:
        return options
    return [options[round(place * last / (_KEPT - 1))] for place in range(_KEPT)]


def _cuts(work: Work) -> list[int]:
    """Return the sets of units that may come before all others, from the smallest to the largest."""
    end = max(start + seconds for start, seconds in zip(work.starts, work.seconds, strict=True))
    latest = [end - tail for tail in work.tails]
    everything = (1 << len(work.after)) - 1
    found = {0, everything}
    for starts in (work.starts, latest):
        for time in _changes(starts, work.seconds, end):
            found.add(sum(1 << member for member, start in enumerate(starts) if start < time))
    return sorted(found, key=lambda cut: (cut.bit_count(), cut))


def _changes(starts: Sequence[float], seconds: Sequence[float], end: float) -> Iterator[float]:
    """Yield the times at which the number of units that run changes the most, for the longest."""
    times = [*sorted(set(starts)), end]
    begun, ended = sorted(starts), sorted(start + takes for start, takes in zip(starts, seconds, strict=True))
    running = [bisect_right(begun, time) - bisect_right(ended, time) for time in times[:-1]]

    def change(place: int) -> float:
        lasts = min(times[place] - times[place - 1], times[place + 1] - times[place])
        return lasts * abs(math.log((running[place] + 0.5) / (running[place - 1] + 0.5)))

    ranked = sorted(range(1, len(times) - 1), key=lambda place: (-change(place), place))
    yield from (times[place] for place in ranked[:_CUTS])
