"""The contents of an embedded AWS by the types of Terraform's resources: what was made, and what was left behind.

    before = account_contents(aws)
    terraform.apply()
    assert_made(terraform.state(), before, account_contents(aws))
    terraform.destroy()
    assert account_contents(aws) == before

A type of resource without an entry here is an error.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping
from typing import Any

from laminar_codegen.rehearsal.aws import EmbeddedAws

__all__ = ["account_contents", "assert_made"]

Contents = Mapping[str, frozenset[str]]

#: Service, operation, the list in its answer and what names an item of it, by the type of resource.
_LISTED: Mapping[str, tuple[str, str, str, str]] = {
    "aws_batch_compute_environment": (
        "batch",
        "describe_compute_environments",
        "computeEnvironments",
        "computeEnvironmentName",
    ),
    "aws_batch_job_definition": ("batch", "describe_job_definitions", "jobDefinitions", "jobDefinitionArn"),
    "aws_batch_job_queue": ("batch", "describe_job_queues", "jobQueues", "jobQueueName"),
    "aws_batch_scheduling_policy": ("batch", "list_scheduling_policies", "schedulingPolicies", "arn"),
    "aws_cloudwatch_dashboard": ("cloudwatch", "list_dashboards", "DashboardEntries", "DashboardName"),
    "aws_cloudwatch_query_definition": ("logs", "describe_query_definitions", "queryDefinitions", "name"),
    "aws_cloudwatch_event_rule": ("events", "list_rules", "Rules", "Name"),
    "aws_cloudwatch_log_group": ("logs", "describe_log_groups", "logGroups", "logGroupName"),
    "aws_cloudwatch_metric_alarm": ("cloudwatch", "describe_alarms", "MetricAlarms", "AlarmName"),
    "aws_ecr_repository": ("ecr", "describe_repositories", "repositories", "repositoryName"),
    "aws_iam_instance_profile": ("iam", "list_instance_profiles", "InstanceProfiles", "InstanceProfileName"),
    "aws_iam_policy": ("iam", "list_policies", "Policies", "Arn"),
    "aws_iam_role": ("iam", "list_roles", "Roles", "Arn"),
    "aws_kms_alias": ("kms", "list_aliases", "Aliases", "AliasName"),
    "aws_kms_key": ("kms", "list_keys", "Keys", "KeyId"),
    "aws_lambda_function": ("lambda", "list_functions", "Functions", "FunctionName"),
    "aws_launch_template": ("ec2", "describe_launch_templates", "LaunchTemplates", "LaunchTemplateName"),
    "aws_route_table": ("ec2", "describe_route_tables", "RouteTables", "RouteTableId"),
    "aws_s3_bucket": ("s3", "list_buckets", "Buckets", "Name"),
    "aws_scheduler_schedule": ("scheduler", "list_schedules", "Schedules", "Arn"),
    "aws_scheduler_schedule_group": ("scheduler", "list_schedule_groups", "ScheduleGroups", "Arn"),
    "aws_security_group": ("ec2", "describe_security_groups", "SecurityGroups", "GroupId"),
    "aws_sfn_state_machine": ("stepfunctions", "list_state_machines", "stateMachines", "name"),
    "aws_sns_topic": ("sns", "list_topics", "Topics", "TopicArn"),
    "aws_ssm_parameter": ("ssm", "describe_parameters", "Parameters", "Name"),
    "aws_subnet": ("ec2", "describe_subnets", "Subnets", "SubnetId"),
    "aws_vpc": ("ec2", "describe_vpcs", "Vpcs", "VpcId"),
    "aws_vpc_endpoint": ("ec2", "describe_vpc_endpoints", "VpcEndpoints", "VpcEndpointId"),
    "aws_vpc_security_group_rule": (
        "ec2",
        "describe_security_group_rules",
        "SecurityGroupRules",
        "SecurityGroupRuleId",
    ),
}
_ARGUMENTS: Mapping[str, Mapping[str, str]] = {"aws_iam_policy": {"Scope": "Local"}}
#: What is not counted, by the type: what AWS keeps of deleted things for a while, if nothing else is said.
_NOT_COUNTED: Mapping[str, Callable[[EmbeddedAws, Mapping[str, Any]], bool]] = {
    "aws_batch_job_definition": lambda _, item: item["status"] == "INACTIVE",
    # AWS makes these by itself, for its services.
    "aws_iam_role": lambda _, item: item["Path"].startswith("/aws-service-role/"),
    "aws_kms_key": lambda aws, item: _key_state(aws, item["KeyId"]) == "PendingDeletion",
    "aws_vpc_endpoint": lambda _, item: item["State"].lower() == "deleted",
}
#: Under another name, or not to be listed but there and gone with something else.
_PARTS: Mapping[str, str] = {
    "aws_cloudwatch_event_target": "aws_cloudwatch_event_rule",
    "aws_ecr_lifecycle_policy": "aws_ecr_repository",
    "aws_ecr_repository_policy": "aws_ecr_repository",
    "aws_iam_role_policy": "aws_iam_role",
    "aws_iam_role_policy_attachment": "aws_iam_role",
    "aws_kms_key_policy": "aws_kms_key",
    "aws_lambda_permission": "aws_lambda_function",
    "aws_route_table_association": "aws_route_table",
    "aws_s3_bucket_lifecycle_configuration": "aws_s3_bucket",
    "aws_s3_bucket_logging": "aws_s3_bucket",
    "aws_s3_bucket_notification": "aws_s3_bucket",
    "aws_s3_bucket_ownership_controls": "aws_s3_bucket",
    "aws_s3_bucket_policy": "aws_s3_bucket",
    "aws_s3_bucket_public_access_block": "aws_s3_bucket",
    "aws_s3_bucket_server_side_encryption_configuration": "aws_s3_bucket",
    "aws_s3_bucket_versioning": "aws_s3_bucket",
    "aws_sns_topic_policy": "aws_sns_topic",
    "aws_vpc_security_group_egress_rule": "aws_vpc_security_group_rule",
    "aws_vpc_security_group_ingress_rule": "aws_vpc_security_group_rule",
}


def account_contents(aws: EmbeddedAws) -> Contents:
    """Return the resources of each type, without those that AWS makes by itself."""
    found = {kind: frozenset(_list(aws, kind)) for kind in _LISTED}
    # It names no queue where there is none.
    queues = aws.client("sqs").list_queues().get("QueueUrls", ())
    return {**found, "aws_sqs_queue": frozenset(queues)}


def assert_made(addresses: Iterable[str], before: Contents, after: Contents) -> None:
    """Assert that an account has more resources of each type in a state of Terraform than before.

    Args:
        addresses: Of the resources in the state.
        before: The contents before.
        after: The contents now.
    """
    made = {kind for kind, there in after.items() if there - before[kind]}
    assert {_PARTS.get(kind, kind) for kind in map(_type, addresses) if kind is not None} == made


def _type(address: str) -> str | None:
    """Return the type of a resource of AWS by its address, '' for a data source."""
    (steps,) = re.findall(r"(data\.)?((?:aws|terraform)_\w+)\.[\w-]+(?:\[.*\])?$", address)
    # Terraform's own is in the state alone.
    return None if steps[0] or steps[1] == "terraform_data" else str(steps[1])


def _list(aws: EmbeddedAws, kind: str) -> list[str]:
    service, operation, answer, name = _LISTED[kind]
    client, arguments = aws.client(service), _ARGUMENTS.get(kind, {})
    if client.can_paginate(operation):
        pages = client.get_paginator(operation).paginate(**arguments)
    else:
        pages = [getattr(client, operation)(**arguments)]
    items = [item for page in pages for item in page[answer]]
    skipped = _NOT_COUNTED.get(kind, lambda *_: False)
    return [item[name] for item in items if not skipped(aws, item)]


def _key_state(aws: EmbeddedAws, key: str) -> str:
    return str(aws.client("kms").describe_key(KeyId=key)["KeyMetadata"]["KeyState"])
