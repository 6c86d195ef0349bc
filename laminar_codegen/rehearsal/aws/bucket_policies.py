"""Bucket policies: whom they refuse, and on which conditions.

moto takes a statement that denies for a denial when its conditions do not hold, and so refuses everything in a bucket
whose policy denies requests without TLS. Here a statement denies what its principals ask for while its conditions hold.
If its conditions cannot be evaluated, the answer is an error that says so: `NotImplemented`, with the condition's name.

The embedded AWS speaks HTTP, as there is no certificate for it. It stands for an AWS that is reached by HTTPS, and its
requests are taken to come so.

https://docs.aws.amazon.com/AmazonS3/latest/userguide/access-control-auth-workflow-object-operation.html
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from typing import Any

import attrs
from flask import request
from moto.iam.access_control import PermissionResult
from moto.s3.exceptions import S3ClientError
from moto.s3.models import FakeBucket

from laminar_codegen.rehearsal.aws.patches import Patches
from laminar_codegen.rehearsal.aws.signatures import signature_of
from laminar_codegen.rehearsal.permissions.conditions import UnknownConditionError, holds, matches

_TRANSPORT = {"aws:securetransport": "true", "s3:tlsversion": "1.3"}
#: moto names what a request asks for by its method, which S3 does not for these.
_ACTIONS = {"s3:HeadObject": "s3:GetObject", "s3:PostObject": "s3:PutObject"}


def install(patches: Patches) -> None:
    """Put the function of this module in the place of moto's."""
    patches.attribute(FakeBucket, "get_permission", _permission)


@attrs.frozen
class _Asked:
    """What a request asks for.

    caller   the role that asks; None is who owns the account
    context  what conditions look at
    """

    action: str
    resource: str
    caller: str | None
    context: Mapping[str, str | None]


def _permission(self: FakeBucket, action: str, resource: str) -> PermissionResult:
    """Moto looks at a statement's effect last, after it has refused what the conditions do not hold for."""
    if self.policy is None:
        return PermissionResult.NEUTRAL
    signature = signature_of(request.environ)
    caller = None if signature is None else signature.role
    asked = _Asked(_ACTIONS.get(action, action), resource, caller, _context(caller))
    statements = [item for item in _list(json.loads(self.policy)["Statement"]) if _is_of(item, asked)]
    if any(_denies(item, asked) for item in statements if item["Effect"] == "Deny"):
        return PermissionResult.DENIED
    if any(_allows(item, asked) for item in statements if item["Effect"] == "Allow"):
        return PermissionResult.PERMITTED
    return PermissionResult.NEUTRAL


def _context(caller: str | None) -> Mapping[str, str | None]:
    return _Context({**_TRANSPORT, "aws:principalarn": caller} if caller else _TRANSPORT)


class _Context(dict[str, "str | None"]):
    """What is known of a request: also of each header that conditions of S3 may look at, whether it is there."""

    def __contains__(self, key: object) -> bool:
        return super().__contains__(key) or str(key).startswith("s3:x-amz-")

    def __missing__(self, key: str) -> str | None:
        return request.headers.get(key.removeprefix("s3:"))


def _is_of(statement: Mapping[str, Any], asked: _Asked) -> bool:
    action = _concerns(statement, "Action", asked.action.lower(), lower=True)
    return action and _concerns(statement, "Resource", asked.resource) and _is_of_caller(statement, asked.caller)


def _concerns(statement: Mapping[str, Any], element: str, text: str, *, lower: bool = False) -> bool:
    """Whether a statement's `Action` or `Resource` is like a text, or its `NotAction` or `NotResource` is not."""
    negated = f"Not{element}" in statement
    patterns = _list(statement[f"Not{element}" if negated else element])
    return any(matches(item.lower() if lower else item, text) for item in patterns) != negated


def _is_of_caller(statement: Mapping[str, Any], caller: str | None) -> bool:
    """https://docs.aws.amazon.com/AmazonS3/latest/userguide/security_iam_service-with-iam.html."""
    negated = "NotPrincipal" in statement
    principals = statement["NotPrincipal" if negated else "Principal"]
    # Whoever is not of AWS is a service or a federated user, of which there are none here.
    named = ["*"] if principals == "*" else _list(principals.get("AWS", []))
    return any(name == "*" or _is_caller(name, caller) for name in named) != negated


def _is_caller(name: str, caller: str | None) -> bool:
    """Whether a principal is the caller, or the account, which is named by its root or by its number."""
    if caller is None:
        return name.endswith(":root") or name.isdigit()
    account = caller.split(":")[4]
    return name in (caller, account) or name.endswith(f"::{account}:root")


def _denies(statement: Mapping[str, Any], asked: _Asked) -> bool:
    try:
        return holds(statement.get("Condition", {}), asked.context)
    except UnknownConditionError as error:
        sid = statement.get("Sid", "without a Sid")
        message = f"The embedded AWS cannot evaluate a condition of the statement {sid} of the bucket's policy: {error}"
        raise S3ClientError("NotImplemented", message) from error


def _allows(statement: Mapping[str, Any], asked: _Asked) -> bool:
    """Return whether the conditions of a statement hold. Without a signature, an unknown condition does not."""
    try:
        return holds(statement.get("Condition", {}), asked.context)
    except UnknownConditionError:
        return False


def _list(value: Any) -> Iterable[Any]:
    return value if isinstance(value, list) else [value]
