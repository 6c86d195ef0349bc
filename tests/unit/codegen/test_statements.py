"""What the roles of a deployment may do: all that its containers need, and no more."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable

import pytest

from laminar_codegen.ir.expressions import Ref, resolve
from laminar_codegen.lower_terraform.iam_roles import permissions
from laminar_codegen.pipeline import Compilation
from laminar_codegen.policies.statement import Statement
from tests.support.policies import allows as allows_on

FLOW = """
from laminar_runtime import Flow, Layer
from laminar_runtime.configurations.layers import Container

class Report(Flow): ...

@Report.register(container=Container({options}))
class A(Layer):
    def __call__(self) -> None: ...
"""
SECRET = "arn:aws:secretsmanager:eu-west-1:123456789012:secret:"
PARAMETER = "arn:aws:ssm:eu-west-1:123456789012:parameter/team/token"
VALUES = {
    "local.partition": "aws",
    "local.region": "eu-west-1",
    "local.account_id": "123456789012",
    "local.datastore_bucket": "artifacts",
    "local.datastore_prefix": "flows/",
    "var.name": "Report",
}


def statements(compilation: Compilation, role: str) -> dict[str, Statement]:
    """Return the statements of a role by their names."""
    return {statement.sid: statement for statement in permissions(compilation.deployment)[role].statements}


def allows(statement: Statement, action: str, resource: str) -> bool:
    """Return whether a statement is a permission for something."""
    assert not isinstance(statement.resources, Ref)
    known = defaultdict(str, VALUES)
    resources = tuple(str(resolve(item, known)) for item in statement.resources)
    return allows_on({"Action": list(statement.actions), "Resource": list(resources)}, action, resource)


@pytest.mark.parametrize(
    ("given", "whole"),
    [
        ("team/db-AbCdEf", "team/db-AbCdEf"),
        ("team/db-AbCdEf:password::", "team/db-AbCdEf"),
        ("team/db-AbCdEf:password:AWSPREVIOUS:", "team/db-AbCdEf"),
        ("team/db-AbCdEf:::11111111-2222-3333-4444-555555555555", "team/db-AbCdEf"),
        ("db-master-AbCdEf", "db-master-AbCdEf"),
        ("team/db", "team/db-AbCdEf"),
        ("team/db:password::", "team/db-AbCdEf"),
        ("db", "db-AbCdEf"),
        ("team/db-main", "team/db-main-AbCdEf"),
        ("team/db-A.b+c=", "team/db-A.b+c=-AbCdEf"),
    ],
)
def test_secrets_with_and_without_their_suffix(compiled: Callable[[str], Compilation], given: str, whole: str) -> None:
    """A secret may be read that is named with or without what Secrets Manager puts behind its name, and no other."""
    compilation = compiled(FLOW.format(options=f"secrets={{'TOKEN': {SECRET + given!r}}}"))
    reading = statements(compilation, "execution")["ReadSecrets"]
    assert allows(reading, "secretsmanager:GetSecretValue", SECRET + whole)
    for other in (f"{whole}s", f"{whole}-AbCdEf", "team/other-AbCdEf", "db-AbCdE", f"x{whole}"):
        assert not allows(reading, "secretsmanager:GetSecretValue", SECRET + other)


def test_parameters_have_no_suffix(compiled: Callable[[str], Compilation]) -> None:
    """A parameter is named by its whole ARN."""
    compilation = compiled(FLOW.format(options=f"secrets={{'TOKEN': {PARAMETER!r}}}"))
    reading = statements(compilation, "execution")["ReadParameters"]
    assert reading.resources == (PARAMETER,)


def test_pull_through_caches(compiled: Callable[[str], Compilation]) -> None:
    """Who pulls images may have a cache import them, whose repository the first pull makes, and of these only."""
    image = "123456789012.dkr.ecr.eu-west-1.amazonaws.com/docker-hub/library/python:3.12"
    pulling = statements(compiled(FLOW.format(options=f"image={image!r}")), "execution")["PullImages"]
    assert {"ecr:BatchGetImage", "ecr:BatchImportUpstreamImage", "ecr:CreateRepository"} <= {*pulling.actions}
    assert pulling.resources == Ref("local.repositories")
