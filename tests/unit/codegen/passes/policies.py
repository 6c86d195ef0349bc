"""The cases of `laminar_codegen.policies`: expressions in the namespace of each module."""

from __future__ import annotations

from laminar_codegen.policies import datastore, network, sizes, statement
from tests.support.cases import cases_of
from tests.support.deployments import deployment_in
from tests.support.shown import as_yaml, evaluator, statements

cases_of("policies.datastore")(evaluator(datastore, deployment_in=deployment_in, statements=statements))
cases_of("policies.network")(
    evaluator(network, deployment_in=deployment_in, for_functions=datastore.for_functions, statements=statements)
)
cases_of("policies.sizes")(evaluator(sizes, deployment_in=deployment_in))
cases_of("policies.statement")(evaluator(statement, as_yaml=as_yaml, statements=statements))
