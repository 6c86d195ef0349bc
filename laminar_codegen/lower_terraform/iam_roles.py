"""The roles of a deployment: their trust policies and their permissions."""

from __future__ import annotations

import functools
from collections.abc import Callable, Iterator, Mapping, Sequence

from laminar_codegen.ir import labels
from laminar_codegen.ir.deployment import Deployment, Role
from laminar_codegen.ir.expressions import Ref, Value
from laminar_codegen.ir.terraform import Block
from laminar_codegen.lower_terraform.role_permissions import for_state_machine
from laminar_codegen.policies.datastore import for_functions
from laminar_codegen.policies.sizes import Fitted
from laminar_codegen.policies.statement import ACCOUNT
from laminar_codegen.targets import registry as targets
from laminar_codegen.targets.kind import TargetKind
from laminar_codegen.triggers import registry as triggers

__all__ = [
    "NAMES_NO_ACCOUNT",
    "OF_ACCOUNT",
    "POLICIES",
    "ROLE",
    "ROLE_POLICY",
    "TRUST",
    "emit_role",
    "given_role_arns",
    "local_values",
    "permissions",
    "role_arguments",
    "role_policy_arguments",
    "trust_policy",
    "trust_statement",
]

ROLE = "aws_iam_role"
ROLE_POLICY = "aws_iam_role_policy"

#: The local values with the policies and the trust policies of all roles.
POLICIES = "policies"
TRUST = "trust"
_STATEMENTS = "statements"
_VERSION = "2012-10-17"
#: A role trusts a service for this account only, if the service names the account for which it acts. One does not.
#: https://docs.aws.amazon.com/IAM/latest/UserGuide/confused-deputy.html
OF_ACCOUNT: Mapping[str, Value] = {"Condition": {"StringEquals": {"aws:SourceAccount": ACCOUNT}}}
NAMES_NO_ACCOUNT = "lambda.amazonaws.com"


@functools.lru_cache(maxsize=1)
def permissions(deployment: Deployment) -> Mapping[str, Fitted]:
    """Return the statements of each role, by its label. They are computed once: a check and the document need them.

    Args:
        deployment: The deployment.
    """
    known = {**_PERMISSIONS}
    for target in targets.kinds_of(deployment.resources):
        known |= target.permissions
    for companion in targets.companions_of(deployment.graphs):
        known[companion.label] = companion.permissions
    for trigger in deployment.triggers:
        known |= triggers.kind_of(trigger).permissions
    for role, kind in targets.kinds_by_role(deployment.resources).items():
        known[role] = _statements_of(kind, role)
    return {role.label: known[role.label](deployment) for role in deployment.roles}


def _statements_of(kind: TargetKind, role: str) -> Callable[[Deployment], Fitted]:
    return lambda deployment: kind.permissions_of(deployment, role)


#: The permissions of each role, except those of targets and triggers.
_PERMISSIONS: Mapping[str, Callable[[Deployment], Fitted]] = {
    "state_machine": for_state_machine,
    "planner": lambda deployment: for_functions(deployment, deployment.planners),
}


def local_values(deployment: Deployment) -> dict[str, Value]:
    """Return the local values with the trust policy and the permissions of each role, as structures and as JSON.

    Args:
        deployment: The deployment.
    """
    there = "[for statement in statements : statement if length(statement.Resource) > 0]"
    written = f'jsonencode({{ Version = "{_VERSION}", Statement = {there} }})'
    return {
        TRUST: {role.label: _trust(role.service) for role in deployment.roles},
        _STATEMENTS: {
            label: [statement.body() for statement in granted.statements]
            for label, granted in permissions(deployment).items()
        },
        POLICIES: Ref(f"{{ for role, statements in local.{_STATEMENTS} : role => {written} }}"),
    }


def given_role_arns(roles: Sequence[Role]) -> Ref:
    """Return the ARNs of the roles that are given, by label: those known at plan, and those of a map with known keys.

    Args:
        roles: The roles.
    """
    known = ", ".join(f"{role.label} = var.{role.label}_role_arn" for role in roles)
    return Ref(f"merge({{ for label, arn in {{ {known} }} : label => arn if arn != null }}, var.role_arns)")


def emit_role(role: Role) -> Iterator[Block]:
    """Emit a role and its policy.

    Args:
        role: The role.
    """
    suffix = role.label.replace("_", "-")
    count = {"count": Ref(f"{labels.is_given(role.label).expression} ? 0 : 1")}
    trust = Ref(f"jsonencode(local.{TRUST}.{role.label})")
    yield Block(ROLE, role.label, {**count, **role_arguments(suffix, role.description, trust)})
    policy = Ref(f"local.{POLICIES}.{role.label}")
    made = Ref(f"{ROLE}.{role.label}[0].id")
    yield Block(ROLE_POLICY, role.label, {**count, **role_policy_arguments(suffix, made, policy)})


def role_arguments(suffix: str | Ref, description: Value, trust: Ref) -> dict[str, Value]:
    """Return the arguments of a role.

    Args:
        suffix: The end of its name.
        description: Its description in the account.
        trust: Its trust policy, as JSON.
    """
    return {
        "name": labels.of_role(suffix),
        "description": description,
        "assume_role_policy": trust,
        "permissions_boundary": Ref("var.permissions_boundary_arn"),
        "tags": Ref("var.tags"),
        "depends_on": [labels.MADE_FIRST],
    }


def role_policy_arguments(suffix: str | Ref, role: Ref, policy: Ref) -> dict[str, Value]:
    """Return the arguments of the policy of a role.

    Args:
        suffix: The label of the role.
        role: The role.
        policy: Its permissions, as JSON.
    """
    return {"name": suffix, "role": role, "policy": policy}


def trust_policy(statement: Value) -> dict[str, Value]:
    """Return a trust policy of one statement.

    Args:
        statement: The statement.
    """
    return {"Version": _VERSION, "Statement": [statement]}


def trust_statement(service: Value) -> dict[str, Value]:
    """Return the statement by which a service may assume a role.

    Args:
        service: The principal of the service.
    """
    return {"Effect": "Allow", "Action": "sts:AssumeRole", "Principal": {"Service": service}}


def _trust(service: str) -> dict[str, Value]:
    return trust_policy({**trust_statement(service), **({} if service == NAMES_NO_ACCOUNT else OF_ACCOUNT)})
