"""The decision on one permission: an explicit denial, then the boundary, then what the role's policies allow.

https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_evaluation-logic.html
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence

import attrs

from laminar_codegen.rehearsal.permissions.conditions import Context, UnknownConditionError
from laminar_codegen.rehearsal.permissions.needs import Call, Need
from laminar_codegen.rehearsal.permissions.statements import Statement

__all__ = ["Decision", "context_of", "decide"]


@attrs.frozen
class Decision:
    """What was decided.

    Args:
        allowed: Whether the call may do it.
        reason: Why not, as AWS words it; empty if it may.
        by: The statement that decided, None if there is none.
    """

    allowed: bool
    reason: str = ""
    by: Statement | None = None


def decide(
    need: Need,
    policies: Sequence[Statement],
    boundary: Sequence[Statement] | None = None,
    context: Context | None = None,
) -> Decision:
    """Decide whether a role has a permission.

    Args:
        need: The permission.
        policies: The statements of the role's policies.
        boundary: Those of its permissions boundary, None if it has none.
        context: What is known of the request, by key in small letters.

    Example:
        >>> from laminar_codegen.rehearsal.permissions.statements import read_policy
        >>> allowing = read_policy("p", '{"Statement": {"Effect": "Allow", "Action": "s3:Get*", "Resource": "*"}}')
        >>> decide(Need("s3:GetObject", "arn:aws:s3:::bucket/key"), allowing).allowed
        True
        >>> decide(Need("s3:PutObject", "arn:aws:s3:::bucket/key"), allowing).reason
        'no identity-based policy allows the s3:PutObject action'
    """
    known = {**(context or {}), **{key.lower(): value for key, value in need.context.items()}}
    try:
        for kind, statements in (("identity-based policy", policies), ("permissions boundary", boundary or ())):
            denying = _first(need, (item for item in statements if item.effect == "Deny"), known)
            if denying is not None:
                return Decision(False, f"with an explicit deny in the {kind} {denying.name}", denying)  # noqa: FBT003
        if boundary is not None and _first(need, _allowing(boundary), known) is None:
            return Decision(False, f"no permissions boundary allows the {need.action} action")  # noqa: FBT003
        found = _first(need, _allowing(policies), known)
    except UnknownConditionError as error:
        return Decision(False, f"the rehearsal cannot evaluate {error}")  # noqa: FBT003
    if found is None:
        return Decision(False, f"no identity-based policy allows the {need.action} action")  # noqa: FBT003
    return Decision(True, by=found)  # noqa: FBT003


def context_of(call: Call) -> dict[str, str | None]:
    """Return what is known of each request of a role, for conditions.

    https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_condition-keys.html

    Args:
        call: The request.
    """
    return {
        "aws:principalarn": call.principal,
        "aws:principalaccount": call.account,
        "aws:principaltype": "AssumedRole",
        "aws:requestedregion": call.region,
        "aws:resourceaccount": call.account,
        # It stands for an AWS that is reached by HTTPS.
        "aws:securetransport": "true",
        "aws:username": None,
        # Only a request to list has one.
        "s3:prefix": None,
        "aws:sourcevpc": None,
        "aws:sourcevpce": None,
        "lambda:sourcefunctionarn": _function_of(call),
    }


def _function_of(call: Call) -> str | None:
    """Return the ARN of the function whose code makes a call, None for other calls.

    https://docs.aws.amazon.com/lambda/latest/dg/permissions-source-function-arn.html
    """
    name = call.place.removeprefix("function ")
    # AWS Lambda itself writes logs and makes network interfaces in the name of the role.
    if name == call.place or call.service == "lambda":
        return None
    return f"arn:{call.partition}:lambda:{call.region}:{call.account}:function:{name}"


def _allowing(statements: Iterable[Statement]) -> list[Statement]:
    return [item for item in statements if item.effect == "Allow"]


def _first(need: Need, statements: Iterable[Statement], context: Context) -> Statement | None:
    """Return the first statement that is about a permission. One that cannot be evaluated counts if no other is."""
    unknown: UnknownConditionError | None = None
    for statement in statements:
        try:
            if statement.applies(need.action, need.resource, context):
                return statement
        except UnknownConditionError as error:
            unknown = UnknownConditionError(f"a condition of the statement {statement.name}: {error}")
    if unknown is not None:
        raise unknown
    return None
