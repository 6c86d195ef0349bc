"""Decides each call, and keeps what was refused and what was used."""

from __future__ import annotations

import threading
from collections.abc import Iterable, Iterator, Sequence

import attrs

from laminar_codegen.rehearsal.permissions.conditions import Context
from laminar_codegen.rehearsal.permissions.decisions import context_of, decide
from laminar_codegen.rehearsal.permissions.needs import Call, Facts, Need, UnknownCallError, needs
from laminar_codegen.rehearsal.permissions.roles import Role, Roles
from laminar_codegen.rehearsal.permissions.statements import UnknownStatementError

__all__ = ["Grant", "Guard", "Refusal"]


@attrs.frozen
class Refusal:
    """A call that a role's policies do not allow.

    Args:
        call: The call.
        action: The action that is missing, or the operation if it is not known what that needs.
        resource: The resource that it is missing on.
        reason: Why it is refused, as AWS words it.
    """

    call: Call
    action: str
    resource: str
    reason: str

    @property
    def role(self) -> str:
        """The name of the role."""
        return self.call.principal.rpartition("/")[2]

    @property
    def message(self) -> str:
        """The message that AWS gives.

        https://docs.aws.amazon.com/IAM/latest/UserGuide/troubleshoot_access-denied.html
        """
        account, partition = self.call.account, self.call.partition
        user = f"arn:{partition}:sts::{account}:assumed-role/{self.role}/rehearsal"
        reason = self.reason if self.reason.startswith("with ") else f"because {self.reason}"
        return f"User: {user} is not authorized to perform: {self.action} on resource: {self.resource} {reason}"

    def __str__(self) -> str:
        place = f" ({self.call.place})" if self.call.place else ""
        return f"role {self.role} may not {self.action} on {self.resource}{place}: {self.reason}"


@attrs.frozen
class Grant:
    """One action that a statement of a role allows.

    Args:
        role: The name of the role.
        statement: The policy and the statement in it.
        action: The action, as the statement names it.
    """

    role: str
    statement: str
    action: str

    def __str__(self) -> str:
        return f"role {self.role}: {self.action} ({self.statement})"


class Guard:
    """Decides calls by the roles of an account.

    Args:
        roles: The roles.
        facts: What calls do not say of the account.
    """

    def __init__(self, roles: Roles, facts: Facts | None = None) -> None:
        self._roles = roles
        self._facts = facts or Facts()
        self._lock = threading.Lock()
        self._refusals: dict[tuple[str, str, str, str], Refusal] = {}
        self._used: set[Grant] = set()
        self._unknown: set[str] = set()

    @property
    def refusals(self) -> tuple[Refusal, ...]:
        """The calls that were refused, each once, in their order."""
        with self._lock:
            return tuple(self._refusals.values())

    @property
    def unknown(self) -> tuple[str, ...]:
        """The ARNs of roles that made calls and that the account does not have: what they may do is not known."""
        with self._lock:
            return tuple(sorted(self._unknown))

    def decide(self, call: Call) -> Refusal | None:
        """Decide a call.

        Args:
            call: The call.

        Returns:
            Why it is refused, None if it is allowed.
        """
        try:
            needed: Sequence[Need] = needs(call, self._facts)
        except UnknownCallError as error:
            return self._refuse(Refusal(call, f"{call.service}:{call.operation}", "*", str(error)))
        return self.check(call, needed)

    def check(self, call: Call, needed: Iterable[Need], *, noted: bool = True) -> Refusal | None:
        """Decide whether the role of a call has some permissions.

        Args:
            call: The call, or what a service does in the role's name.
            needed: The permissions.
            noted: Whether a refusal is noted: not one of which AWS says nothing.

        Returns:
            The first that it has not, None if it has all.
        """
        try:
            role = self._roles.get(call.principal)
        except UnknownStatementError as error:
            return self._refuse(Refusal(call, f"{call.service}:{call.operation}", "*", str(error)))
        context = context_of(call)
        for need in needed:
            if role is None:
                with self._lock:
                    self._unknown.add(call.principal)
                return None
            decision = decide(need, role.policies, role.boundary, context)
            if not decision.allowed:
                return self._refuse(Refusal(call, need.action, need.resource, decision.reason), noted=noted)
            self._note(role, need, context)
        return None

    def named_resources(self, arn: str, action: str) -> tuple[str, ...]:
        """Return the resources on which a role has a permission by name; none if the account has no such role.

        Args:
            arn: The role.
            action: The action.

        Raises:
            UnknownStatementError: If one of its policies cannot be read.
        """
        role = self._roles.get(arn)
        policies = () if role is None else role.policies
        return tuple(
            resource
            for statement in policies
            if statement.effect == "Allow" and action in statement.actions
            for resource in statement.resources
        )

    def trust(self, arn: str, service: str, *, source: str, region: str, place: str = "") -> Refusal | None:
        """Decide whether a service may assume a role.

        Args:
            arn: The role's ARN.
            service: The service's principal, such as ``lambda.amazonaws.com``.
            source: The ARN of the resource that it does so for.
            region: Where it does so.
            place: Where in the flow.

        Returns:
            Why not, None if it may.
        """
        call = Call(principal=arn, service="sts", region=region, operation="AssumeRole", place=place)
        role = self._roles.get(arn)
        context: dict[str, str | None] = {"aws:sourcearn": source, "aws:sourceaccount": call.account}
        if role is None:
            with self._lock:
                self._unknown.add(arn)
            return None
        if role.trusts(service, context):
            return None
        reason = f"its trust policy does not let {service} assume it for {source}"
        return self._refuse(Refusal(call, "sts:AssumeRole", arn, reason))

    def forget(self) -> None:
        """Read the roles again when they are next needed: they may have changed."""
        self._roles.forget()

    def idle_grants(self) -> tuple[Grant, ...]:
        """Return the actions that are granted and that no call needed so far, sorted by role and statement."""
        return tuple(grant for role in self._roles.all() for grant in _grants(role) if grant not in self._used)

    def _note(self, role: Role, need: Need, context: Context) -> None:
        # More than one statement may allow the same: each of them is of use.
        found = {
            Grant(role.name, statement.name, pattern)
            for statement in role.policies
            if decide(need, [statement], context=context).allowed
            for pattern in statement.matching_actions(need.action)
        }
        with self._lock:
            self._used |= found

    def _refuse(self, refusal: Refusal, *, noted: bool = True) -> Refusal:
        if not noted:
            return refusal
        with self._lock:
            key = (refusal.role, refusal.action, refusal.resource, refusal.call.place)
            return self._refusals.setdefault(key, refusal)


def _grants(role: Role) -> Iterator[Grant]:
    for statement in role.policies:
        if statement.effect == "Allow":
            for action in statement.actions:
                yield Grant(role.name, statement.name, action)
