"""What is kept: buckets, parameters, secrets, and values of Terraform itself."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from laminar_codegen.rehearsal.document.kinds import Kind, Making

__all__ = ["KINDS", "make_bucket"]

_DESTROYED = "nothing is destroyed"


def make_bucket(client: Any, region: str, name: str) -> None:
    """Make a bucket.

    Args:
        client: The client of S3.
        region: Its region.
        name: Its name.
    """
    # The first region of AWS cannot be named: it is where buckets without place are.
    place = {} if region == "us-east-1" else {"CreateBucketConfiguration": {"LocationConstraint": region}}
    client.create_bucket(Bucket=name, **place)


def _bucket(making: Making) -> Mapping[str, Any]:
    name, region = making.name("bucket"), making.account.region
    make_bucket(making.client("s3"), region, name)
    return {"id": name, "bucket": name, "arn": f"arn:{making.account.partition}:s3:::{name}", "bucket_region": region}


def _parameter(making: Making) -> Mapping[str, Any]:
    name = making["name"]
    value = making.get("value") or making.get("insecure_value") or making["value_wo"]
    request = making.request(
        "ssm", "PutParameter", omit=("value", "insecure_value", "value_wo", "value_wo_version", "arn")
    )
    version = making.client("ssm").put_parameter(**request, Value=value)["Version"]
    arn = making.account.arn("ssm", f"parameter/{name.removeprefix('/')}")
    return {"id": name, "arn": arn, "value": value, "version": version}


def _secret(making: Making) -> Mapping[str, Any]:
    request = making.request("secretsmanager", "CreateSecret")
    name = making.name()
    arn = making.client("secretsmanager").create_secret(**{**request, "Name": name})["ARN"]
    return {"id": arn, "arn": arn, "name": name}


def _secret_version(making: Making) -> Mapping[str, Any]:
    request = making.request("secretsmanager", "PutSecretValue")
    made = making.client("secretsmanager").put_secret_value(**request)
    return {"id": f"{made['ARN']}|{made['VersionId']}", "arn": made["ARN"], "version_id": made["VersionId"]}


def _terraform_data(making: Making) -> Mapping[str, Any]:
    return {"id": making.place, "output": making.get("input"), "input": making.get("input")}


KINDS: Mapping[str, Kind] = {
    "aws_s3_bucket": Kind(_bucket, {"force_destroy": _DESTROYED}),
    "aws_secretsmanager_secret": Kind(
        _secret, {"recovery_window_in_days": _DESTROYED, "force_overwrite_replica_secret": _DESTROYED}
    ),
    "aws_secretsmanager_secret_version": Kind(_secret_version),
    "aws_ssm_parameter": Kind(_parameter, {"value_wo_version": "there is no version before the first"}),
    "terraform_data": Kind(_terraform_data, {"triggers_replace": "nothing is replaced"}),
}
