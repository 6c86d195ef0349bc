"""The policies of the roles of a deployment are such as IAM takes: what does not fit is refused at compile time."""

from __future__ import annotations

from laminar_codegen.ir.deployment import Deployment
from laminar_codegen.limits import ROLE_POLICY_CHARACTERS
from laminar_codegen.lower_terraform.iam_roles import permissions
from laminar_codegen.problems import CompileError, Problem
from laminar_codegen.problems.rules import LAM056, LAM057

__all__ = ["check_policies", "policy_warnings"]

_FIX = {
    "execution": (
        "keep several values under keys of one secret, as in ARN:key::, give what is left names that begin alike, such "
        "as report/..., and have layers share repositories"
    ),
}
_OTHER_FIX = "deploy the flows of the chain as several chains"


def check_policies(deployment: Deployment) -> None:
    """Refuse roles whose policies IAM would refuse for their length.

    Args:
        deployment: The deployment.

    Raises:
        CompileError: With all that are too long.
    """
    location, granted = deployment.graphs[0].location, permissions(deployment)
    problems = [
        Problem(
            location,
            LAM056,
            (
                f"the policy of the role that {role.use} takes up to {granted[role.label].length:,} characters, and "
                f"IAM takes {ROLE_POLICY_CHARACTERS:,}"
            ),
            _FIX.get(role.label, _OTHER_FIX),
        )
        for role in deployment.roles
        if granted[role.label].length > ROLE_POLICY_CHARACTERS
    ]
    if problems:
        raise CompileError(problems)


def policy_warnings(deployment: Deployment) -> list[Problem]:
    """Warn of policies that allow more than the flows name, as they cannot name it all.

    Names within the deployment are not among it: they are nobody else's.

    Args:
        deployment: The deployment.
    """
    granted = permissions(deployment)
    if "execution" not in granted or granted["execution"].most is None:
        return []
    what = (
        "the role that starts the containers of tasks may read secrets and pull images by what their names begin with: "
        "there are more than a policy can name one by one"
    )
    fix = "look at the statements ReadSecrets, ReadParameters and PullImages; fewer secrets and repositories are named"
    return [Problem(deployment.graphs[0].location, LAM057, what, fix)]
