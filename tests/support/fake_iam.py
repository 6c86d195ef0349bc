"""IAM with one role, for tests of what its policies allow."""

from __future__ import annotations

from collections.abc import Mapping
from types import SimpleNamespace
from typing import Any

__all__ = ["ROLE", "FakeIam", "policy"]

ROLE = "arn:aws:iam::123456789012:role/task"


def policy(*statements: Mapping[str, Any]) -> dict[str, Any]:
    """Return a policy of some statements."""
    return {"Version": "2012-10-17", "Statement": list(statements)}


class FakeIam:
    """IAM with one role."""

    exceptions = SimpleNamespace(NoSuchEntityException=LookupError)

    def __init__(
        self, *statements: Mapping[str, Any], boundary: Mapping[str, Any] | None = None, trusts: str = ""
    ) -> None:
        self.statements, self.boundary, self.reads, self.trusts = statements, boundary, 0, trusts

    def get_paginator(self, operation: str) -> Any:
        pages: dict[str, Any] = {
            "list_roles": {"Roles": [{"Arn": ROLE}]},
            "list_role_policies": {"PolicyNames": ["own"]},
            "list_attached_role_policies": {"AttachedPolicies": []},
        }

        class Paginator:
            def paginate(self, **_: str) -> list[Any]:
                return [pages[operation]]

        return Paginator()

    def get_role(self, RoleName: str) -> Any:  # noqa: N803 - botocore's name
        self.reads += 1
        if RoleName != "task":
            raise self.exceptions.NoSuchEntityException
        trust = {"Effect": "Allow", "Action": "sts:AssumeRole", "Principal": {"Service": "ecs-tasks.amazonaws.com"}}
        condition = {"ArnLike": {"aws:SourceArn": "arn:aws:ecs:*:123456789012:*"}}
        role: dict[str, Any] = {"Arn": ROLE, "RoleName": RoleName}
        role["AssumeRolePolicyDocument"] = policy({**trust, "Condition": condition})
        if self.trusts:
            role["AssumeRolePolicyDocument"] = policy({**trust, "Principal": {"Service": self.trusts}})
        if self.boundary is not None:
            role["PermissionsBoundary"] = {"PermissionsBoundaryArn": "arn:aws:iam::123456789012:policy/limits"}
        return {"Role": role}

    def get_role_policy(self, **_: str) -> Any:
        return {"PolicyDocument": policy(*self.statements)}

    def get_policy(self, PolicyArn: str) -> Any:  # noqa: N803 - botocore's name
        return {"Policy": {"PolicyName": PolicyArn.rpartition("/")[2], "DefaultVersionId": "v2"}}

    def get_policy_version(self, **_: str) -> Any:
        return {"PolicyVersion": {"Document": self.boundary}}
