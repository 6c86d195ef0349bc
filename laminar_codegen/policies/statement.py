"""A statement of a policy, and the statements that several roles have in common.

See `laminar_codegen.lower_terraform.role_permissions` and `laminar_codegen.targets.batch.start_permissions` for
the permissions of each role.
"""

from __future__ import annotations

from typing import Literal

import attrs

from laminar_codegen.ir import labels
from laminar_codegen.ir.asl import PARTITION
from laminar_codegen.ir.expressions import Joined, Ref, Value
from laminar_codegen.ir.settings import is_true
from laminar_codegen.ir.structs import Struct

__all__ = [
    "ACCOUNT",
    "BUCKET",
    "REGION",
    "Condition",
    "Statement",
    "datastore_key",
    "key",
    "logs",
    "managed_rule",
    "regional",
    "states_arn",
    "traces",
]

ACCOUNT = Ref("local.account_id")
REGION = Ref("local.region")
BUCKET = Joined("arn:", PARTITION, ":s3:::", Ref("local.datastore_bucket"))

#: A test, a key of the request's context, and its values.
Condition = tuple[str, str, tuple[Value, ...]]


@attrs.frozen(eq=False, repr=False)
class Statement(Struct):
    """A statement of a policy: it allows or denies actions on resources.

    Args:
        sid: Its name.
        actions: The actions.
        resources: ARNs, or a Terraform list of them. If that list is empty, the policy leaves the statement out.
        conditions: The conditions under which it holds.
        effect: Whether it allows the actions, or denies them whatever other statements allow.
    """

    sid: str
    actions: tuple[str, ...]
    resources: tuple[Value, ...] | Ref
    conditions: tuple[Condition, ...] = ()
    effect: Literal["Allow", "Deny"] = "Allow"

    def body(self) -> dict[str, Value]:
        """Return the statement in the form of an IAM policy.

        https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_elements_statement.html
        """
        conditions: dict[str, dict[str, Value]] = {}
        for test, variable, values in self.conditions:
            conditions.setdefault(test, {})[variable] = list(values)
        resources = self.resources if isinstance(self.resources, Ref) else list(self.resources)
        granted: dict[str, Value] = {
            "Sid": self.sid,
            "Effect": self.effect,
            "Action": list(self.actions),
            "Resource": resources,
        }
        return {**granted, **({"Condition": conditions} if conditions else {})}


def regional(service: str, *resource: str | Ref | Joined) -> Joined:
    """Return the ARN of a resource in the deployment's own account and region.

    Args:
        service: Its service.
        *resource: The parts of the ARN after the account.
    """
    return Joined("arn:", PARTITION, f":{service}:", REGION, ":", ACCOUNT, ":", *resource)


def key(sid: str, *conditions: Condition, variable: str = "kms_key_arn") -> Statement:
    """Return the statement that uses a customer managed key, if there is one.

    Args:
        sid: The name of the statement.
        *conditions: The conditions under which it holds.
        variable: The variable with the key's ARN.
    """
    actions = ("kms:Decrypt", "kms:GenerateDataKey")
    return Statement(sid, actions, Ref(f"var.{variable}[*]"), conditions)


def datastore_key(objects: tuple[Value, ...]) -> Statement:
    """Return the statement to read and write objects under a customer managed key.

    The encryption context of S3 names the object, or the bucket if that has a key of its own.
    https://docs.aws.amazon.com/AmazonS3/latest/userguide/UsingKMSEncryption.html
    """
    condition = ("StringLike", "kms:EncryptionContext:aws:s3:arn", (BUCKET, *objects))
    return key("UseDatastoreKey", condition, variable="datastore_kms_key_arn")


def logs(sid: str, groups: tuple[Joined, ...]) -> Statement:
    """Return the statement to write to log groups.

    Args:
        sid: The name of the statement.
        groups: The names of the groups.
    """
    streams = tuple(regional("logs", "log-group:", group, ":log-stream:*") for group in groups)
    return Statement(sid, ("logs:CreateLogStream", "logs:PutLogEvents"), streams)


# These actions have no resources to name.
_TRACES = Statement(
    "SendTraces",
    (
        "xray:GetSamplingRules",
        "xray:GetSamplingTargets",
        "xray:PutTelemetryRecords",
        "xray:PutTraceSegments",
    ),
    ("*",),
)


def traces(tracing: bool | Ref | None) -> tuple[Statement, ...]:  # noqa: FBT001 - the setting itself
    """Return the statement to send traces, if they are sent.

    Args:
        tracing: Whether they are sent; None for the default, which is that they are.
    """
    if isinstance(tracing, Ref):
        return (attrs.evolve(_TRACES, resources=Ref(f'{is_true(tracing)} ? ["*"] : []')),)
    return () if tracing is False else (_TRACES,)


def states_arn(kind: str, machine: str) -> Joined:
    """Return the ARN of a state machine of the deployment, or the prefix of the ARNs of its executions.

    Args:
        kind: ``stateMachine`` or ``execution``.
        machine: The name of the state machine among those of the deployment.
    """
    return regional("states", f"{kind}:", labels.machine(machine))


def managed_rule(sid: str, rule: str) -> Statement:
    """Return the permission to make the EventBridge rule by which Step Functions learns that a task has ended.

    Args:
        sid: The name of the statement.
        rule: The name of the rule.
    """
    actions = ("events:DescribeRule", "events:PutRule", "events:PutTargets")
    return Statement(sid, actions, (regional("events", f"rule/{rule}"),))
