"""AWS IAM: roles and their policies."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from laminar_codegen.rehearsal.document.kinds import Kind, Making

__all__ = ["KINDS"]

_ROLE = {"name": "RoleName", "assume_role_policy": "AssumeRolePolicyDocument"}


def _role(making: Making) -> Mapping[str, Any]:
    client = making.client("iam")
    name = making.name()
    request = making.request("iam", "CreateRole", renames=_ROLE, omit=("inline_policy", "managed_policy_arns"))
    role = client.create_role(**{**request, "RoleName": name})["Role"]
    for policy in making.get("inline_policy") or []:
        client.put_role_policy(RoleName=name, PolicyName=policy["name"], PolicyDocument=policy["policy"])
    for arn in making.get("managed_policy_arns") or []:
        client.attach_role_policy(RoleName=name, PolicyArn=arn)
    return {"id": name, "name": name, "arn": role["Arn"], "unique_id": role["RoleId"], "path": role["Path"]}


def _role_policy(making: Making) -> Mapping[str, Any]:
    role, name = making["role"], making.name()
    making.client("iam").put_role_policy(RoleName=role, PolicyName=name, PolicyDocument=making["policy"])
    return {"id": f"{role}:{name}", "name": name}


def _policy(making: Making) -> Mapping[str, Any]:
    request = making.request("iam", "CreatePolicy", renames={"name": "PolicyName", "policy": "PolicyDocument"})
    made = making.client("iam").create_policy(**{**request, "PolicyName": making.name()})["Policy"]
    return {"id": made["Arn"], "arn": made["Arn"], "name": made["PolicyName"], "policy_id": made["PolicyId"]}


def _attachment(making: Making) -> Mapping[str, Any]:
    role, arn = making["role"], making["policy_arn"]
    making.client("iam").attach_role_policy(RoleName=role, PolicyArn=arn)
    return {"id": f"{role}/{arn}"}


KINDS: Mapping[str, Kind] = {
    "aws_iam_policy": Kind(_policy),
    "aws_iam_role": Kind(_role, {"force_detach_policies": "roles are not deleted"}),
    "aws_iam_role_policy": Kind(_role_policy),
    "aws_iam_role_policy_attachment": Kind(_attachment),
}
