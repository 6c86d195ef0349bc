"""AWS Lambda: functions made of images."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from laminar_codegen.rehearsal.document.errors import DocumentError
from laminar_codegen.rehearsal.document.kinds import Kind, Making
from laminar_runtime import task_environment

__all__ = ["KINDS"]

_CODE = ("image_uri", "filename", "s3_bucket", "s3_key", "s3_object_version")
_RENAMES = {"role": "Role", "file_system_config": "FileSystemConfigs"}
_ABOUT_CODE = "the code is in the workspace"
_IDLE = {
    "replace_security_groups_on_destroy": "nothing is destroyed",
    "skip_destroy": "nothing is destroyed",
    "source_code_hash": _ABOUT_CODE,
    "source_kms_key_arn": _ABOUT_CODE,
}


def _function(making: Making) -> Mapping[str, Any]:
    if making.get("package_type") != "Image":
        raise DocumentError(f"{making.place}: argument package_type must be Image: the rehearsal runs no other code")
    request = making.request("lambda", "CreateFunction", renames=_RENAMES, omit=(*_CODE, "package_type", *_IDLE))
    if making.get("vpc_config"):
        making.warn("networks of functions (vpc_config) are not applied: functions are processes here")
    _note_volumes(making, request)
    code = {"ImageUri": making["image_uri"]}
    made = making.client("lambda").create_function(**request, PackageType="Image", Code=code)
    name, arn = made["FunctionName"], made["FunctionArn"]
    region = making.account.region
    invoke = f"arn:{making.account.partition}:apigateway:{region}:lambda:path/2015-03-31/functions/{arn}/invocations"
    return {
        "id": name,
        "arn": arn,
        "qualified_arn": f"{arn}:{made['Version']}",
        "invoke_arn": invoke,
        "version": made["Version"],
    }


def _note_volumes(making: Making, request: Mapping[str, Any]) -> None:
    """Say which volumes of a function are given no folder."""
    paths = {one.get("LocalMountPath") for one in request.get("FileSystemConfigs", ())}
    variables = request.get("Environment", {}).get("Variables", {})
    names = [
        name.removeprefix(task_environment.VOLUME)
        for name, value in variables.items()
        if name.startswith(task_environment.VOLUME) and value in paths
    ]
    for name in names:
        if name not in making.account.volumes:
            making.warn(f"{making.place}: {name}: the folder of the volume is made here, unless --volume {name}=DIR")


def _permission(making: Making) -> Mapping[str, Any]:
    request = making.request("lambda", "AddPermission")
    statement = making.get("statement_id") or making.name("statement_id")
    making.client("lambda").add_permission(**{**request, "StatementId": statement})
    return {"id": statement, "statement_id": statement}


KINDS: Mapping[str, Kind] = {
    "aws_lambda_function": Kind(_function, _IDLE),
    "aws_lambda_permission": Kind(_permission),
}
