"""The cases of `laminar_codegen.targets`. The input of most is a graph: see tests/support/graph_notation.py."""

from __future__ import annotations

import itertools
import re
from collections.abc import Callable, Iterable
from typing import Any

from laminar_codegen.ir import ecr
from laminar_codegen.ir.deployment import Planner
from laminar_codegen.ir.expressions import Expression, Input
from laminar_codegen.ir.graph import Graph
from laminar_codegen.problems import Problem
from laminar_codegen.targets import forms, mounts, registry, volumes
from laminar_codegen.targets import planners as planners_of_targets
from laminar_codegen.targets.aws_lambda import checks as lambda_checks
from laminar_codegen.targets.aws_lambda import labels as lambda_labels
from laminar_codegen.targets.aws_lambda.functions import emit_task_function, task_functions
from laminar_codegen.targets.aws_lambda.kind import LAMBDA
from laminar_codegen.targets.aws_lambda.states import LambdaStates
from laminar_codegen.targets.aws_lambda.target import LambdaTarget
from laminar_codegen.targets.batch import checks as batch_checks
from laminar_codegen.targets.batch import further_properties, retry_checks, timed_tasks, volume_checks
from laminar_codegen.targets.batch import labels as batch_labels
from laminar_codegen.targets.batch import planner_jobs as batch_planner_jobs
from laminar_codegen.targets.batch import target as batch_target
from laminar_codegen.targets.batch.job_definitions import (
    container_properties,
    definition_tags,
    emit_job_definition,
    job_definitions,
)
from laminar_codegen.targets.batch.kind import BATCH
from laminar_codegen.targets.batch.planner_jobs import planner_job, planner_jobs
from laminar_codegen.targets.batch.start_permissions import for_execution, local_values
from laminar_codegen.targets.batch.states import BatchStates
from laminar_codegen.targets.batch.stop_jobs import emit_stop_jobs
from laminar_codegen.targets.batch.stop_jobs_rule import emit_stop_rule, ended_executions
from laminar_codegen.targets.batch.task_permissions import for_layers_with, for_tasks
from laminar_codegen.targets.functions import emit_planner
from laminar_codegen.targets.kind import Attempts, TargetKind, TaskStates
from laminar_runtime import Flow, ListVariable
from laminar_runtime.configurations import executors
from laminar_runtime.configurations.networks import Network
from laminar_runtime.variables import Variable
from tests.support.cases import cases_of
from tests.support.deployments import DEPLOYED, deployment_in
from tests.support.graph_notation import graph_in, graphs_in
from tests.support.shown import as_hcl, as_yaml, evaluator, options_in, problems, statements, states


def _rules(rules: Iterable[Callable[[Graph], Iterable[Problem]]]) -> Callable[[str], str]:
    """Return a runner from a graph to the problems that rules find."""

    def run(text: str) -> str:
        options, text = options_in(text, "long")
        text = text.replace("LONG", "x" * options.get("long", 0))
        return problems(problem for graph in graphs_in(text) for rule in rules for problem in rule(graph))

    return run


cases_of("targets.batch.checks")(_rules(batch_checks.RULES))
cases_of("targets.batch.further_properties")(_rules((further_properties.check_properties,)))
cases_of("targets.batch.volume_checks")(
    _rules((volume_checks.check_places, volume_checks.check_mount_points, volume_checks.check_names))
)
cases_of("targets.batch.retry_checks")(_rules(retry_checks.RETRY_RULES))
cases_of("targets.mounts")(evaluator(mounts, statements=statements))
cases_of("targets.volumes")(evaluator(volumes, Input=Input, Variable=Variable))
cases_of("targets.aws_lambda.checks")(_rules(lambda_checks.RULES))
cases_of("targets.planners")(
    evaluator(planners_of_targets, ListVariable=ListVariable, Network=Network, Variable=Variable)
)
cases_of("targets.aws_lambda.labels")(evaluator(lambda_labels, graph_in=graph_in))
cases_of("targets.forms")(evaluator(forms))
cases_of("targets.batch.labels")(evaluator(batch_labels))
cases_of("targets.batch.target")(evaluator(batch_target))
cases_of("targets.batch.timed_tasks")(evaluator(timed_tasks))


@cases_of("targets.batch.stop_jobs")
def stop_jobs(text: str) -> str:
    """Graphs -> the machine that ends the jobs of their executions."""
    machine = emit_stop_jobs(graphs_in(text))
    return f"{machine.name}: {machine.comment}\n{states(machine.states, arguments=True)}"


@cases_of("targets.batch.stop_jobs_rule")
def stop_jobs_rule(text: str) -> str:
    """A graph -> the events about its executions, and the rule that they meet."""
    return f"{as_yaml(ended_executions(deployment_in(text)))}{as_hcl(*emit_stop_rule())}"


def _states(of: Callable[[Graph], TaskStates]) -> Callable[[str], str]:
    """Return a runner from a graph to the states that run its layers."""

    def run(text: str) -> str:
        graph = graph_in(text)
        made, layer = of(graph), graph.layers[0]
        attempts = Attempts((), "$attempt" if layer.replanned else None)
        if graph.pipelines:
            return states(made.pipeline(graph.layers))
        return states([made.group(layer, layer.name, attempts) if layer.foreach else made.once(layer, None, attempts)])

    return run


cases_of("targets.batch.states")(_states(BatchStates.of))
cases_of("targets.aws_lambda.states")(_states(LambdaStates.of))


@cases_of("targets.batch.job_definitions")
def definitions(text: str) -> str:
    """A graph -> how the containers of its job definitions differ from the usual one.

    With ``whole`` they stand as they are, with ``resource`` the resources of the job definitions do.
    """
    options, text = options_in(text, "resource", "whole")
    found = [definition for graph in graphs_in(text) for definition in job_definitions(graph)]
    if options.get("resource"):
        return as_hcl(*map(emit_job_definition, found))
    usual: dict[str, Any] = {}
    if not options.get("whole"):
        (definition,) = job_definitions(graph_in("A"))
        usual = container_properties(definition)
    return as_yaml({definition.label: _differing(container_properties(definition), usual) for definition in found})


def _differing(found: dict[str, Any], usual: dict[str, Any]) -> dict[str, Any]:
    """Return the properties that differ from the usual ones, and as None those that are not there."""
    return {name: found.get(name) for name in sorted({*found, *usual}) if found.get(name) != usual.get(name)}


@cases_of("targets.aws_lambda.functions")
def task_function(text: str) -> str:
    """A graph -> the resources of the functions that run its layers."""
    return as_hcl(*(emit_task_function(function) for graph in graphs_in(text) for function in task_functions(graph)))


@cases_of("targets.functions")
def planner(text: str) -> str:
    """A graph -> the resources of its planners."""
    found = (item for item in deployment_in(text).resources if isinstance(item, Planner))
    return as_hcl(*map(emit_planner, found))


_of_planner_jobs = evaluator(
    batch_planner_jobs, container_properties=container_properties, definition_tags=definition_tags
)


@cases_of("targets.batch.planner_jobs")
def jobs_of_planners(text: str) -> str:
    """A graph -> the job definitions of its planners, and the job that asks one about the first layer."""
    if "\n> " in text:
        return _of_planner_jobs(text)
    graph = graph_in(text)
    found = {item.label: container_properties(item) for item in planner_jobs(graph)}
    if not found:
        return "none"
    layer = graph.layers[0]
    question = Expression("$string({})")
    return as_yaml({**found, "job": planner_job(graph, layer, layer.name, f"{layer.name} plan", question)})


@cases_of("targets.batch.start_permissions")
def execution_role(text: str) -> str:
    """A graph -> what starts its containers may do, and the local values that this refers to."""
    deployment = deployment_in(text)
    granted = for_execution(deployment)
    found = local_values(deployment)
    shortened = "" if granted.most is None else f"at most {granted.most} names of a kind\n"
    text = f"{shortened}{statements(granted.statements)}{as_hcl(**found) if found else ''}"
    return _collapsed(text.replace(ecr.REPOSITORY, "REPOSITORY"))


@cases_of("targets.batch.task_permissions")
def task_roles(text: str) -> str:
    """Graphs -> what tasks may do beyond reading and writing artifacts, by the role of their layers."""
    deployment = deployment_in(text)
    roles = sorted({layer.executor.role for graph in deployment.graphs for layer in graph.layers} - {None})
    found = {"task": for_tasks(deployment), **{role: for_layers_with(deployment, role) for role in roles if role}}
    return "".join(
        f"{role}:\n{statements(item for item in granted.statements if item.sid.startswith('Mount'))}\n"
        for role, granted in found.items()
    )


@cases_of("targets.aws_lambda.volumes")
def function_roles(text: str) -> str:
    """Graphs -> what functions may do with file systems, by the role of their layers."""
    deployment = deployment_in(text)
    roles = sorted({layer.executor.role for graph in deployment.graphs for layer in graph.layers} - {None})
    found = {
        "function": LAMBDA.permissions["function"](deployment),
        **{role: LAMBDA.permissions_of(deployment, role) for role in roles if role},
    }
    return "".join(
        f"{role}:\n{statements(item for item in granted.statements if item.sid.startswith('Mount'))}\n"
        for role, granted in found.items()
    )


def _collapsed(text: str) -> str:
    """Return a text in which of lines that differ in numbers only the first stands, with how many there are."""
    alike = itertools.groupby(text.splitlines(), key=lambda line: re.sub(r"\d+", "#", line))
    groups = [[*lines] for _, lines in alike]
    return "".join(f"{lines[0]}{f'  ({len(lines)} like this)' if len(lines) > 1 else ''}\n" for lines in groups)


def _kind(kind: TargetKind) -> Callable[[str], str]:
    """Return a runner from a graph to what its deployment needs for a kind of target."""

    def run(text: str) -> str:
        options, text = options_in(text, *DEPLOYED, "short")
        deployment = deployment_in(text, options)
        own: list[Any] = [item for graph in deployment.graphs for item in kind.resources(graph)]
        return "\n".join(
            (
                f"resources: {', '.join(item.label for item in own)}",
                *(
                    f"role {role.label} of {role.service}: {role.description}"
                    for role in kind.roles("flow Report", own)
                ),
                f"log groups: {', '.join(kind.log_groups(own)) or 'none'}",
                f"variables: {', '.join(found.name for found in kind.variables(deployment)) or 'none'}",
                f"local values: {', '.join(kind.local_values(deployment)) or 'none'}",
                statements(kind.statements(deployment, options.get("short", False))),
            )
        )

    return run


cases_of("targets.batch.kind")(_kind(BATCH))
cases_of("targets.aws_lambda.kind")(_kind(LAMBDA))


class _Configured(Flow):
    """A flow whose layers run on AWS Batch."""


cases_of("targets.registry")(
    evaluator(
        registry,
        executors=executors,
        LambdaTarget=LambdaTarget,
        deployment_in=deployment_in,
        flow=lambda executor: _Configured(executor=executor),
    )
)
