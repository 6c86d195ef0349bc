"""The roles of an account as IAM has them: their policies, their boundary, and who may take them on."""

from __future__ import annotations

import threading
from collections.abc import Iterator, Mapping
from typing import Any

import attrs

from laminar_codegen.rehearsal.permissions.conditions import Context, UnknownConditionError
from laminar_codegen.rehearsal.permissions.statements import Statement, read_policy

__all__ = ["Role", "Roles"]


@attrs.frozen
class Role:
    """A role.

    Args:
        arn: Its ARN.
        policies: The statements of its policies, those that are attached too.
        boundary: Those of its permissions boundary, None if it has none.
        trust: Those of who may take it on.
    """

    arn: str
    policies: tuple[Statement, ...]
    boundary: tuple[Statement, ...] | None
    trust: tuple[Statement, ...]

    @property
    def name(self) -> str:
        """Its name, without its path."""
        return self.arn.rpartition("/")[2]

    def trusts(self, service: str, context: Context) -> bool:
        """Return whether a service may take the role on.

        https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_elements_principal.html

        Args:
            service: The service's principal, such as ``states.amazonaws.com``.
            context: What is known of its request: ``aws:sourceaccount``, ``aws:sourcearn``.
        """
        return not self._trusts(service, "Deny", context) and self._trusts(service, "Allow", context)

    def _trusts(self, service: str, effect: str, context: Context) -> bool:
        found = (item for item in self.trust if item.effect == effect and _names(item, service))
        try:
            return any(item.applies("sts:AssumeRole", "*", context) for item in found)
        except UnknownConditionError:
            # Of two answers the one that refuses.
            return effect == "Deny"


class Roles:
    """The roles of an account. They are read once, and again when they may have changed.

    Args:
        iam: A client of IAM that may read everything.
    """

    def __init__(self, iam: Any) -> None:
        self._iam = iam
        self._lock = threading.Lock()
        self._read: dict[str, Role | None] = {}

    def forget(self) -> None:
        """Read the roles again when they are next asked for."""
        with self._lock:
            self._read.clear()

    def get(self, arn: str) -> Role | None:
        """Return a role.

        Args:
            arn: Its ARN.

        Returns:
            The role, None if the account has none of this ARN.

        Raises:
            UnknownStatementError: If one of its policies cannot be read.
        """
        with self._lock:
            if arn not in self._read:
                self._read[arn] = self._find(arn)
            return self._read[arn]

    def all(self) -> tuple[Role, ...]:
        """Return all roles of the account, sorted by their ARNs."""
        pages = self._iam.get_paginator("list_roles").paginate()
        found = (self.get(role["Arn"]) for page in pages for role in page["Roles"])
        return tuple(sorted((role for role in found if role is not None), key=lambda role: role.arn))

    def _find(self, arn: str) -> Role | None:
        try:
            found = self._iam.get_role(RoleName=arn.rpartition("/")[2])["Role"]
        except self._iam.exceptions.NoSuchEntityException:
            return None
        name = found["RoleName"]
        # A role is named by its ARN: one of the same name in another path is another role.
        if found["Arn"] != arn:
            return None
        boundary = found.get("PermissionsBoundary", {}).get("PermissionsBoundaryArn")
        return Role(
            arn=found["Arn"],
            policies=tuple(self._policies(name)),
            boundary=None if boundary is None else self._read_policy_of_arn(boundary),
            trust=_trust(found["AssumeRolePolicyDocument"]),
        )

    def _policies(self, role: str) -> Iterator[Statement]:
        for page in self._iam.get_paginator("list_role_policies").paginate(RoleName=role):
            for name in page["PolicyNames"]:
                document = self._iam.get_role_policy(RoleName=role, PolicyName=name)["PolicyDocument"]
                yield from read_policy(name, document)
        for page in self._iam.get_paginator("list_attached_role_policies").paginate(RoleName=role):
            for attached in page["AttachedPolicies"]:
                yield from self._read_policy_of_arn(attached["PolicyArn"])

    def _read_policy_of_arn(self, arn: str) -> tuple[Statement, ...]:
        policy = self._iam.get_policy(PolicyArn=arn)["Policy"]
        version = self._iam.get_policy_version(PolicyArn=arn, VersionId=policy["DefaultVersionId"])
        return read_policy(policy["PolicyName"], version["PolicyVersion"]["Document"])


def _trust(document: Mapping[str, Any]) -> tuple[Statement, ...]:
    # Nobody may assume a role of an empty policy.
    return read_policy("trust", document) if document else ()


def _names(statement: Statement, service: str) -> bool:
    named = (*statement.principals.get("Service", ()), *statement.principals.get("*", ()))
    return service in named or "*" in named
