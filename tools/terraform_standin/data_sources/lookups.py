"""Objects of other owners, looked up by name."""

from __future__ import annotations

import json
from collections.abc import Callable
from urllib.parse import unquote

from botocore.exceptions import ClientError

from tools.terraform_standin.declaration import Call, DataSource
from tools.terraform_standin.errors import NotFoundError, is_gone
from tools.terraform_standin.tagging import from_pairs
from tools.terraform_standin.values import State

_Lookup = Callable[[Call], State | None]


def _lookup(type_: str, find: _Lookup, key: str) -> DataSource:
    """Return a data source that fails when AWS has no such object."""

    def read(call: Call) -> State:
        try:
            found = find(call)
        except ClientError as error:
            if not is_gone(error):
                raise
            found = None
        if found is None:
            message = f"{type_}: there is no {call[key]!r}"
            raise NotFoundError(message)
        return found

    return DataSource(type=type_, read=read)


def _job_queue(call: Call) -> State | None:
    found = call.client("batch").describe_job_queues(jobQueues=[call["name"]])["jobQueues"]
    if not found:
        return None
    return call.attributes(found[0], {"arn": "jobQueueArn"}) | {
        "id": found[0]["jobQueueArn"],
        "tags": found[0].get("tags", {}),
    }


def _role(call: Call) -> State | None:
    role = call.client("iam").get_role(RoleName=call["name"])["Role"]
    policy = role.pop("AssumeRolePolicyDocument")
    tags = from_pairs(role.pop("Tags", []))
    boundary = role.pop("PermissionsBoundary", {}).get("PermissionsBoundaryArn", "")
    return call.attributes(role) | {
        "id": role["RoleName"],
        "assume_role_policy": json.dumps(policy) if isinstance(policy, dict) else unquote(policy),
        "permissions_boundary": boundary,
        "tags": tags,
        "unique_id": role["RoleId"],
    }


def _bucket(call: Call) -> State | None:
    client, name = call.client("s3"), call["bucket"]
    client.head_bucket(Bucket=name)
    region = client.get_bucket_location(Bucket=name)["LocationConstraint"] or "us-east-1"
    return {
        "id": name,
        "arn": f"arn:aws:s3:::{name}",
        "bucket_domain_name": f"{name}.s3.amazonaws.com",
        "bucket_region": region,
        "bucket_regional_domain_name": f"{name}.s3.{region}.amazonaws.com",
    }


def _parameter(call: Call) -> State | None:
    decrypt = call["with_decryption"] is not False
    found = call.client("ssm").get_parameter(Name=call["name"], WithDecryption=decrypt)["Parameter"]
    insecure = None if found["Type"] == "SecureString" else found["Value"]
    return call.attributes(found) | {"id": found["Name"], "insecure_value": insecure}


def _key(call: Call) -> State | None:
    found = call.client("kms").describe_key(KeyId=call["key_id"])["KeyMetadata"]
    return call.attributes(found) | {"id": found["KeyId"]}


def _repository(call: Call) -> State | None:
    names = {"arn": "repositoryArn", "name": "repositoryName", "repository_url": "repositoryUri"}
    found = call.client("ecr").describe_repositories(repositoryNames=[call["name"]])
    return call.attributes(found["repositories"][0], names) | {"id": call["name"]}


def _log_group(call: Call) -> State | None:
    found = call.client("logs").describe_log_groups(logGroupNamePrefix=call["name"])["logGroups"]
    for group in found:
        if group["logGroupName"] == call["name"]:
            arn = group["arn"].removesuffix(":*")
            return call.attributes(group) | {"id": call["name"], "arn": arn}
    return None


JOB_QUEUE = _lookup("aws_batch_job_queue", _job_queue, "name")
ROLE = _lookup("aws_iam_role", _role, "name")
BUCKET = _lookup("aws_s3_bucket", _bucket, "bucket")
PARAMETER = _lookup("aws_ssm_parameter", _parameter, "name")
KEY = _lookup("aws_kms_key", _key, "key_id")
REPOSITORY = _lookup("aws_ecr_repository", _repository, "name")
LOG_GROUP = _lookup("aws_cloudwatch_log_group", _log_group, "name")
