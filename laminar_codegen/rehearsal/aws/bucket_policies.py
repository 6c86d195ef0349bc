"""Bucket policies: whom they refuse, and on which conditions.

moto takes a statement that denies for a denial when its conditions do not hold, and so refuses everything in a bucket
whose policy denies requests without TLS. So it does not get policies. Here a statement denies what its principals ask
for while its conditions hold. If its conditions cannot be evaluated, the answer is an error that says so:
`NotImplemented`, with the condition's name.

The embedded AWS speaks HTTP, as there is no certificate for it. It stands for an AWS that is reached by HTTPS, and its
requests are taken to come so.

https://docs.aws.amazon.com/AmazonS3/latest/userguide/access-control-auth-workflow-object-operation.html
"""

from __future__ import annotations

import io
import json
from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING, Any
from xml.sax.saxutils import escape

import attrs
from botocore.exceptions import ClientError

from laminar_codegen.rehearsal.aws.clients import Clients
from laminar_codegen.rehearsal.aws.own_services import Answer, Asked, Operation
from laminar_codegen.rehearsal.permissions import Need, UnknownCallError, needs
from laminar_codegen.rehearsal.permissions.conditions import UnknownConditionError, holds, matches

if TYPE_CHECKING:
    from wsgiref.types import WSGIEnvironment

__all__ = ["S3Api"]

_LOGS = "logging.s3.amazonaws.com"
_TRANSPORT = {"aws:securetransport": "true", "s3:tlsversion": "1.3"}


class S3Api:
    """The operations of Amazon S3 that moto does not answer: those on the policies of buckets, and what they refuse.

    Args:
        clients: The clients of the embedded AWS.
    """

    def __init__(self, clients: Clients) -> None:
        self._clients = clients
        self._policies: dict[str, str] = {}

    def forget(self) -> None:
        """Forget all policies."""
        self._policies.clear()

    def concerns(self, environ: WSGIEnvironment) -> bool:
        """Whether a request is about a policy, or may be refused by one."""
        return bool(self._policies) or "policy" in environ.get("QUERY_STRING", "")

    def find(self, operation: str) -> Operation:
        """Return what answers an operation."""
        return {
            "PutBucketPolicy": self._put,
            "GetBucketPolicy": self._get,
            "DeleteBucketPolicy": self._delete,
            "DeleteBucket": self._delete,
        }.get(operation, self._check)

    def _put(self, asked: Asked) -> Answer | None:
        bucket, text = asked.parameters["Bucket"], asked.body.decode()
        try:
            read = json.loads(text)
            self._clients.get("s3", asked.signature.region).head_bucket(Bucket=bucket)
        except ValueError:
            return _error("MalformedPolicy", "Policies must be valid JSON and the first byte must be '{'", 400)
        except ClientError:
            return _error("NoSuchBucket", "The specified bucket does not exist", 404)
        self._policies[bucket] = text
        for_logs = [item for item in _list(read.get("Statement", [])) if _is_of_logs(item)]
        if not for_logs:
            return Answer(b"", 204)
        # moto looks for these when the bucket is to take the logs of another one. They refuse nothing.
        content = json.dumps({**read, "Statement": for_logs}).encode()
        asked.environ.update({"wsgi.input": io.BytesIO(content), "CONTENT_LENGTH": str(len(content))})
        return None

    def _get(self, asked: Asked) -> Answer | None:
        text = self._policies.get(asked.parameters["Bucket"])
        return None if text is None else Answer(text.encode())

    def _delete(self, asked: Asked) -> None:
        self._policies.pop(asked.parameters["Bucket"], None)

    def _check(self, asked: Asked) -> Answer | None:
        text = self._policies.get(asked.parameters.get("Bucket", ""))
        if text is None:
            return None
        role, call = asked.signature.role, asked.signature.call
        try:
            needed = [need for need in needs(call) if need.action.startswith("s3:")]
        except UnknownCallError:
            return None  # an operation of who owns the account, such as on the bucket's settings
        statements = _list(json.loads(text)["Statement"])
        context = _Context(asked.environ, role)
        try:
            denied = any(_denies(item, _Asked(need, role, context)) for item in statements for need in needed)
        except _UnknownDenialError as error:
            return _error("NotImplemented", str(error), 501)
        return _error("AccessDenied", "Access Denied", 403) if denied else None


def _is_of_logs(statement: Mapping[str, Any]) -> bool:
    """Return whether a statement lets Amazon S3 write the logs of other buckets.

    https://docs.aws.amazon.com/AmazonS3/latest/userguide/enable-server-access-logging.html
    """
    principal = statement.get("Principal")
    services = _list(principal.get("Service", [])) if isinstance(principal, dict) else []
    return statement.get("Effect") == "Allow" and _LOGS in services


@attrs.frozen
class _Asked:
    """What a request asks for.

    need     the action and the resource
    caller   the role that asks; None is who owns the account
    context  what conditions look at
    """

    need: Need
    caller: str | None
    context: Mapping[str, str | None]


class _UnknownDenialError(Exception):
    """A condition of a statement that denies cannot be evaluated."""


class _Context(dict[str, "str | None"]):
    """What is known of a request: also of each header that conditions of S3 may look at, whether it is there."""

    def __init__(self, environ: WSGIEnvironment, caller: str | None) -> None:
        super().__init__({**_TRANSPORT, "aws:principalarn": caller} if caller else _TRANSPORT)
        self._environ = environ

    def __contains__(self, key: object) -> bool:
        return super().__contains__(key) or str(key).startswith("s3:x-amz-")

    def __missing__(self, key: str) -> str | None:
        header: str | None = self._environ.get(f"HTTP_{key.removeprefix('s3:').upper().replace('-', '_')}")
        return header


def _error(code: str, message: str, status: int) -> Answer:
    body = (
        f'<?xml version="1.0" encoding="UTF-8"?><Error><Code>{code}</Code><Message>{escape(message)}</Message></Error>'
    )
    return Answer(body.encode(), status, (("Content-Type", "application/xml"),))


def _denies(statement: Mapping[str, Any], asked: _Asked) -> bool:
    if statement["Effect"] != "Deny" or not _is_of(statement, asked):
        return False
    try:
        return holds(statement.get("Condition", {}), asked.context)
    except UnknownConditionError as error:
        sid = statement.get("Sid", "without a Sid")
        message = f"The embedded AWS cannot evaluate a condition of the statement {sid} of the bucket's policy: {error}"
        raise _UnknownDenialError(message) from error


def _is_of(statement: Mapping[str, Any], asked: _Asked) -> bool:
    action = _concerns(statement, "Action", asked.need.action.lower(), lower=True)
    return action and _concerns(statement, "Resource", asked.need.resource) and _is_of_caller(statement, asked.caller)


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


def _list(value: Any) -> Iterable[Any]:
    return value if isinstance(value, list) else [value]
