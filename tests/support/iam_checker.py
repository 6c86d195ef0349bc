"""An evaluator of IAM policies, with the permissions that each call of an API needs.

    calls: list[ApiCall] = []
    with EmbeddedAws(workspace=workspace, calls=calls.append) as aws:
        ...
        statements = applied_statements(aws.client("iam"))
    assert denials(calls, statements) == []

It knows statements that allow, wildcards, and the conditions that are in use, and raises for anything else.
https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_evaluation-logic.html
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from functools import cache
from typing import Any

from attrs import field, frozen

from laminar_codegen.rehearsal.aws import ApiCall

_NOT_FOUND = 404


class UnknownCallError(Exception):
    """A call whose permissions are not known here."""


@frozen
class Need:
    """One permission: an action on a resource, with the keys of its conditions."""

    action: str
    resource: str
    context: Mapping[str, str] = field(factory=dict, hash=False)


@frozen
class Statement:
    """A statement of a policy: actions that a role may do on resources."""

    role: str
    sid: str
    actions: tuple[str, ...]
    resources: tuple[str, ...]
    conditions: tuple[tuple[str, str, tuple[str, ...]], ...] = ()

    def allows(self, need: Need) -> bool:
        """Return whether the statement allows a need."""
        # Actions are without regard to case: https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_elements_action.html
        action = any(_like(pattern.lower(), need.action.lower()) for pattern in self.actions)
        resource = any(_like(pattern, need.resource) for pattern in self.resources)
        return action and resource and all(_holds(*condition, need.context) for condition in self.conditions)


@frozen
class Denial:
    """A call that no policy of its role allows."""

    role: str
    need: Need
    call: ApiCall = field(eq=False, repr=False)

    def __str__(self) -> str:
        return f"{self.role} called {self.call.operation}, but has no {self.need.action} on {self.need.resource}"


def applied_statements(iam: Any) -> tuple[Statement, ...]:
    """Return the statements of all policies that roles have in an account."""
    roles = [role for page in iam.get_paginator("list_roles").paginate() for role in page["Roles"]]
    return tuple(
        statement
        for role in roles
        for document in _policies(iam, role["RoleName"])
        for statement in _statements(role["Arn"], document)
    )


def denials(calls: Iterable[ApiCall], statements: Sequence[Statement], machines: Mapping[str, str]) -> list[Denial]:
    """Return the calls that were outside the policies, each once.

    Args:
        calls: The calls of roles.
        statements: The statements of their policies.
        machines: All state machines by their ARNs, with their roles.
    """
    denied = {
        (call.principal, need.action, need.resource): Denial(call.principal, need, call)
        for call in calls
        for need in needs(call, machines)
        if not any(statement.role == call.principal and statement.allows(need) for statement in statements)
    }
    return list(denied.values())


def needs(call: ApiCall, machines: Mapping[str, str]) -> Iterator[Need]:
    """Yield the permissions that a call needs.

    https://docs.aws.amazon.com/service-authorization/latest/reference/reference_policies_actions-resources-contextkeys.html
    """
    match call.service:
        case "s3":
            yield from _objects(call)
        case "batch":
            yield from _jobs(call)
        case "states":
            yield from _executions(call, machines)
        case _:
            yield _other(call)


def _objects(call: ApiCall) -> Iterator[Need]:
    """Yield the permissions of a call of S3.

    https://docs.aws.amazon.com/AmazonS3/latest/userguide/using-with-s3-policy-actions.html
    """
    bucket = f"arn:aws:s3:::{call.parameters['Bucket']}"
    key = call.parameters.get("Key")
    match call.operation:
        case "GetObject" | "HeadObject":
            yield Need("s3:GetObject", f"{bucket}/{key}")
            # Without s3:ListBucket, S3 answers 403 for a missing object; and such a request has no prefix:
            # https://docs.aws.amazon.com/AmazonS3/latest/API/API_GetObject.html
            if call.status == _NOT_FOUND:
                yield Need("s3:ListBucket", bucket)
        case "PutObject" | "CreateMultipartUpload" | "UploadPart" | "CompleteMultipartUpload":
            yield Need("s3:PutObject", f"{bucket}/{key}")
        case "ListObjectsV2":
            yield Need("s3:ListBucket", bucket, {"s3:prefix": call.parameters.get("Prefix", "")})
        case _:
            raise UnknownCallError(str(call))


def _jobs(call: ApiCall) -> Iterator[Need]:
    """Yield the permissions of a call of AWS Batch.

    https://docs.aws.amazon.com/service-authorization/latest/reference/list_awsbatch.html
    """
    match call.operation:
        case "SubmitJob":
            yield Need("batch:SubmitJob", _arn(call, "batch", "job-queue/", call.parameters["jobQueue"]))
            yield Need("batch:SubmitJob", _arn(call, "batch", "job-definition/", call.parameters["jobDefinition"]))
            # It has no name yet.
            yield Need("batch:SubmitJob", _arn(call, "batch", "job/", "new"))
        case "DescribeJobs" | "ListJobs":
            yield Need(f"batch:{call.operation}", "*")
        case "TerminateJob":
            yield Need("batch:TerminateJob", _arn(call, "batch", "job/", call.parameters["jobId"]))
        case _:
            raise UnknownCallError(str(call))


def _executions(call: ApiCall, machines: Mapping[str, str]) -> Iterator[Need]:
    """Yield the permissions of a call of Step Functions.

    https://docs.aws.amazon.com/service-authorization/latest/reference/list_awsstepfunctions.html
    """
    match call.operation:
        case "StartExecution":
            yield Need("states:StartExecution", call.parameters["stateMachineArn"])
        case "DescribeExecution" | "StopExecution":
            yield Need(f"states:{call.operation}", call.parameters["executionArn"])
        case "SendTaskSuccess":
            # A token does not name its machine: it may be any machine with this role.
            for machine, role in machines.items():
                if role == call.principal:
                    yield Need("states:SendTaskSuccess", machine)
        case _:
            raise UnknownCallError(str(call))


def _other(call: ApiCall) -> Need:
    given = call.parameters
    match call.service, call.operation:
        case "lambda", "Invoke":
            return Need("lambda:InvokeFunction", _arn(call, "lambda", "function:", given["FunctionName"]))
        case "logs", "CreateLogStream" | "PutLogEvents":
            stream = f"{given['logGroupName']}:log-stream:{given['logStreamName']}"
            return Need(f"logs:{call.operation}", _arn(call, "logs", "log-group:", stream, whole=True))
        case "secretsmanager", "GetSecretValue":
            return Need("secretsmanager:GetSecretValue", given["SecretId"])
        case "ssm", "GetParameters":
            (name,) = given["Names"]
            return Need("ssm:GetParameters", _arn(call, "ssm", "parameter", name))
        case _:
            raise UnknownCallError(str(call))


def _arn(call: ApiCall, service: str, kind: str, name: str, *, whole: bool = False) -> str:
    """Return the ARN of what a call names, by name or by ARN."""
    account = call.principal.split(":")[4]
    return name if name.startswith("arn:") and not whole else f"arn:aws:{service}:{call.region}:{account}:{kind}{name}"


def _policies(iam: Any, role: str) -> Iterator[Mapping[str, Any]]:
    for name in iam.list_role_policies(RoleName=role)["PolicyNames"]:
        yield iam.get_role_policy(RoleName=role, PolicyName=name)["PolicyDocument"]
    for attached in iam.list_attached_role_policies(RoleName=role)["AttachedPolicies"]:
        policy = iam.get_policy(PolicyArn=attached["PolicyArn"])["Policy"]
        version = iam.get_policy_version(PolicyArn=policy["Arn"], VersionId=policy["DefaultVersionId"])
        yield version["PolicyVersion"]["Document"]


def _statements(role: str, document: Mapping[str, Any] | str) -> Iterator[Statement]:
    read: Mapping[str, Any] = json.loads(document) if isinstance(document, str) else document
    for body in _list(read["Statement"]):
        if body["Effect"] != "Allow" or not body.keys() <= {"Sid", "Effect", "Action", "Resource", "Condition"}:
            raise ValueError(f"a statement that the checker does not know: {body}")
        conditions = tuple(
            (test, key, tuple(_list(values)))
            for test, tested in body.get("Condition", {}).items()
            for key, values in tested.items()
        )
        yield Statement(role, body["Sid"], tuple(_list(body["Action"])), tuple(_list(body["Resource"])), conditions)


def _holds(test: str, key: str, values: tuple[str, ...], context: Mapping[str, str]) -> bool:
    """Return whether a condition holds.

    https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_elements_condition_operators.html
    """
    if key not in context:
        return test.endswith("IfExists")
    match test.removesuffix("IfExists"):
        case "StringEquals" | "ArnEquals":
            return context[key] in values
        case "StringLike" | "ArnLike":
            return any(_like(value, context[key]) for value in values)
        case _:
            raise ValueError(f"a condition that the checker does not know: {test}")


def _like(pattern: str, text: str) -> bool:
    return _regex(pattern).fullmatch(text) is not None


@cache
def _regex(pattern: str) -> re.Pattern[str]:
    return re.compile(re.escape(pattern).replace(r"\*", ".*").replace(r"\?", "."), re.DOTALL)


def _list(value: Any) -> list[Any]:
    return value if isinstance(value, list) else [value]
