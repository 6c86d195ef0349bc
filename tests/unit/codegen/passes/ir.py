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
    placement,
    plan,
    retriers,
    state_names,
)
from laminar_codegen.targets.batch.labels import job_definitions
from laminar_runtime.configurations import layers
from tests.support.cases import cases_of
from tests.support.deployments import deployment_in, machines_of
from tests.support.shown import as_yaml, evaluated, states

cases_of("ir.asl")(evaluated(asl, as_yaml=as_yaml, machines_of=machines_of, states=states))
cases_of("ir.deployment")(evaluated(deployment, deployment_in=deployment_in))
cases_of("ir.ecr")(evaluated(ecr))
cases_of("ir.expressions")(evaluated(expressions))
cases_of("ir.graph")(evaluated(graph))
cases_of("ir.history")(evaluated(history, machines_of=machines_of))
cases_of("ir.labels")(evaluated(labels, job_definitions=job_definitions))
cases_of("ir.placement")(evaluated(placement, layers=layers))
cases_of("ir.plan")(evaluated(plan))
cases_of("ir.retriers")(evaluated(retriers, Retry=graph.Retry))
cases_of("ir.state_names")(evaluated(state_names))
