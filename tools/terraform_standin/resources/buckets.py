"""S3 buckets, without their siblings: versioning and the like are resources of their own."""

from __future__ import annotations

from collections.abc import Callable

from botocore.exceptions import ClientError

from tools.terraform_standin.declaration import Call, Limit, Naming, Resource, Tagging
from tools.terraform_standin.errors import NotImplementedByStandInError
from tools.terraform_standin.tagging import from_pairs, to_pairs
from tools.terraform_standin.text_equality import same_policy
from tools.terraform_standin.values import State

# Arguments that the real provider has deprecated in favour of resources of their own.
_DEPRECATED = (
    "acceleration_status", "acl", "cors_rule", "grant", "lifecycle_rule", "logging",
    "object_lock_configuration", "policy", "replication_configuration", "request_payer",
    "server_side_encryption_configuration", "versioning", "website",
)  # fmt: skip
_HOME_REGION = "us-east-1"
#: The further requests of each read of a bucket, with or without resources for them. A refusal fails the refresh.
_READS = (
    "get_bucket_policy",
    "get_bucket_acl",
    "get_bucket_cors",
    "get_bucket_website",
    "get_bucket_versioning",
    "get_bucket_accelerate_configuration",
    "get_bucket_request_payment",
    "get_bucket_logging",
    "get_bucket_lifecycle_configuration",
    "get_bucket_replication",
    "get_bucket_encryption",
    "get_object_lock_configuration",
)
#: The answers of S3 for settings that a bucket does not have.
_ABSENT = frozenset(
    {
        "NoSuchBucketPolicy",
        "NoSuchCORSConfiguration",
        "NoSuchLifecycleConfiguration",
        "NoSuchWebsiteConfiguration",
        "ObjectLockConfigurationNotFoundError",
        "ReplicationConfigurationNotFoundError",
        "ServerSideEncryptionConfigurationNotFoundError",
    }
)


def _create(call: Call) -> State:
    used = [name for name in _DEPRECATED if call[name] not in (None, [])]
    if used:
        message = f"the stand-in AWS provider has no argument aws_s3_bucket.{used[0]}"
        raise NotImplementedByStandInError(message)
    client, name = call.client("s3"), call["bucket"]
    region = client.meta.region_name
    place = {} if region == _HOME_REGION else {"CreateBucketConfiguration": {"LocationConstraint": region}}
    client.create_bucket(Bucket=name, ObjectLockEnabledForBucket=bool(call["object_lock_enabled"]), **place)
    return {"id": name, "bucket": name}


def _read(call: Call) -> State | None:
    client, name = call.client("s3"), call["id"]
    client.head_bucket(Bucket=name)
    for read in _READS:
        _ask(getattr(client, read), name)
    region = client.get_bucket_location(Bucket=name)["LocationConstraint"] or _HOME_REGION
    return {
        "id": name,
        "bucket": name,
        "arn": f"arn:aws:s3:::{name}",
        "bucket_domain_name": f"{name}.s3.amazonaws.com",
        "bucket_region": region,
        "bucket_regional_domain_name": f"{name}.s3.{region}.amazonaws.com",
    }


def _ask(read: Callable[..., object], bucket: str) -> None:
    try:
        read(Bucket=bucket)
    except ClientError as error:
        if error.response["Error"]["Code"] not in _ABSENT:
            raise


def _update(call: Call) -> State | None:
    """Do nothing: only `force_destroy` can change, which is not known to AWS."""


def _delete(call: Call) -> None:
    client, name = call.client("s3"), call["bucket"]
    if call["force_destroy"]:
        for page in client.get_paginator("list_object_versions").paginate(Bucket=name):
            for item in (*page.get("Versions", ()), *page.get("DeleteMarkers", ())):
                client.delete_object(Bucket=name, Key=item["Key"], VersionId=item["VersionId"])
    client.delete_bucket(Bucket=name)


def _read_tags(call: Call) -> dict[str, str]:
    try:
        found = call.client("s3").get_bucket_tagging(Bucket=call["bucket"])
    except ClientError as error:
        if error.response["Error"]["Code"] == "NoSuchTagSet":
            return {}
        raise
    return from_pairs(found["TagSet"])


def _write_tags(call: Call, tags: dict[str, str]) -> None:
    call.client("s3").put_bucket_tagging(Bucket=call["bucket"], Tagging={"TagSet": to_pairs(tags)})


def _remove_tags(call: Call, keys: list[str]) -> None:
    kept = {key: value for key, value in _read_tags(call).items() if key not in keys}
    if kept:
        _write_tags(call, kept)
    else:
        call.client("s3").delete_bucket_tagging(Bucket=call["bucket"])


BUCKET = Resource(
    type="aws_s3_bucket",
    deprecated=_DEPRECATED,
    limits={"bucket": Limit(1, 63), "bucket_prefix": Limit(1, 37)},
    create=_create,
    read=_read,
    update=_update,
    delete=_delete,
    replaces={"object_lock_enabled"},
    computed={"acceleration_status", "acl", "object_lock_enabled", "policy", "request_payer"},
    defaults={"force_destroy": False},
    json={"policy": same_policy},
    tags_on_create=False,
    tagging=Tagging(write=_write_tags, remove=_remove_tags, read=_read_tags),
    naming=Naming("bucket", "bucket_prefix"),
)
