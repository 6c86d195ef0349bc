"""The permissions that Terraform needs to plan, apply and destroy a document.

They are those of the calls that the AWS provider makes for each type of resource, and of what AWS checks on top of a
call, such as ``iam:PassRole``. A new type of resource is a row of `_TYPES`, or of `TargetKind.calls` of its target.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from laminar_codegen.ir.deployment import Deployment
from laminar_codegen.ir.expressions import Input
from laminar_codegen.ir.terraform import Document
from laminar_codegen.policies.calls import TAGS, Calls

__all__ = ["deployer_policies"]

#: Types that need nothing of AWS.
_OF_TERRAFORM = {"terraform_data"}
#: By type.
_TYPES: Mapping[str, tuple[Calls, ...]] = {
    "aws_cloudwatch_dashboard": (
        Calls(
            service="cloudwatch",
            resources=("dashboard/{n}",),
            plan=("GetDashboard",),
            apply=("PutDashboard",),
            destroy=("DeleteDashboards",),
            global_service=True,
        ),
    ),
    "aws_cloudwatch_event_rule": (
        Calls(
            service="events",
            resources=("rule/{n}-*",),
            plan=("DescribeRule", "ListTagsForResource"),
            apply=("PutRule", *TAGS),
            destroy=("DeleteRule",),
        ),
    ),
    "aws_cloudwatch_event_target": (
        Calls(
            service="events",
            resources=("rule/{n}-*",),
            plan=("ListTargetsByRule",),
            apply=("PutTargets",),
            destroy=("RemoveTargets",),
        ),
    ),
    "aws_cloudwatch_log_group": (
        Calls(
            service="logs",
            resources=(
                "log-group:/aws/vendedlogs/states/{n}*",
                "log-group:/aws/batch/{n}*",
                "log-group:/aws/lambda/{n}-*",
            ),
            plan=("ListTagsForResource",),
            plan_any=("DescribeLogGroups",),
            apply=("CreateLogGroup", "PutRetentionPolicy", "DeleteRetentionPolicy", *TAGS),
            destroy=("DeleteLogGroup",),
        ),
    ),
    "aws_cloudwatch_metric_alarm": (
        Calls(
            service="cloudwatch",
            resources=("alarm:{n}-*",),
            plan=("DescribeAlarms", "ListTagsForResource"),
            apply=("PutMetricAlarm", *TAGS),
            destroy=("DeleteAlarms",),
        ),
    ),
    "aws_cloudwatch_query_definition": (
        Calls(
            service="logs",
            # A saved query has no ARN in policies.
            resources=("",),
            plan=("DescribeQueryDefinitions",),
            apply=("PutQueryDefinition",),
            destroy=("DeleteQueryDefinition",),
        ),
    ),
    "aws_iam_role": (
        Calls(
            service="iam",
            resources=("role{path}{n}-*",),
            plan=("GetRole", "ListRolePolicies", "ListAttachedRolePolicies"),
            apply=(
                "CreateRole",
                "TagRole",
                "UntagRole",
                "UpdateAssumeRolePolicy",
                "UpdateRoleDescription",
            ),
            destroy=("ListInstanceProfilesForRole", "DeleteRole"),
            global_service=True,
        ),
    ),
    "aws_iam_role_policy": (
        Calls(
            service="iam",
            resources=("role{path}{n}-*",),
            plan=("GetRolePolicy",),
            apply=("PutRolePolicy",),
            destroy=("DeleteRolePolicy",),
            global_service=True,
        ),
    ),
    "aws_lambda_function": (
        Calls(
            service="lambda",
            resources=("function:{n}-*",),
            plan=("GetFunction", "ListVersionsByFunction", "ListTags"),
            apply=("CreateFunction", "UpdateFunctionCode", "UpdateFunctionConfiguration", *TAGS),
            destroy=("DeleteFunction",),
        ),
    ),
    "aws_scheduler_schedule": (
        Calls(
            service="scheduler",
            resources=("schedule/default/{n}", "schedule/default/{n}-*"),
            plan=("GetSchedule",),
            apply=("CreateSchedule", "UpdateSchedule"),
            destroy=("DeleteSchedule",),
        ),
    ),
    "aws_sfn_state_machine": (
        Calls(
            service="states",
            resources=("stateMachine:{n}", "stateMachine:{n}-*"),
            plan=("DescribeStateMachine", "ListStateMachineVersions", "ListTagsForResource"),
            plan_any=("ValidateStateMachineDefinition",),
            apply=("CreateStateMachine", "UpdateStateMachine", *TAGS),
            destroy=("DeleteStateMachine",),
        ),
    ),
    "aws_sqs_queue": (
        Calls(
            service="sqs",
            resources=("{n}-*",),
            plan=("GetQueueAttributes", "ListQueueTags"),
            apply=("CreateQueue", "SetQueueAttributes", "TagQueue", "UntagQueue"),
            destroy=("DeleteQueue",),
        ),
    ),
    "aws_ssm_parameter": (
        Calls(
            service="ssm",
            resources=("parameter/laminar/{n}",),
            plan=("GetParameter", "ListTagsForResource"),
            plan_any=("DescribeParameters",),
            apply=("PutParameter", "AddTagsToResource", "RemoveTagsFromResource"),
            destroy=("DeleteParameter",),
        ),
    ),
}

#: The data source of the datastore's bucket: https://docs.aws.amazon.com/AmazonS3/latest/API/API_HeadBucket.html
_BUCKET = ("s3:GetBucketLocation", "s3:ListBucket")
#: What AWS Lambda asks of who creates a function of an image, and of one in a VPC:
#: https://docs.aws.amazon.com/lambda/latest/dg/images-create.html#gettingstarted-images-permissions
#: https://docs.aws.amazon.com/lambda/latest/dg/configuration-vpc.html#configuration-vpc-permissions
_IMAGES = ("ecr:BatchGetImage", "ecr:GetDownloadUrlForLayer", "ecr:GetRepositoryPolicy", "ecr:SetRepositoryPolicy")
_NETWORK = ("ec2:DescribeSecurityGroups", "ec2:DescribeSubnets", "ec2:DescribeVpcs")
#: And of who connects one to a file system, whose ARN the function does not have:
#: https://docs.aws.amazon.com/lambda/latest/dg/configuration-filesystem.html#configuration-filesystem-permissions
_FILE_SYSTEMS = ("elasticfilesystem:DescribeMountTargets",)
_MOUNTED = [f"arn:aws:elasticfilesystem:*:*:{kind}/*" for kind in ("access-point", "file-system")]


def deployer_policies(
    document: Document, deployment: Deployment, of_targets: Mapping[str, tuple[Calls, ...]]
) -> dict[str, dict[str, Any]]:
    """Return the least policies with which Terraform plans, applies and destroys a document.

    Names are those of the default of the variable `name`. The policies are for the partition `aws`, and for every
    region and account: a role has permissions in its own account only. Each is short enough for a managed policy.

    Args:
        document: The document.
        deployment: Its resources.
        of_targets: The calls for the types of resources that kinds of targets have, by type.

    Returns:
        IAM policies as JSON values: `plan` for who only plans, and what `apply` and `destroy` need besides.

    Raises:
        KeyError: If the document has a type of resource of which nothing is known here.
    """
    known = {**_TYPES, **of_targets}
    types = sorted({block.type for block in document.resources} - _OF_TERRAFORM)
    rows = [row for name in types for row in known[name]]
    names = {"{n}": _default(document, "name") or "*", "{path}": _path(deployment)}
    anywhere = [f"{row.service}:{action}" for row in rows for action in row.plan_any]
    asks_lambda = "aws_lambda_function" in types
    plan = (
        _statement("Account", ["sts:GetCallerIdentity", *anywhere], ["*"]),
        _statement("Datastore", _BUCKET, [f"arn:aws:s3:::{_bucket(document)}"]),
        *_of_phase("plan", rows, names),
    )
    apply = (
        *_of_phase("apply", rows, names),
        *([_statement("Images", _IMAGES, ["arn:aws:ecr:*:*:repository/*"])] if asks_lambda else ()),
        *([_statement("Network", _NETWORK, ["*"])] if _has("vpc_config", document) else ()),
        *([_statement("FileSystems", _FILE_SYSTEMS, _MOUNTED)] if _has("file_system_config", document) else ()),
        *_passes(deployment, names),
    )
    phases = {"plan": plan, "apply": apply, "destroy": tuple(_of_phase("destroy", rows, names))}
    return {phase: {"Version": "2012-10-17", "Statement": [*found]} for phase, found in phases.items()}


def _of_phase(phase: str, rows: Iterable[Calls], names: Mapping[str, str]) -> Iterator[dict[str, Any]]:
    """Yield the statements of a phase: one for all types that have the same resources."""
    actions: dict[tuple[str, ...], list[str]] = {}
    for row in rows:
        arns = tuple(_arn(row.service, end, names, everywhere=row.global_service) for end in row.resources)
        actions.setdefault(arns, []).extend(f"{row.service}:{action}" for action in getattr(row, phase))
    for arns, found in actions.items():
        if found:
            yield _statement(f"{found[0].partition(':')[0].capitalize()}{_kind(arns[0])}", found, arns)


def _kind(arn: str) -> str:
    """Return the end of the name of a statement about resources that are not the usual ones of their service."""
    if ":dashboard/" in arn:
        return "Dashboards"
    return "Queries" if arn == "*" else "Revisions" if arn.endswith(":*") else ""


def _passes(deployment: Deployment, names: Mapping[str, str]) -> Iterator[dict[str, Any]]:
    """Yield statements that let roles be passed, each kind to the service that takes it."""
    (end,) = _TYPES["aws_iam_role"][0].resources
    roles = _arn("iam", end, names, everywhere=True)
    for service in sorted({role.service for role in deployment.roles}):
        word = re.sub("[^A-Za-z]", "", service.removesuffix(".amazonaws.com").title())
        condition = {"StringEquals": {"iam:PassedToService": [service]}}
        yield {**_statement(f"PassTo{word}", ["iam:PassRole"], [roles]), "Condition": condition}


def _path(deployment: Deployment) -> str:
    """Return the path of the roles: that of the flow, or the default of its variable."""
    path = deployment.settings.role_path
    return (path.default if isinstance(path, Input) else path if isinstance(path, str) else None) or "/"


def _bucket(document: Document) -> str:
    """Return the name of the datastore's bucket, or a pattern of any name if it is a required variable."""
    default = _default(document, "datastore_root")
    return default.removeprefix("s3://").partition("/")[0] if default else "*"


def _default(document: Document, name: str) -> str | None:
    """Return the default of a variable, None without one that is a text."""
    defaults = (variable.default for variable in document.variables if variable.name == name)
    return next((default[0] for default in defaults if default and isinstance(default[0], str)), None)


def _has(argument: str, document: Document) -> bool:
    return any(argument in block.body for block in document.resources)


def _arn(service: str, end: str, names: Mapping[str, str], *, everywhere: bool = False) -> str:
    if not end:
        return "*"
    for mark, text in names.items():
        end = end.replace(mark, text)
    return f"arn:aws:{service}:{'' if everywhere else '*'}:*:{end}"


def _statement(sid: str, actions: Iterable[str], resources: Iterable[str]) -> dict[str, Any]:
    return {"Sid": sid, "Effect": "Allow", "Action": sorted({*actions}), "Resource": list(resources)}
