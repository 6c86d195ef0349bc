"""S3 objects."""

from __future__ import annotations

import base64
from pathlib import Path
from urllib.parse import urlencode

from tools.terraform_standin.declaration import Call, Resource, Tagging
from tools.terraform_standin.tagging import from_pairs, to_pairs
from tools.terraform_standin.values import State

_CONTENT = ("content", "content_base64", "source")
_CHECKSUMS = (
    "checksum_crc32",
    "checksum_crc32c",
    "checksum_crc64nvme",
    "checksum_sha1",
    "checksum_sha256",
)
_NAMES = {
    "kms_key_id": "SSEKMSKeyId",
    "website_redirect": "WebsiteRedirectLocation",
    "version_id": "VersionId",
    "etag": "ETag",
}
_RENEWING = frozenset({*_CONTENT, "source_hash", "kms_key_id", "etag"})


def _body(call: Call) -> bytes:
    if call["source"] is not None:
        return Path(call["source"]).read_bytes()
    if call["content_base64"] is not None:
        return base64.b64decode(call["content_base64"])
    return (call["content"] or "").encode()


def _put(call: Call) -> State:
    request = call.request(
        "s3",
        "PutObject",
        renames=_NAMES,
        omit={*_CONTENT, "etag", "force_destroy", "override_provider", "source_hash"},
        tagged=False,
    )
    if call.tags:
        # An object that is written again has the tags of that request.
        request["Tagging"] = urlencode(call.tags)
    call.client("s3").put_object(**request, Body=_body(call))
    return {"id": f"{call['bucket']}/{call['key']}"}


def _read(call: Call) -> State | None:
    bucket, _, key = call["id"].partition("/")
    found = call.client("s3").head_object(Bucket=bucket, Key=key)
    found["ETag"] = found["ETag"].strip('"')
    found.pop("ChecksumType", None)
    state = call.attributes(found, _NAMES)
    state.setdefault("storage_class", "STANDARD")
    return state | {
        "id": call["id"],
        "bucket": bucket,
        "key": key,
        "arn": f"arn:aws:s3:::{bucket}/{key}",
    }


def _delete(call: Call) -> None:
    client, bucket, key = call.client("s3"), call["bucket"], call["key"]
    listed = client.list_object_versions(Bucket=bucket, Prefix=key)
    for item in (*listed.get("Versions", ()), *listed.get("DeleteMarkers", ())):
        if item["Key"] == key:
            client.delete_object(Bucket=bucket, Key=key, VersionId=item["VersionId"])


def _read_tags(call: Call) -> dict[str, str]:
    found = call.client("s3").get_object_tagging(Bucket=call["bucket"], Key=call["key"])
    return from_pairs(found["TagSet"])


def _write_tags(call: Call, tags: dict[str, str]) -> None:
    call.client("s3").put_object_tagging(Bucket=call["bucket"], Key=call["key"], Tagging={"TagSet": to_pairs(tags)})


def _remove_tags(call: Call, keys: list[str]) -> None:
    _write_tags(call, {key: value for key, value in _read_tags(call).items() if key not in keys})


OBJECT = Resource(
    type="aws_s3_object",
    create=_put,
    read=_read,
    update=_put,
    delete=_delete,
    replaces={"bucket", "key"},
    computed={
        "acl",
        "bucket_key_enabled",
        "content_type",
        "etag",
        "kms_key_id",
        "server_side_encryption",
        "storage_class",
    },
    defaults={"force_destroy": False},
    renews=dict.fromkeys(("version_id", "etag", *_CHECKSUMS), _RENEWING),
    at_most_one=_CONTENT,
    tagging=Tagging(write=_write_tags, remove=_remove_tags, read=_read_tags),
)
