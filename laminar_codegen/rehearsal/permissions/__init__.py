"""Who may do what: the policies of an account's roles, and the decision on each call of an API.

`Guard` decides. It reads the policies that a deployment gave its roles, as IAM does:
https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_evaluation-logic.html::

    a call -> the permissions that it needs (`needs`) -> a decision on each, by the role's policies (`decisions`)

Nothing here knows of HTTP, but for `refusals`, which spells a refusal as each service does.
"""

from laminar_codegen.rehearsal.permissions.conditions import UnknownConditionError
from laminar_codegen.rehearsal.permissions.decisions import Decision, decide
from laminar_codegen.rehearsal.permissions.guard import Grant, Guard, Refusal
from laminar_codegen.rehearsal.permissions.needs import Call, Facts, Need, UnknownCallError, needs
from laminar_codegen.rehearsal.permissions.roles import Role, Roles
from laminar_codegen.rehearsal.permissions.statements import Statement, UnknownStatementError, read_policy

__all__ = [
    "Call",
    "Decision",
    "Facts",
    "Grant",
    "Guard",
    "Need",
    "Refusal",
    "Role",
    "Roles",
    "Statement",
    "UnknownCallError",
    "UnknownConditionError",
    "UnknownStatementError",
    "decide",
    "needs",
    "read_policy",
]
