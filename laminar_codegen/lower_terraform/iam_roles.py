"""The roles of a deployment: who may take them, and the policies that say what each may do."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence

from laminar_codegen.ir import labels
from laminar_codegen.ir.deployment import Deployment, Role
from laminar_codegen.ir.expressions import Ref, Value
from laminar_codegen.ir.terraform import Block
from laminar_codegen.lower_terraform.role_permissions import (
    for_state_machine,
    for_stop_jobs,
)
from laminar_codegen.policies.datastore import for_functions
from laminar_codegen.policies.sizes import Fitted
from laminar_codegen.policies.statement import ACCOUNT
from laminar_codegen.targets import registry as targets
from laminar_codegen.triggers import registry as triggers

__all__ = ["POLICIES", "TRUST", "emit_role", "given_role_arns", "local_values", "permissions"]

#: The local values that are the policies of all roles, and what says who may take each.
POLICIES = "policies"
TRUST = "trust"
_STATEMENTS = "statements"
_VERSION = "2012-10-17"


def permissions(deployment: Deployment) -> dict[str, Fitted]:
    """Return the statements of each role, by its label.

    Args:
        deployment: The deployment.
    """
    known = {**_PERMISSIONS}
    for target in targets.used_by(deployment.resources):
        known |= target.permissions
    for trigger in deployment.triggers:
        known |= triggers.kind_of(trigger).permissions
    return {role.label: known[role.label](deployment) for role in deployment.roles}


#: The permissions of each role but those of targets and triggers.
_PERMISSIONS: Mapping[str, Callable[[Deployment], Fitted]] = {
    "state_machine": for_state_machine,
    "planner": lambda deployment: for_functions(deployment, deployment.planners),
    labels.STOP_JOBS: for_stop_jobs,
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
    name = role.label.replace("_", "-")
    count = Ref(f"{labels.is_given(role.label).expression} ? 0 : 1")
    yield Block(
        "aws_iam_role",
        role.label,
        {
            "count": count,
            "name": labels.of_role(name),
            "description": role.description,
            "assume_role_policy": Ref(f"jsonencode(local.{TRUST}.{role.label})"),
            "permissions_boundary": Ref("var.permissions_boundary_arn"),
            "tags": Ref("var.tags"),
            "depends_on": [labels.MADE_FIRST],
        },
    )
    yield Block(
        "aws_iam_role_policy",
        role.label,
        {
            "count": count,
            "name": name,
            "role": Ref(f"aws_iam_role.{role.label}[0].id"),
            "policy": Ref(f"local.{POLICIES}.{role.label}"),
        },
    )


def _trust(service: str) -> dict[str, Value]:
    """Return the trust policy of a role: for this account only, where the service says for which account it acts.

    https://docs.aws.amazon.com/IAM/latest/UserGuide/confused-deputy.html
    """
    own: dict[str, Value] = {"Condition": {"StringEquals": {"aws:SourceAccount": ACCOUNT}}}
    taken: dict[str, Value] = {
        "Effect": "Allow",
        "Action": "sts:AssumeRole",
        "Principal": {"Service": service},
        **({} if service == "lambda.amazonaws.com" else own),
    }
    return {"Version": _VERSION, "Statement": [taken]}
