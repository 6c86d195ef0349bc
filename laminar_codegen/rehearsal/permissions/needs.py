"""What a call of an API needs: actions on resources, with what conditions look at.

https://docs.aws.amazon.com/service-authorization/latest/reference/reference_policies_actions-resources-contextkeys.html
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import Any

import attrs

from laminar_codegen.rehearsal.permissions.conditions import Context

__all__ = ["Call", "Facts", "Need", "UnknownCallError", "needs"]


class UnknownCallError(Exception):
    """A call whose permissions are not known here. It is never taken as allowed."""


#: The suffix that Secrets Manager adds to the name of a secret in its ARN.
_SUFFIX = re.compile("-[0-9A-Za-z]{6}$")


@attrs.frozen(kw_only=True)
class Call:
    """One call that a role makes.

    Args:
        principal: The role's ARN.
        service: As IAM names it: ``s3``, ``states``, ``batch``.
        region: The region that is called.
        operation: As the API names it: ``GetObject``.
        parameters: By the names that the API has for them.
        place: Where in the flow it is made: a state, or a layer and its split. Empty if that is not known.
    """

    principal: str
    service: str
    region: str
    operation: str
    parameters: Mapping[str, Any] = attrs.field(factory=dict, hash=False)
    place: str = ""

    @property
    def account(self) -> str:
        """The account of the role."""
        return self.principal.split(":")[4]

    @property
    def partition(self) -> str:
        """The partition of the role: ``aws``, ``aws-cn``."""
        return self.principal.split(":")[1]


@attrs.frozen
class Need:
    """One permission that a call needs.

    Args:
        action: The action, such as ``batch:SubmitJob``.
        resource: The ARN of the resource, ``*`` if the action has none.
        context: What conditions look at besides what each request has, by key. None means that it has no such key.
    """

    action: str
    resource: str
    context: Context = attrs.field(factory=dict, hash=False)


@attrs.frozen
class Facts:
    """What a call does not say of the account.

    Args:
        machine_of: Returns the ARN of the state machine that waits for a task token, None if there is none.
        key_of: Returns the ARN of the customer's key that a bucket encrypts by, None if it has none.
    """

    machine_of: Callable[[str], str | None] = lambda _: None
    key_of: Callable[[str], str | None] = lambda _: None


def needs(call: Call, facts: Facts | None = None) -> tuple[Need, ...]:
    """Return the permissions that a call needs.

    Args:
        call: The call.
        facts: What it does not say of the account.

    Raises:
        UnknownCallError: If that is not known.

    Example:
        >>> role = "arn:aws:iam::123456789012:role/task"
        >>> call = Call(principal=role, service="s3", region="eu-west-1", operation="GetObject",
        ...             parameters={"Bucket": "data", "Key": "a"})
        >>> [(need.action, need.resource) for need in needs(call)]
        [('s3:GetObject', 'arn:aws:s3:::data/a')]
    """
    found = _SERVICES.get(call.service)
    known = None if found is None else found(call, facts or Facts())
    if known is None:
        raise UnknownCallError(f"which permissions {call.service} {call.operation} needs is not known here")
    return tuple(known)


def _s3(call: Call, facts: Facts) -> Iterable[Need] | None:
    """https://docs.aws.amazon.com/AmazonS3/latest/userguide/using-with-s3-policy-actions.html."""
    name = call.parameters.get("Bucket", "")
    bucket = f"arn:{call.partition}:s3:::{name}"
    at = f"{bucket}/{call.parameters.get('Key', '')}"
    if call.operation in _READS:
        return (Need("s3:GetObject", at), *_key(call, facts, name, bucket, at, "kms:Decrypt"))
    if call.operation in _WRITES:
        # Parts of a multipart upload are read again to be put together.
        uses = ("kms:GenerateDataKey",) if call.operation == "PutObject" else ("kms:GenerateDataKey", "kms:Decrypt")
        return (Need("s3:PutObject", at), *_key(call, facts, name, bucket, at, *uses))
    action = _OTHERS_OF_S3.get(call.operation)
    if action is None:
        return None
    context = {"s3:prefix": call.parameters.get("Prefix", "")} if "List" in call.operation else {}
    resource = bucket if call.operation in _OF_BUCKETS else f"{bucket}/*" if call.operation == "DeleteObjects" else at
    return (Need(action, resource, context),)


_OTHERS_OF_S3 = {
    "AbortMultipartUpload": "s3:AbortMultipartUpload",
    "DeleteObject": "s3:DeleteObject",
    "DeleteObjects": "s3:DeleteObject",
    "GetBucketLocation": "s3:GetBucketLocation",
    "HeadBucket": "s3:ListBucket",
    "ListObjects": "s3:ListBucket",
    "ListObjectsV2": "s3:ListBucket",
}
_OF_BUCKETS = frozenset({"GetBucketLocation", "HeadBucket", "ListObjects", "ListObjectsV2"})
_READS = frozenset({"GetObject", "HeadObject"})
_WRITES = frozenset({"PutObject", "CreateMultipartUpload", "UploadPart", "CompleteMultipartUpload"})


def _key(call: Call, facts: Facts, name: str, bucket: str, at: str, *actions: str) -> Iterator[Need]:
    """Yield the permissions to use a bucket's key, which S3 asks for in the caller's name.

    https://docs.aws.amazon.com/AmazonS3/latest/userguide/UsingKMSEncryption.html
    """
    key = call.parameters.get("SSEKMSKeyId") or facts.key_of(name)
    if key is None:
        return
    of_object = bool(call.parameters.get("SSEKMSKeyId"))
    context = {
        "kms:viaservice": f"s3.{call.region}.amazonaws.com",
        # A bucket with a key of its own names the bucket: https://docs.aws.amazon.com/AmazonS3/latest/userguide/bucket-key.html
        "kms:encryptioncontext:aws:s3:arn": at if of_object else bucket,
    }
    for action in actions:
        yield Need(action, key, context)


def _batch(call: Call, _: Facts) -> Iterable[Need] | None:
    """https://docs.aws.amazon.com/service-authorization/latest/reference/list_awsbatch.html."""
    given = call.parameters
    match call.operation:
        case "SubmitJob":
            named = [
                _arn(call, "batch", "job-queue/", given["jobQueue"]),
                _arn(call, "batch", "job-definition/", given["jobDefinition"]),
                # It has no name yet.
                _arn(call, "batch", "job/", "new"),
            ]
            # With tags, AWS Batch asks for both actions on the same resources. Its pages do not say so: refusals name
            # the job definition, https://github.com/wri/gfw-data-api/pull/175.
            context = {"aws:tagkeys": tuple(given.get("tags") or ())}
            actions = ("batch:SubmitJob", *(("batch:TagResource",) if given.get("tags") else ()))
            return [Need(action, arn, context) for action in actions for arn in named]
        case "DescribeJobs" | "ListJobs" | "DescribeJobQueues" | "DescribeJobDefinitions":
            return (Need(f"batch:{call.operation}", "*"),)
        case "TerminateJob" | "CancelJob":
            return (Need(f"batch:{call.operation}", _arn(call, "batch", "job/", given["jobId"])),)
    return None


def _states(call: Call, facts: Facts) -> Iterable[Need] | None:
    """https://docs.aws.amazon.com/service-authorization/latest/reference/list_awsstepfunctions.html."""
    given = call.parameters
    match call.operation:
        case "StartExecution" | "StartSyncExecution" | "DescribeStateMachine" | "ListExecutions":
            return (Need(f"states:{call.operation}", given["stateMachineArn"]),)
        case "DescribeExecution" | "StopExecution" | "RedriveExecution" | "GetExecutionHistory":
            return (Need(f"states:{call.operation}", given["executionArn"]),)
        case "SendTaskSuccess" | "SendTaskFailure" | "SendTaskHeartbeat":
            machine = facts.machine_of(given["taskToken"])
            # A token that nothing waits for is refused as such, by who may send one to any machine.
            everything = f"arn:{call.partition}:states:{call.region}:{call.account}:stateMachine:*"
            return (Need(f"states:{call.operation}", machine or everything),)
    return None


def _lambda(call: Call, _: Facts) -> Iterable[Need] | None:
    """https://docs.aws.amazon.com/lambda/latest/dg/lambda-api-permissions-ref.html."""
    if call.operation != "Invoke":
        return None
    return (Need("lambda:InvokeFunction", _arn(call, "lambda", "function:", call.parameters["FunctionName"])),)


def _logs(call: Call, _: Facts) -> Iterable[Need] | None:
    """https://docs.aws.amazon.com/service-authorization/latest/reference/list_amazoncloudwatchlogs.html."""
    if call.operation not in ("CreateLogStream", "PutLogEvents", "GetLogEvents", "FilterLogEvents"):
        return None
    group = call.parameters.get("logGroupName", "")
    stream = call.parameters.get("logStreamName")
    resource = group if stream is None else f"{group}:log-stream:{stream}"
    return (Need(f"logs:{call.operation}", _arn(call, "logs", "log-group:", resource)),)


def _secrets(call: Call, _: Facts) -> Iterable[Need] | None:
    if call.operation != "GetSecretValue":
        return None
    arn = _arn(call, "secretsmanager", "secret:", call.parameters["SecretId"])
    # The resource is the ARN of the secret, also if the call leaves the suffix of its name out.
    whole = arn if _SUFFIX.search(arn) else f"{arn}-AbCdEf"
    return (Need("secretsmanager:GetSecretValue", whole),)


def _ssm(call: Call, _: Facts) -> Iterable[Need] | None:
    if call.operation not in ("GetParameter", "GetParameters"):
        return None
    names = call.parameters["Names"] if call.operation == "GetParameters" else [call.parameters["Name"]]
    return [Need(f"ssm:{call.operation}", _parameter(call, name)) for name in names]


def _parameter(call: Call, name: str) -> str:
    """Return the ARN of a parameter, whose name may begin with a slash that its ARN has once."""
    return _arn(call, "ssm", "parameter/", name.removeprefix("/"))


def _sqs(call: Call, _: Facts) -> Iterable[Need] | None:
    if call.operation != "SendMessage":
        return None
    return (Need("sqs:SendMessage", _arn(call, "sqs", "", call.parameters["QueueUrl"].rpartition("/")[2])),)


def _sns(call: Call, _: Facts) -> Iterable[Need] | None:
    return (Need("sns:Publish", call.parameters["TopicArn"]),) if call.operation == "Publish" else None


def _events(call: Call, _: Facts) -> Iterable[Need] | None:
    if call.operation == "PutEvents":
        bus = _arn(call, "events", "event-bus/", "default")
        entries: list[Mapping[str, Any]] = call.parameters.get("Entries") or [{}]
        return [
            Need(
                "events:PutEvents",
                entry.get("EventBusName", bus),
                {"events:source": entry.get("Source"), "events:detail-type": entry.get("DetailType")},
            )
            for entry in entries
        ]
    if call.operation in ("DescribeRule", "PutRule", "PutTargets"):
        name = call.parameters.get("Name") or call.parameters.get("Rule", "")
        return (Need(f"events:{call.operation}", _arn(call, "events", "rule/", name)),)
    return None


def _xray(call: Call, _: Facts) -> Iterable[Need] | None:
    return (Need(f"xray:{call.operation}", "*"),)


def _sts(call: Call, _: Facts) -> Iterable[Need] | None:
    # Anyone may ask who he is: https://docs.aws.amazon.com/STS/latest/APIReference/API_GetCallerIdentity.html
    return () if call.operation == "GetCallerIdentity" else None


_SERVICES: Mapping[str, Callable[[Call, Facts], Iterable[Need] | None]] = {
    "batch": _batch,
    "events": _events,
    "lambda": _lambda,
    "logs": _logs,
    "s3": _s3,
    "secretsmanager": _secrets,
    "sns": _sns,
    "sqs": _sqs,
    "ssm": _ssm,
    "states": _states,
    "sts": _sts,
    "xray": _xray,
}


def _arn(call: Call, service: str, kind: str, name: str) -> str:
    """Return the ARN of what a call names, by name or by ARN."""
    return (
        name if name.startswith("arn:") else f"arn:{call.partition}:{service}:{call.region}:{call.account}:{kind}{name}"
    )
