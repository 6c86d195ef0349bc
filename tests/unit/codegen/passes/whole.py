"""The cases of the modules that are in no room of the compiler. The input is a graph."""

from __future__ import annotations

from laminar_codegen import cost
from laminar_codegen.allocate import longest_name
from laminar_codegen.ir.asl import Rule
from tests.support.cases import cases_of
from tests.support.deployments import deployment_in, machines_of
from tests.support.graph_notation import graphs_in
from tests.support.shown import evaluator

cases_of("cost")(evaluator(cost, machines_of=machines_of, Rule=Rule))


@cases_of("allocate")
def allocated(text: str) -> str:
    """Graphs -> the resources of their deployment."""
    deployment = deployment_in(text)
    return "\n".join(
        (
            f"resources: {', '.join(f'{type(item).__name__} {item.label}' for item in deployment.resources)}",
            f"queues: {', '.join(queue.variable for queue in deployment.queues) or 'none'}",
            *(f"role {role.label}: {role.description}" for role in deployment.roles),
            f"log groups: {', '.join(group.label for group in deployment.log_groups)}",
            f"alarms: {', '.join(alarm.label for alarm in deployment.alarms)}",
            f"machines: {', '.join(machine.name for machine in deployment.machines)}",
            f"a name has at most {longest_name(graphs_in(text))} characters",
        )
    )
