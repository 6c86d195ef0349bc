"""The settings that harden an S3 bucket: each is a resource of its own, identified by the bucket.

They are alike: put a configuration, get it, delete it. `_setting` has the common part.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from tools.terraform_standin.declaration import Call, Resource
from tools.terraform_standin.text_equality import TextEquality, same_policy
from tools.terraform_standin.values import State

_RULES = {"rule": "Rules"}


def _put(operation: str, parameter: str, renames: Mapping[str, str]) -> Callable[[Call], None]:
    """Return a function that puts the arguments as the one parameter of an operation."""

    def put(call: Call) -> None:
        configuration = call.request(
            "s3",
            "".join(word.capitalize() for word in operation.split("_")),
            within=parameter,
            renames=renames,
            omit={"bucket", "expected_bucket_owner", "skip_destroy"},
        )
        send = getattr(call.client("s3"), operation)
        send(Bucket=call["bucket"], **{parameter: configuration})

    return put


def _get(operation: str, parameter: str, renames: Mapping[str, str]) -> Callable[[Call], State]:
    """Return a function that reads back what `_put` has put."""

    def get(call: Call) -> State:
        found = getattr(call.client("s3"), operation)(Bucket=call["bucket"])
        return call.attributes(found[parameter], renames)

    return get


def _delete(operation: str) -> Callable[[Call], object]:
    return lambda call: getattr(call.client("s3"), operation)(Bucket=call["bucket"])


def _setting(  # noqa: PLR0913  (keyword options)
    type_: str,
    put: Callable[[Call], None],
    get: Callable[[Call], State | None],
    delete: Callable[[Call], object],
    *,
    computed: frozenset[str] = frozenset(),
    defaults: Mapping[str, Any] | None = None,
    json: Mapping[str, TextEquality] | None = None,
) -> Resource:
    def write(call: Call) -> State:
        put(call)
        return {"id": call["bucket"]}

    def read(call: Call) -> State | None:
        bucket = {"id": call["id"], "bucket": call["id"]}
        found = get(call.with_state(call.state | bucket))
        return None if found is None else found | bucket

    return Resource(
        type=type_,
        create=write,
        read=read,
        update=write,
        delete=delete,
        replaces={"bucket"},
        computed=computed,
        defaults=defaults or {},
        json=json or {},
    )


def _put_versioning(call: Call) -> None:
    call.client("s3").put_bucket_versioning(
        Bucket=call["bucket"],
        VersioningConfiguration={"Status": call["versioning_configuration"][0]["status"]},
    )


def _get_versioning(call: Call) -> State | None:
    status = call.client("s3").get_bucket_versioning(Bucket=call["bucket"]).get("Status")
    return {"versioning_configuration": [{"status": status or "Disabled"}]}


def _suspend_versioning(call: Call) -> None:
    # Versioning cannot be taken off a bucket again.
    if call["versioning_configuration"][0]["status"] == "Enabled":
        call.client("s3").put_bucket_versioning(Bucket=call["bucket"], VersioningConfiguration={"Status": "Suspended"})


def _delete_access_block(call: Call) -> None:
    if not call["skip_destroy"]:
        call.client("s3").delete_public_access_block(Bucket=call["bucket"])


def _put_policy(call: Call) -> None:
    call.client("s3").put_bucket_policy(Bucket=call["bucket"], Policy=call["policy"])


def _get_policy(call: Call) -> State:
    return {"policy": call.client("s3").get_bucket_policy(Bucket=call["bucket"])["Policy"]}


def _put_encryption(call: Call) -> None:
    # A list in Terraform is the one member of a structure in S3.
    named = [(rule, rule["blocked_encryption_types"]) for rule in call["rule"]]
    rules = [rule | {"blocked_encryption_types": None} for rule, _ in named]
    without = call.with_state(call.state | {"rule": rules})
    configuration = without.request(
        "s3",
        "PutBucketEncryption",
        within="ServerSideEncryptionConfiguration",
        renames=_RULES,
        omit={"bucket", "expected_bucket_owner"},
    )
    for rule, (_, blocked) in zip(configuration["Rules"], named, strict=True):
        if blocked:
            rule["BlockedEncryptionTypes"] = {"EncryptionType": blocked}
    call.client("s3").put_bucket_encryption(Bucket=call["bucket"], ServerSideEncryptionConfiguration=configuration)


def _get_encryption(call: Call) -> State:
    found = call.client("s3").get_bucket_encryption(Bucket=call["bucket"])
    rules = call.attributes(found["ServerSideEncryptionConfiguration"], _RULES)["rule"]
    # moto forgets the blocked types: keep the ones that were put.
    known = [rule["blocked_encryption_types"] for rule in call.state.get("rule") or ()]
    blocked = known[0] if known else None
    return {"rule": [rule | {"blocked_encryption_types": blocked} for rule in rules]}


def _put_logging(call: Call) -> None:
    enabled = {"TargetBucket": call["target_bucket"], "TargetPrefix": call["target_prefix"]}
    call.client("s3").put_bucket_logging(Bucket=call["bucket"], BucketLoggingStatus={"LoggingEnabled": enabled})


def _get_logging(call: Call) -> State | None:
    found = call.client("s3").get_bucket_logging(Bucket=call["bucket"]).get("LoggingEnabled")
    return call.attributes(found) if found else None


def _stop_logging(call: Call) -> None:
    call.client("s3").put_bucket_logging(Bucket=call["bucket"], BucketLoggingStatus={})


VERSIONING = _setting(
    "aws_s3_bucket_versioning",
    _put_versioning,
    _get_versioning,
    _suspend_versioning,
    computed=frozenset({"versioning_configuration.mfa_delete"}),
)
PUBLIC_ACCESS_BLOCK = _setting(
    "aws_s3_bucket_public_access_block",
    _put("put_public_access_block", "PublicAccessBlockConfiguration", {}),
    _get("get_public_access_block", "PublicAccessBlockConfiguration", {}),
    _delete_access_block,
    defaults=dict.fromkeys(
        (
            "block_public_acls",
            "block_public_policy",
            "ignore_public_acls",
            "restrict_public_buckets",
        ),
        False,
    ),
)
ENCRYPTION = _setting(
    "aws_s3_bucket_server_side_encryption_configuration",
    _put_encryption,
    _get_encryption,
    _delete("delete_bucket_encryption"),
)
OWNERSHIP_CONTROLS = _setting(
    "aws_s3_bucket_ownership_controls",
    _put("put_bucket_ownership_controls", "OwnershipControls", _RULES),
    _get("get_bucket_ownership_controls", "OwnershipControls", _RULES),
    _delete("delete_bucket_ownership_controls"),
)
POLICY = _setting(
    "aws_s3_bucket_policy",
    _put_policy,
    _get_policy,
    _delete("delete_bucket_policy"),
    json={"policy": same_policy},
)
LOGGING = _setting("aws_s3_bucket_logging", _put_logging, _get_logging, _stop_logging)
