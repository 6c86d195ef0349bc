"""The policies of the roles of a deployment are such as IAM takes: what does not fit is refused at compile time."""

from __future__ import annotations

from collections.abc import Sequence

from laminar_codegen import names
from laminar_codegen.ir.asl import StateMachine
from laminar_codegen.ir.graph import Graph
from laminar_codegen.limits import ROLE_POLICY_CHARACTERS
from laminar_codegen.lower_terraform.iam_roles import needed_roles
from laminar_codegen.problems import CompileError, Problem

__all__ = ["check_policies", "policy_warnings"]

_FIX = {
    "execution": (
        "keep several values under keys of one secret, as in ARN:key::, give what is left names that begin alike, such "
        "as report/..., and have layers share repositories"
    ),
}
_OTHER_FIX = "deploy the flows of the chain as several chains"


def check_policies(graphs: Sequence[Graph], machines: Sequence[StateMachine]) -> None:
    """Refuse roles whose policies IAM would refuse for their length.

    Args:
        graphs: The graphs of the flows.
        machines: All state machines.

    Raises:
        CompileError: With all that are too long.
    """
    uses = names.roles(*graphs)
    problems = [
        Problem(
            graphs[0].location,
            "LAM056",
            (
                f"the policy of the role that {uses[role.label]} takes up to {role.granted.length:,} characters, and "
                f"IAM takes {ROLE_POLICY_CHARACTERS:,}"
            ),
            _FIX.get(role.label, _OTHER_FIX),
        )
        for role in needed_roles(graphs, machines)
        if role.granted.length > ROLE_POLICY_CHARACTERS
    ]
    if problems:
        raise CompileError(problems)


def policy_warnings(graphs: Sequence[Graph], machines: Sequence[StateMachine]) -> list[Problem]:
    """What roles may do to more than the flows name, as their policies cannot name it all.

    Names within the deployment are not among it: they are nobody else's.

    Args:
        graphs: The graphs of the flows.
        machines: All state machines.
    """
    roles = {role.label: role for role in needed_roles(graphs, machines)}
    if "execution" not in roles or roles["execution"].granted.most is None:
        return []
    what = (
        "the role that starts the containers of tasks may read secrets and pull images by what their names begin with: "
        "there are more than a policy can name one by one"
    )
    fix = "look at the statements ReadSecrets, ReadParameters and PullImages; fewer secrets and repositories are named"
    return [Problem(graphs[0].location, "LAM057", what, fix)]
