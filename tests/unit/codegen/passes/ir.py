"""The cases of `laminar_codegen.ir`: expressions in the namespace of each module."""

from __future__ import annotations

from laminar_codegen.ir import (
    asl,
    deployment,
    ecr,
    expressions,
    graph,
    history,
    labels,
    picture,
    placement,
    plan,
    retriers,
    settings,
    state_names,
)
from laminar_codegen.targets.batch.labels import job_definitions
from laminar_runtime.configurations import layers
from laminar_runtime.configurations.operations import Alarms, Logs
from tests.support.cases import cases_of
from tests.support.deployments import deployment_in, machines_of
from tests.support.shown import as_yaml, evaluator, states

cases_of("ir.asl")(evaluator(asl, as_yaml=as_yaml, machines_of=machines_of, states=states))
cases_of("ir.deployment")(evaluator(deployment, deployment_in=deployment_in))
cases_of("ir.ecr")(evaluator(ecr))
cases_of("ir.expressions")(evaluator(expressions))
cases_of("ir.graph")(evaluator(graph))
cases_of("ir.history")(evaluator(history, machines_of=machines_of))
cases_of("ir.labels")(evaluator(labels, job_definitions=job_definitions))
cases_of("ir.picture")(evaluator(picture))
cases_of("ir.placement")(evaluator(placement, layers=layers))
cases_of("ir.plan")(evaluator(plan))
cases_of("ir.retriers")(evaluator(retriers, Retry=graph.Retry))
cases_of("ir.settings")(evaluator(settings, Alarms=Alarms, Logs=Logs))
cases_of("ir.state_names")(evaluator(state_names))
