"""AWS Lambda: functions and the permissions to invoke them."""

from __future__ import annotations

import json
from pathlib import Path

from tools.terraform_standin.declaration import ANY_CHANGE, Call, Naming, Resource
from tools.terraform_standin.tagging import TagOperations
from tools.terraform_standin.values import State

_CODE = ("filename", "image_uri", "s3_bucket", "s3_key", "s3_object_version")
# Arguments about the code, or for the provider itself.
_NOT_CONFIGURATION = {
    *_CODE,
    "code_signing_config_arn",
    "package_type",
    "publish",
    "publish_to",
    "replace_security_groups_on_destroy",
    "replacement_security_group_ids",
    "reserved_concurrent_executions",
    "skip_destroy",
    "source_code_hash",
    "source_kms_key_arn",
    "tags",
}
#: The arguments of UpdateFunctionConfiguration, each only if it changed.
_CONFIGURATION = frozenset(
    {
        "dead_letter_config",
        "description",
        "environment",
        "ephemeral_storage",
        "file_system_config",
        "handler",
        "image_config",
        "kms_key_arn",
        "layers",
        "logging_config",
        "memory_size",
        "role",
        "runtime",
        "snap_start",
        "timeout",
        "tracing_config",
        "vpc_config",
    }
)
_NAMES = {"file_system_config": "FileSystemConfigs", "role": "Role"}
#: Architectures go with the code.
_RENEWING = frozenset({*_CODE, "architectures", "source_code_hash"})
_PUBLISHED = ("qualified_arn", "qualified_invoke_arn", "version")


def _code(call: Call) -> State:
    if call["filename"] is not None:
        return {"ZipFile": Path(call["filename"]).read_bytes()}
    members = {
        "image_uri": "ImageUri",
        "s3_bucket": "S3Bucket",
        "s3_key": "S3Key",
        "s3_object_version": "S3ObjectVersion",
    }
    return {member: call[name] for name, member in members.items() if call[name] is not None}


def _create(call: Call) -> State:
    client, name = call.client("lambda"), call["function_name"]
    request = call.request("lambda", "CreateFunction", renames=_NAMES, omit=_NOT_CONFIGURATION)
    client.create_function(**request, Code=_code(call), PackageType=call["package_type"], Publish=call["publish"])
    _reserve(call)
    return {"id": name}


def _reserve(call: Call) -> None:
    client, name = call.client("lambda"), call["function_name"]
    reserved = int(call["reserved_concurrent_executions"])
    if reserved >= 0:
        client.put_function_concurrency(FunctionName=name, ReservedConcurrentExecutions=reserved)
    elif call.prior is not None:
        client.delete_function_concurrency(FunctionName=name)


def _read(call: Call) -> State | None:
    client = call.client("lambda")
    found = client.get_function(FunctionName=call["id"])
    for _ in client.get_paginator("list_versions_by_function").paginate(FunctionName=call["id"]):
        pass
    configuration = found["Configuration"]
    image = configuration.pop("ImageConfigResponse", {}).get("ImageConfig")
    if image is not None:
        configuration["ImageConfig"] = image
    region = call.client("lambda").meta.region_name
    arn = configuration["FunctionArn"]
    qualified = f"{arn}:{configuration['Version']}"
    state = call.attributes(configuration, _NAMES) | {
        "id": call["id"],
        "arn": arn,
        "qualified_arn": qualified,
        "invoke_arn": _invoke_arn(arn, region),
        "qualified_invoke_arn": _invoke_arn(qualified, region),
        "code_sha256": configuration.get("CodeSha256"),
        "source_code_size": configuration.get("CodeSize"),
        "reserved_concurrent_executions": found.get("Concurrency", {}).get("ReservedConcurrentExecutions", -1),
    }
    image_uri = found.get("Code", {}).get("ImageUri")
    return state | ({"image_uri": image_uri} if image_uri else {})


def _invoke_arn(arn: str, region: str) -> str:
    return f"arn:aws:apigateway:{region}:lambda:path/2015-03-31/functions/{arn}/invocations"


def _update(call: Call) -> State | None:
    client, name = call.client("lambda"), call["function_name"]
    changed = {name for name in _CONFIGURATION & call.state.keys() if call.changes(name)}
    if changed:
        if changed & {"environment", "kms_key_arn"}:
            changed |= {"environment"}
        configuration = call.request("lambda", "UpdateFunctionConfiguration", renames=_NAMES, only=changed)
        if "environment" in changed and not call["environment"]:
            configuration["Environment"] = {"Variables": {}}
        if "vpc_config" in changed and not call["vpc_config"]:
            configuration["VpcConfig"] = {"SubnetIds": [], "SecurityGroupIds": []}
        client.update_function_configuration(FunctionName=name, **configuration)
    if call.changes(*_RENEWING):
        architectures = {"Architectures": call["architectures"]} if call["architectures"] else {}
        client.update_function_code(FunctionName=name, Publish=call["publish"], **_code(call), **architectures)
    if call.changes("reserved_concurrent_executions"):
        _reserve(call)
    return None


def _delete(call: Call) -> None:
    if not call["skip_destroy"]:
        call.client("lambda").delete_function(FunctionName=call["function_name"])


def _add_permission(call: Call) -> State:
    request = call.request("lambda", "AddPermission", omit={"statement_id_prefix"})
    call.client("lambda").add_permission(**request)
    return {"id": call["statement_id"]}


def _read_permission(call: Call) -> State | None:
    request = {"FunctionName": call["function_name"]}
    if call["qualifier"] is not None:
        request["Qualifier"] = call["qualifier"]
    policy = json.loads(call.client("lambda").get_policy(**request)["Policy"])
    for statement in policy["Statement"]:
        if statement["Sid"] == call["id"]:
            return {
                "id": call["id"],
                "statement_id": call["id"],
                "action": statement["Action"],
                "principal": _principal(statement["Principal"]),
            } | _conditions(statement.get("Condition", {}))
    return None


def _principal(principal: object) -> str:
    return str(next(iter(principal.values()))) if isinstance(principal, dict) else str(principal)


def _conditions(condition: State) -> State:
    members = {"aws:sourcearn": "source_arn", "aws:sourceaccount": "source_account"}
    found = {variable.lower(): value for test in condition.values() for variable, value in test.items()}
    return {name: found[variable] for variable, name in members.items() if variable in found}


def _remove_permission(call: Call) -> None:
    call.client("lambda").remove_permission(FunctionName=call["function_name"], StatementId=call["id"])


def _import_permission(identity: str) -> State:
    function, _, statement = identity.partition("/")
    return {"function_name": function, "id": statement}


FUNCTION = Resource(
    type="aws_lambda_function",
    create=_create,
    read=_read,
    update=_update,
    delete=_delete,
    replaces={"function_name", "package_type"},
    computed={
        "architectures",
        # It can be given in later versions of the provider than that of the schemas.
        "code_sha256",
        "ephemeral_storage",
        "ephemeral_storage.size",
        "logging_config",
        "logging_config.log_group",
        "snap_start",
        "source_code_hash",
        "tracing_config",
    },
    defaults={
        "memory_size": 128,
        "package_type": "Zip",
        "publish": False,
        "reserved_concurrent_executions": -1,
        "skip_destroy": False,
        "timeout": 3,
    },
    renews={"last_modified": _RENEWING},
    renews_if=("publish", dict.fromkeys(_PUBLISHED, ANY_CHANGE)),
    exactly_one=("filename", "image_uri", "s3_bucket"),
    tagging=TagOperations(service="lambda", parameter="Resource", pair=None, read="list_tags").tagging(),
)
PERMISSION = Resource(
    type="aws_lambda_permission",
    create=_add_permission,
    read=_read_permission,
    delete=_remove_permission,
    replaces={
        "action",
        "event_source_token",
        "function_name",
        "function_url_auth_type",
        "principal",
        "principal_org_id",
        "qualifier",
        "source_account",
        "source_arn",
    },
    naming=Naming("statement_id", "statement_id_prefix"),
    import_id=_import_permission,
)
