"""Refuses policies that are too long for IAM, at compile time, and warns of policies with patterns of names."""

from __future__ import annotations

from laminar_codegen.ir.deployment import Deployment
from laminar_codegen.limits import ROLE_POLICY_CHARACTERS
from laminar_codegen.lower_terraform.iam_roles import permissions
from laminar_codegen.problems import CompileError, Problem
from laminar_codegen.problems.rules import LAM056, LAM057

__all__ = ["check_policies", "policy_warnings"]

_FIX = {
    "execution": (
        "keep several values under keys of one secret, as in ARN:key::, give the other secrets names with a common "
        "prefix, such as report/..., and let layers share repositories"
    ),
}
_OTHER_FIX = "deploy the flows of the chain as several chains"


def check_policies(deployment: Deployment) -> None:
    """Refuse roles whose policies are too long for IAM.

    Args:
        deployment: The deployment.

    Raises:
        CompileError: With all policies that are too long.
    """
    location, granted = deployment.graphs[0].location, permissions(deployment)
    problems = [
        Problem(
            location,
            LAM056,
            (
                f"the policy of the role that {role.use} is up to {granted[role.label].length:,} characters long; "
                f"IAM accepts {ROLE_POLICY_CHARACTERS:,}"
            ),
            _FIX.get(role.label, _OTHER_FIX),
        )
        for role in deployment.roles
        if granted[role.label].length > ROLE_POLICY_CHARACTERS
    ]
    if problems:
        raise CompileError(problems)


def policy_warnings(deployment: Deployment) -> list[Problem]:
    """Warn of policies that allow more than the secrets and repositories of the flows: too many to name them all.

    Patterns of names within the deployment need no warning: no other deployment has such names.

    Args:
        deployment: The deployment.
    """
    granted = permissions(deployment)
    if "execution" not in granted or granted["execution"].most is None:
        return []
    what = (
        "the role that starts the containers of tasks may read secrets and pull images by prefixes of their names: "
        "they are more than a policy can name one by one"
    )
    fix = "review the statements ReadSecrets, ReadParameters and PullImages, or use fewer secrets and repositories"
    return [Problem(deployment.graphs[0].location, LAM057, what, fix)]
