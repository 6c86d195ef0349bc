"""The cases of `laminar_codegen.triggers`. The input of a plain schedule is a graph with one, of others their list."""

from __future__ import annotations

from collections.abc import Iterator

import attrs

from laminar_codegen.allocate import allocate
from laminar_codegen.ir.deployment import Deployment
from laminar_codegen.ir.expressions import Value
from laminar_codegen.ir.graph import Trigger
from laminar_codegen.triggers import event_paths, failed_starts, gaps, patterns, registry, start_input, timing
from laminar_codegen.triggers.kind import TriggerKind
from laminar_codegen.triggers.schedule import SCHEDULE
from laminar_codegen.triggers.starts import STARTS
from laminar_runtime.configurations import triggers
from laminar_runtime.configurations.schedulers.step_functions import StepFunctions
from laminar_runtime.variables import Variable
from tests.support.cases import cases_of
from tests.support.deployments import deployment_in, machines_of
from tests.support.graph_notation import graphs_in
from tests.support.shown import as_hcl, as_yaml, evaluator, options_in, problems, statements

#: What users import.
of_users = {"Variable": Variable, **{name: getattr(triggers, name) for name in triggers.__all__}}

cases_of("triggers.registry")(evaluator(registry, StepFunctions=StepFunctions, **of_users))
cases_of("triggers.event_paths")(evaluator(event_paths, **of_users))
cases_of("triggers.gaps")(evaluator(gaps, **of_users))
cases_of("triggers.timing")(evaluator(timing, **of_users))
cases_of("triggers.failed_starts")(evaluator(failed_starts))
cases_of("triggers.patterns")(evaluator(patterns, Variable=Variable))
cases_of("triggers.start_input")(evaluator(start_input, **of_users))


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
    return "\n".join((*_needs(SCHEDULE, value, deployment), as_yaml({"module": given})))


@cases_of("triggers.event_start")
@cases_of("triggers.expressions")
@cases_of("triggers.timed_start")
@cases_of("triggers.starts")
def starts(text: str) -> str:
    """Triggers -> their problems. With ``emit`` the resources, with ``needs`` what they need."""
    options, text = options_in(text, "emit", "needs")
    given = [eval(line, of_users) for line in text.splitlines()]  # noqa: S307 - the lines of a case
    (value,) = STARTS.find(StepFunctions(triggers=given))
    (graph,) = (attrs.evolve(graph, triggers=(Trigger(STARTS.name, value),)) for graph in graphs_in("X"))
    if options.get("emit"):
        return as_hcl(*STARTS.emit(value))
    if not options.get("needs"):
        return problems(problem for rule in STARTS.rules for problem in rule(graph, value))
    deployment = allocate([graph], (*machines_of([graph]), *STARTS.machines(value)))
    return "\n".join((*_needs(STARTS, value, deployment), f"name of at most {deployment.longest_name} characters"))


def _needs(kind: TriggerKind, value: object, deployment: Deployment) -> Iterator[str]:
    """Yield what triggers need: roles, statements, alarms, variables, and their validations."""
    for role in kind.roles(value, "flow Report"):
        yield f"role {role.label} of {role.service}: {role.description}"
        yield statements(kind.permissions[role.label](deployment).statements)
    yield from (f"alarm {alarm.label} on {alarm.metric}" for alarm in kind.alarms(value))
    yield from (f"variable {variable.name} = {variable.default}" for variable in kind.variables(value))
    yield from (f"{reference.expression} must be {rule.condition}" for reference, rule in kind.validations(value))
