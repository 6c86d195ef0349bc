"""The statements of policies, as values.

https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_elements.html
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from typing import Any, Literal

import attrs

from laminar_codegen.rehearsal.permissions.conditions import Context, UnknownConditionError, holds, matches

__all__ = ["Statement", "UnknownStatementError", "read_policy"]

_KNOWN = frozenset(
    {"Sid", "Effect", "Action", "NotAction", "Resource", "NotResource", "Condition", "Principal", "NotPrincipal"}
)
#: ``${aws:PrincipalArn}``, or with a default ``${aws:PrincipalTag/team, 'none'}``; ``${*}`` is an asterisk.
_VARIABLE = re.compile(r"\$\{([^},]+?)(?:,\s*'([^']*)')?\}")
_LITERALS = {"*": "*", "?": "?", "$": "$"}


class UnknownStatementError(Exception):
    """A policy that IAM would not take, or that cannot be read here."""


@attrs.frozen
class Statement:
    """One statement of a policy.

    Args:
        policy: The name of its policy.
        sid: Its name; empty if it has none.
        effect: ``Allow`` or ``Deny``.
        actions: The actions that it is about, with ``*`` and ``?``.
        resources: The resources, likewise. Empty for a trust policy, which has none.
        conditions: Operators, keys and values.
        principals: Who may, for a trust policy: by kind, such as ``Service``.
        other_actions: Whether it is about all actions but these (``NotAction``).
        other_resources: Whether it is about all resources but these (``NotResource``).
    """

    policy: str
    sid: str
    effect: Literal["Allow", "Deny"]
    actions: tuple[str, ...]
    resources: tuple[str, ...] = ()
    conditions: Mapping[str, Mapping[str, Any]] = attrs.field(factory=dict, hash=False)
    principals: Mapping[str, tuple[str, ...]] = attrs.field(factory=dict, hash=False)
    other_actions: bool = False
    other_resources: bool = False

    @property
    def name(self) -> str:
        """The policy and the statement in it."""
        return f"{self.policy}/{self.sid or 'without a Sid'}"

    def matching_actions(self, action: str) -> tuple[str, ...]:
        """Return the patterns of the statement that have an action. Their case does not matter.

        Args:
            action: The action, such as ``s3:GetObject``.
        """
        found = tuple(pattern for pattern in self.actions if matches(pattern.lower(), action.lower()))
        if self.other_actions:
            return () if found else ("*",)
        return found

    def applies(self, action: str, resource: str, context: Context) -> bool:
        """Return whether the statement is about a request.

        Args:
            action: The action.
            resource: The ARN of the resource, or ``*``.
            context: What is known of the request, by the keys of conditions in small letters.

        Raises:
            UnknownConditionError: If a condition decides, and cannot be evaluated.
        """
        if not self.matching_actions(action):
            return False
        if self.resources:
            found = any(_like(_substitute(pattern, context), resource) for pattern in self.resources)
            if found == self.other_resources:
                return False
        return holds(self.conditions, context)


def read_policy(name: str, document: Mapping[str, Any] | str) -> tuple[Statement, ...]:
    """Read a policy.

    Args:
        name: Its name, for messages.
        document: Its JSON, as text or value.

    Raises:
        UnknownStatementError: If it is no policy.

    Example:
        >>> read_policy("logs", '{"Statement": {"Effect": "Allow", "Action": "logs:*", "Resource": "*"}}')[0].actions
        ('logs:*',)
    """
    try:
        read = json.loads(document) if isinstance(document, str) else document
        bodies = _list(read["Statement"])
    except (ValueError, KeyError, TypeError):
        raise UnknownStatementError(f"the policy {name} has no statements: {document}") from None
    return tuple(_statement(name, body) for body in bodies)


def _statement(policy: str, body: Mapping[str, Any]) -> Statement:
    unknown = sorted(body.keys() - _KNOWN)
    other_actions, other_resources = "NotAction" in body, "NotResource" in body
    actions = _list(body.get("NotAction" if other_actions else "Action", []))
    if unknown or not actions or body.get("Effect") not in ("Allow", "Deny"):
        wrong = ", ".join(unknown) if unknown else "it needs an Effect and an Action"
        raise UnknownStatementError(f"a statement of the policy {policy} cannot be read: {wrong}: {json.dumps(body)}")
    return Statement(
        policy=policy,
        sid=str(body.get("Sid", "")),
        effect=body["Effect"],
        actions=tuple(actions),
        resources=tuple(_list(body.get("NotResource" if other_resources else "Resource", []))),
        conditions=body.get("Condition", {}),
        principals=_principals(body),
        other_actions=other_actions,
        other_resources=other_resources,
    )


def _principals(body: Mapping[str, Any]) -> Mapping[str, tuple[str, ...]]:
    named = body.get("Principal", {})
    if named == "*":
        return {"*": ("*",)}
    return {kind: tuple(_list(names)) for kind, names in named.items()}


def _like(pattern: str, resource: str) -> bool:
    # Each of the six parts of an ARN by itself: an asterisk does not reach over a colon before the resource.
    # https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_elements_resource.html
    if pattern == "*":
        return True
    parts, found = list(_parts(pattern)), list(_parts(resource))
    return len(parts) == len(found) and all(matches(one, other) for one, other in zip(parts, found, strict=True))


def _parts(arn: str) -> Iterator[str]:
    yield from arn.split(":", 5)


def _substitute(pattern: str, context: Context) -> str:
    """Put the values of policy variables in their places.

    https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_variables.html
    """

    def value(match: re.Match[str]) -> str:
        key, default = match[1].strip(), match[2]
        if key in _LITERALS:
            return _LITERALS[key]
        if key.lower() not in context:
            raise UnknownConditionError(f"the policy variable ${{{key}}}")
        return str(context[key.lower()] or default or "")

    return _VARIABLE.sub(value, pattern)


def _list(value: Any) -> list[Any]:
    return value if isinstance(value, list) else [value]
