"""The cases of `laminar_codegen.triggers`. The input of a schedule is a graph with one."""

from __future__ import annotations

from laminar_codegen.ir.expressions import Value
from laminar_codegen.triggers import registry
from laminar_codegen.triggers.schedule import SCHEDULE
from laminar_runtime.configurations.schedulers.step_functions import StepFunctions
from tests.support.cases import cases_of
from tests.support.deployments import deployment_in
from tests.support.graph_notation import graphs_in
from tests.support.shown import as_hcl, as_yaml, evaluator, options_in, problems, statements

cases_of("triggers.registry")(evaluator(registry, StepFunctions=StepFunctions))


@cases_of("triggers.schedule")
def schedule(text: str) -> str:
    """A graph with a schedule -> its problems. With ``emit`` the resources, with ``needs`` what they need."""
    options, text = options_in(text, "emit", "needs")
    graphs = graphs_in(text)
    values = [(graph, trigger.value) for graph in graphs for trigger in graph.triggers]
    if options.get("emit"):
        return as_hcl(*(block for _, value in values for block in SCHEDULE.emit(value)))
    if not options.get("needs"):
        return problems(problem for graph, value in values for rule in SCHEDULE.rules for problem in rule(graph, value))
    (_, value), deployment = values[0], deployment_in(text)
    module = SCHEDULE.in_module
    assert module is not None
    given: Value = {module.variable.name: module.argument(value)}
    return "\n".join(
        (
            *(f"role {role.label} of {role.service}: {role.description}" for role in SCHEDULE.roles("flow Report")),
            *(statements(granted(deployment).statements) for granted in SCHEDULE.permissions.values()),
            *(f"alarm {alarm.label} on {alarm.metric}" for alarm in SCHEDULE.alarms(value)),
            *(f"variable {variable.name} = {variable.default}" for variable in SCHEDULE.variables(value)),
            as_yaml({"module": given}),
        )
    )
