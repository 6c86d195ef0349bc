"""What a profile would change: the plan of a flow, planned by measured durations, against its plan of now.

Before: ``C after A``, ``D after A, B``, and that A takes a second, B ten. After: "... takes 21.0 s; one with these
durations as its profile takes 21.0 s, exact joins 20.0 s, ...".
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping

from laminar_codegen.ir.graph import Graph
from laminar_codegen.ir.plan import Step
from laminar_codegen.planning.make_plan import make_plan
from laminar_codegen.planning.makespan import complete, critical_path, makespan

__all__ = ["compare_plans"]


def compare_plans(graph: Graph, plan: Step, measured: Mapping[str, float]) -> Iterator[str]:
    """Yield what a profile with measured durations would change, a line each.

    Args:
        graph: A graph that passed the checks.
        plan: Its plan of now.
        measured: The seconds of its layers, of at least one.
    """
    seconds = complete(measured, [layer.name for layer in graph.layers])
    now, ideal = makespan(plan, seconds), critical_path(graph, seconds)
    if math.isclose(now, ideal):
        yield f"By these durations the plan of now takes {now:,.1f} s, as the longest path: a profile changes nothing."
        return
    profiled = makespan(make_plan(graph, durations=measured), seconds)
    exact = makespan(make_plan(graph, durations=measured, joins="exact"), seconds)
    yield (
        f"By these durations, without waits, the plan of now takes {now:,.1f} s, and the longest path {ideal:,.1f} s. "
        f"Barriers that are placed by them take {profiled:,.1f} s{_change(profiled, now)}, exact joins {exact:,.1f} s"
        f"{_change(exact, now)}."
    )
    if min(profiled, exact) < now and not math.isclose(min(profiled, exact), now):
        better = (
            "--profile durations.json" if math.isclose(profiled, exact) else "--profile durations.json --joins exact"
        )
        yield (
            "To plan so: laminar-codegen measure flow.py > durations.json, then laminar-codegen "
            f"{better} flow.py > main.tf.json."
        )


def _change(seconds: float, now: float) -> str:
    return "" if math.isclose(seconds, now) else f" ({100 * (seconds / now - 1):+.0f} %)"
