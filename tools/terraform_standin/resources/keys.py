"""KMS: keys, their aliases and policies."""

from __future__ import annotations

from tools.terraform_standin.declaration import Call, Naming, Resource
from tools.terraform_standin.tagging import TagOperations
from tools.terraform_standin.text_equality import same_policy
from tools.terraform_standin.values import State

_BYPASS = "bypass_policy_lockout_safety_check"
_SPEC = {"customer_master_key_spec": "KeySpec"}


def _create_key(call: Call) -> State:
    request = call.request(
        "kms",
        "CreateKey",
        renames=_SPEC,
        omit={
            "deletion_window_in_days",
            "enable_key_rotation",
            "is_enabled",
            "rotation_period_in_days",
        },
    )
    metadata = call.client("kms").create_key(**request)["KeyMetadata"]
    created = call.with_state(call.state | {"id": metadata["KeyId"]})
    if call["enable_key_rotation"]:
        _rotate(created)
    if not call["is_enabled"]:
        call.client("kms").disable_key(KeyId=metadata["KeyId"])
    return {"id": metadata["KeyId"], "key_id": metadata["KeyId"]}


def _rotate(call: Call) -> None:
    client, key = call.client("kms"), call["id"]
    if not call["enable_key_rotation"]:
        client.disable_key_rotation(KeyId=key)
        return
    days = call["rotation_period_in_days"]
    client.enable_key_rotation(KeyId=key, **({"RotationPeriodInDays": int(days)} if days else {}))


def _read_key(call: Call) -> State | None:
    client, key = call.client("kms"), call["id"]
    metadata = client.describe_key(KeyId=key)["KeyMetadata"]
    if metadata["KeyState"] == "PendingDeletion":
        return None
    rotation = client.get_key_rotation_status(KeyId=key)
    return call.attributes(metadata, _SPEC) | {
        "id": metadata["KeyId"],
        "key_id": metadata["KeyId"],
        "is_enabled": metadata["Enabled"],
        "enable_key_rotation": rotation["KeyRotationEnabled"],
        "policy": client.get_key_policy(KeyId=key, PolicyName="default")["Policy"],
    }


def _update_key(call: Call) -> State | None:
    client, key = call.client("kms"), call["id"]
    if call.changes("description"):
        client.update_key_description(KeyId=key, Description=call["description"] or "")
    if call.changes("policy"):
        client.put_key_policy(KeyId=key, PolicyName="default", Policy=call["policy"])
    if call.changes("is_enabled"):
        (client.enable_key if call["is_enabled"] else client.disable_key)(KeyId=key)
    if call.changes("enable_key_rotation", "rotation_period_in_days"):
        _rotate(call)
    return None


def _delete_key(call: Call) -> None:
    days = int(call["deletion_window_in_days"] or 30)
    call.client("kms").schedule_key_deletion(KeyId=call["id"], PendingWindowInDays=days)


def _create_alias(call: Call) -> State:
    name = call["name"] if call["name"].startswith("alias/") else f"alias/{call['name']}"
    call.client("kms").create_alias(AliasName=name, TargetKeyId=call["target_key_id"])
    return {"id": name, "name": name}


def _read_alias(call: Call) -> State | None:
    for page in call.client("kms").get_paginator("list_aliases").paginate():
        for alias in page["Aliases"]:
            if alias["AliasName"] == call["id"]:
                return _alias_state(call, alias)
    return None


def _alias_state(call: Call, alias: State) -> State:
    key_arn = f"{alias['AliasArn'].partition(':alias/')[0]}:key/{alias['TargetKeyId']}"
    known = call["target_key_id"]
    return {
        "id": alias["AliasName"],
        "name": alias["AliasName"],
        "arn": alias["AliasArn"],
        # The key's ARN is as good a target as its id.
        "target_key_id": known if known in (key_arn, alias["TargetKeyId"]) else alias["TargetKeyId"],
        "target_key_arn": key_arn,
    }


def _update_alias(call: Call) -> State | None:
    call.client("kms").update_alias(AliasName=call["name"], TargetKeyId=call["target_key_id"])
    return None


def _delete_alias(call: Call) -> None:
    call.client("kms").delete_alias(AliasName=call["name"])


def _put_policy(call: Call) -> State:
    call.client("kms").put_key_policy(KeyId=call["key_id"], PolicyName="default", Policy=call["policy"])
    return {"id": call["key_id"]}


def _read_policy(call: Call) -> State | None:
    found = call.client("kms").get_key_policy(KeyId=call["id"], PolicyName="default")
    return {"id": call["id"], "key_id": call["id"], "policy": found["Policy"]}


def _forget_policy(call: Call) -> None:
    """Do nothing: a key always has a policy, this one goes with the key."""


KEY = Resource(
    type="aws_kms_key",
    create=_create_key,
    read=_read_key,
    update=_update_key,
    delete=_delete_key,
    replaces={
        "custom_key_store_id",
        "customer_master_key_spec",
        "key_usage",
        "multi_region",
        "xks_key_id",
    },
    computed={"description", "multi_region", "policy", "rotation_period_in_days"},
    defaults={
        _BYPASS: False,
        "customer_master_key_spec": "SYMMETRIC_DEFAULT",
        "enable_key_rotation": False,
        "is_enabled": True,
        "key_usage": "ENCRYPT_DECRYPT",
    },
    json={"policy": same_policy},
    tagging=TagOperations(
        service="kms",
        parameter="KeyId",
        attribute="id",
        pair=("TagKey", "TagValue"),
        read="list_resource_tags",
    ).tagging(),
)
ALIAS = Resource(
    type="aws_kms_alias",
    create=_create_alias,
    read=_read_alias,
    update=_update_alias,
    delete=_delete_alias,
    naming=Naming(),
)
KEY_POLICY = Resource(
    type="aws_kms_key_policy",
    create=_put_policy,
    read=_read_policy,
    update=_put_policy,
    delete=_forget_policy,
    replaces={"key_id"},
    defaults={_BYPASS: False},
    json={"policy": same_policy},
)
