"""The results of the passes for graphs in a few lines, up to a certain pass: for cases of the next one."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from laminar_codegen.allocate import allocate
from laminar_codegen.ir.asl import StateMachine
from laminar_codegen.ir.deployment import Deployment
from laminar_codegen.ir.graph import Graph
from laminar_codegen.lower_states.flow_sequence import emit_chain
from laminar_codegen.lower_states.split_machines import MachineSize, split_plan
from laminar_codegen.lower_states.states import emit_states, measure_steps
from laminar_codegen.planning.make_plan import make_plan
from laminar_codegen.targets.batch.stop_jobs import emit_stop_jobs
from tests.support.graph_notation import graphs_in, repeat_lines
from tests.support.shown import options_in

__all__ = ["DEPLOYED", "deployment_in", "machines_of"]

#: The options of a deployment.
DEPLOYED = ("times", "joins", "events")


def machines_of(
    graphs: Sequence[Graph], joins: str = "barriers", events: int | None = None
) -> tuple[StateMachine, ...]:
    """Return the state machines of graphs.

    Args:
        graphs: The graphs.
        joins: The planning of prime parts.
        events: The events of each layer, None for as many as there are: with many, a plan is split.
    """
    machines: list[StateMachine] = [emit_chain(graphs)] if len(graphs) > 1 else []
    for graph in graphs:
        size = measure_steps(graph) if events is None else lambda _: MachineSize(0, events)
        plan = split_plan(make_plan(graph, joins=joins), size)
        machines += emit_states(graph, plan)
    return (*machines, *([emit_stop_jobs(graphs)] if any(graph.pipelines for graph in graphs) else []))


def deployment_in(text: str, options: Mapping[str, Any] | None = None) -> Deployment:
    """Return the deployment of graphs.

    Args:
        text: The graphs. With ``times`` lines are repeated, with ``joins`` and ``events`` they are planned so.
        options: The options, if they do not stand in the text.
    """
    if options is None:
        options, text = options_in(text, *DEPLOYED)
    graphs = graphs_in(repeat_lines(text, options.get("times", 1)))
    return allocate(graphs, machines_of(graphs, options.get("joins", "barriers"), options.get("events")))
