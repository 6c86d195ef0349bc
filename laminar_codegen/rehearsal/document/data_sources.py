"""The data sources that are rehearsed: who and where, policies as documents, and what stands beside a deployment."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from laminar_codegen.rehearsal.document.kinds import DataSource, Making
from laminar_codegen.rehearsal.document.policy_document import read_policy_document
from laminar_codegen.rehearsal.document.resources.storage import make_bucket

__all__ = ["DATA_SOURCES"]

_SUFFIX = {"aws-cn": "amazonaws.com.cn"}


def _caller(making: Making) -> Mapping[str, Any]:
    account = making.account
    arn = f"arn:{account.partition}:iam::{account.account_id}:root"
    return {"id": account.account_id, "account_id": account.account_id, "arn": arn, "user_id": account.account_id}


def _region(making: Making) -> Mapping[str, Any]:
    name = making.get("region") or making.get("name") or making.account.region
    return {"id": name, "name": name, "region": name, "endpoint": f"ec2.{name}.{_suffix(making)}"}


def _suffix(making: Making) -> str:
    return _SUFFIX.get(making.account.partition, "amazonaws.com")


def _partition(making: Making) -> Mapping[str, Any]:
    suffix, partition = _suffix(making), making.account.partition
    reverse = ".".join(reversed(suffix.split(".")))
    return {"id": partition, "partition": partition, "dns_suffix": suffix, "reverse_dns_prefix": reverse}


def _bucket(making: Making) -> Mapping[str, Any]:
    """Read a bucket, which is made if it is not there: elsewhere it is."""
    name, client, region = making["bucket"], making.client("s3"), making.account.region
    if name not in {bucket["Name"] for bucket in client.list_buckets()["Buckets"]}:
        make_bucket(client, region, name)
    arn = f"arn:{making.account.partition}:s3:::{name}"
    return {"id": name, "bucket": name, "arn": arn, "region": region, "bucket_region": region}


def _role(making: Making) -> Mapping[str, Any]:
    role = making.client("iam").get_role(RoleName=making["name"])["Role"]
    return {"id": role["RoleName"], "name": role["RoleName"], "arn": role["Arn"], "unique_id": role["RoleId"]}


def _parameter(making: Making) -> Mapping[str, Any]:
    found = making.client("ssm").get_parameter(Name=making["name"], WithDecryption=True)["Parameter"]
    return {"id": found["Name"], "arn": found["ARN"], "type": found["Type"], "value": found["Value"]}


def _job_queue(making: Making) -> Mapping[str, Any]:
    name = making["name"]
    queues = making.client("batch").describe_job_queues(jobQueues=[name])["jobQueues"]
    arn = queues[0]["jobQueueArn"] if queues else making.account.arn("batch", f"job-queue/{name}")
    return {"id": arn, "arn": arn, "name": name}


DATA_SOURCES: Mapping[str, DataSource] = {
    "aws_batch_job_queue": _job_queue,
    "aws_caller_identity": _caller,
    "aws_iam_policy_document": read_policy_document,
    "aws_iam_role": _role,
    "aws_partition": _partition,
    "aws_region": _region,
    "aws_s3_bucket": _bucket,
    "aws_ssm_parameter": _parameter,
}
