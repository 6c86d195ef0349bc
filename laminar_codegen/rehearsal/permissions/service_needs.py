"""What services do in the name of a role, besides the calls that states and tasks make.

No request of these reaches an API here: the embedded AWS checks the permission where AWS would use it.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Any

from laminar_codegen.rehearsal.permissions.needs import Call, Need

__all__ = [
    "for_container",
    "for_function",
    "for_logging",
    "for_network",
    "for_synchronous",
    "for_tracing",
    "for_volumes",
]

#: The rules by which Step Functions learns that a task has ended, by the integration that it waits for.
_RULES: Mapping[str, str] = {
    "batch:submitJob.sync": "StepFunctionsGetEventsForBatchJobsRule",
    "ecs:runTask.sync": "StepFunctionsGetEventsForECSTaskRule",
    "states:startExecution.sync": "StepFunctionsGetEventsForStepFunctionsExecutionRule",
    "states:startExecution.sync:2": "StepFunctionsGetEventsForStepFunctionsExecutionRule",
}
_DELIVERY = (
    "logs:CreateLogDelivery",
    "logs:DescribeLogGroups",
    "logs:DescribeResourcePolicies",
    "logs:GetLogDelivery",
    "logs:ListLogDeliveries",
    "logs:PutResourcePolicy",
    "logs:UpdateLogDelivery",
)
_TRACING = (
    "xray:GetSamplingRules",
    "xray:GetSamplingTargets",
    "xray:PutTelemetryRecords",
    "xray:PutTraceSegments",
)
#: The name of a private registry: its account and region, and its repository.
_REPOSITORY = re.compile(r"(\d{12})\.dkr[.-]ecr(?:-fips)?\.([a-z0-9-]+)\.[a-z0-9.-]+/([^:@]+)")


def for_synchronous(call: Call, integration: str) -> Iterator[Need]:
    """Yield the permissions to be notified that a task has ended.

    https://docs.aws.amazon.com/step-functions/latest/dg/connect-batch.html

    Args:
        call: The call of the state.
        integration: The integration, such as ``batch:submitJob.sync``.
    """
    rule = _RULES.get(integration)
    if rule is None:
        return
    arn = f"arn:{call.partition}:events:{call.region}:{call.account}:rule/{rule}"
    for action in ("events:DescribeRule", "events:PutRule", "events:PutTargets"):
        yield Need(action, arn)


def for_logging() -> Iterator[Need]:
    """Yield the permissions that Step Functions needs to have CloudWatch deliver its log.

    https://docs.aws.amazon.com/step-functions/latest/dg/cw-logs.html
    """
    for action in _DELIVERY:
        yield Need(action, "*")


def for_network(call: Call, network: Mapping[str, Any]) -> Iterator[Need]:
    """Yield the permissions that AWS Lambda needs to connect a function to a VPC, and to end that.

    https://docs.aws.amazon.com/lambda/latest/dg/configuration-vpc.html

    Args:
        call: What AWS Lambda does in the name of the function's role.
        network: The VPC configuration of the function.
    """
    if not network.get("SubnetIds"):
        return
    prefix = f"arn:{call.partition}:ec2:{call.region}:{call.account}"
    kinds = (("subnet", "SubnetIds"), ("security-group", "SecurityGroupIds"))
    for kind, name in kinds:
        for one in network.get(name) or ():
            yield Need("ec2:CreateNetworkInterface", f"{prefix}:{kind}/{one}")
    for action in ("Create", "Delete"):
        yield Need(f"ec2:{action}NetworkInterface", f"{prefix}:network-interface/eni-rehearsal")
    for action in ("Assign", "Unassign"):
        yield Need(f"ec2:{action}PrivateIpAddresses", f"{prefix}:network-interface/eni-rehearsal")
    yield Need("ec2:DescribeNetworkInterfaces", "*")
    yield Need("ec2:DescribeSubnets", "*")


def for_tracing() -> Iterator[Need]:
    """Yield the permissions to send traces.

    https://docs.aws.amazon.com/step-functions/latest/dg/concepts-xray-tracing.html
    """
    for action in _TRACING:
        yield Need(action, "*")


def for_container(properties: Mapping[str, Any]) -> Iterator[Need]:
    """Yield the permissions to pull the image of a job, of its execution role.

    https://docs.aws.amazon.com/AmazonECS/latest/developerguide/task_execution_IAM_role.html

    Args:
        properties: The container properties of the job's definition.
    """
    found = _REPOSITORY.match(properties.get("image", ""))
    if found is None:
        return
    account, region, repository = found.groups()
    partition = "aws-cn" if region.startswith("cn-") else "aws-us-gov" if region.startswith("us-gov-") else "aws"
    arn = f"arn:{partition}:ecr:{region}:{account}:repository/{repository}"
    yield Need("ecr:GetAuthorizationToken", "*")
    for action in ("ecr:BatchCheckLayerAvailability", "ecr:BatchGetImage", "ecr:GetDownloadUrlForLayer"):
        yield Need(action, arn)


def for_volumes(call: Call, properties: Mapping[str, Any]) -> Iterator[tuple[str, Need, list[Need]]]:
    """Yield the file systems that a job mounts by IAM, with the permission to mount, and those to use it.

    It stands for file systems whose policies leave the decision to roles. Without an access point, root is nobody
    unless the role has a permission for it, too.
    https://docs.aws.amazon.com/efs/latest/ug/iam-access-control-nfs-efs.html

    Args:
        call: The mount, by the role of the job.
        properties: The container properties of the job's definition.
    """
    arn = f"arn:{call.partition}:elasticfilesystem:{call.region}:{call.account}:"
    volumes = {volume["name"]: volume.get("efsVolumeConfiguration") for volume in properties.get("volumes") or ()}
    for point in properties.get("mountPoints") or ():
        system = volumes.get(point.get("sourceVolume")) or {}
        asked = system.get("authorizationConfig") or {}
        if asked.get("iam") != "ENABLED":
            continue
        access_point = asked.get("accessPointId")
        context = {
            "elasticfilesystem:accesspointarn": access_point and f"{arn}access-point/{access_point}",
            "elasticfilesystem:accessedviamounttarget": "true",
        }
        resource = f"{arn}file-system/{system['fileSystemId']}"
        mounting, writing, as_root = (
            Need(f"elasticfilesystem:Client{action}", resource, context) for action in ("Mount", "Write", "RootAccess")
        )
        root = access_point is None and str(properties.get("user") or 0).partition(":")[0] in {"0", "root"}
        yield (
            system["fileSystemId"],
            mounting,
            [*([] if point.get("readOnly") else [writing]), *([as_root] if root else [])],
        )


def for_function(call: Call, group: str, stream: str) -> Iterator[Need]:
    """Yield what AWS Lambda does in the name of a function's role: it writes the log.

    https://docs.aws.amazon.com/lambda/latest/dg/lambda-intro-execution-role.html

    Args:
        call: The invocation.
        group: The log group of the function.
        stream: The log stream of the invocation.
    """
    arn = f"arn:{call.partition}:logs:{call.region}:{call.account}:log-group:{group}:log-stream:{stream}"
    for action in ("logs:CreateLogStream", "logs:PutLogEvents"):
        yield Need(action, arn)
