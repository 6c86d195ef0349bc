"""What the page of an execution says about plans, if the compiler is installed: an entry point, found by its group."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path

from laminar_codegen.api import file_of
from laminar_codegen.checks.graph import check
from laminar_codegen.frontend.loader import Source
from laminar_codegen.pipeline import graphs_of, plan_of
from laminar_codegen.planning.profile_advice import compare_plans
from laminar_codegen.problems import CompileError
from laminar_runtime import Flow

__all__ = ["advise"]


def advise(flow: Flow, seconds: Mapping[str, float]) -> Iterator[str]:
    """Yield what a profile with the durations of an execution would change in the plan of its flow.

    Args:
        flow: The flow. One that cannot be compiled, as none of threads can, has no plan.
        seconds: The seconds of its layers.
    """
    name = file_of(flow)
    source = Source(flow, Path(name).absolute(), name)
    try:
        graphs = graphs_of(source)
        check(graphs)
        plan = plan_of(source, graphs[0])
    except CompileError as error:
        yield f"The flow has no plan to compare: {error.problems[0].what}."
        return
    known = {layer.name: seconds[layer.name] for layer in graphs[0].layers if layer.name in seconds}
    if known:
        yield from compare_plans(graphs[0], plan, known)
