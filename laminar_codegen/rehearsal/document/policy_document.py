"""The data source ``aws_iam_policy_document``: statements in Terraform's terms as the JSON of an IAM policy.

Before: ``{"statement": {"actions": ["s3:GetObject"], "resources": ["arn:aws:s3:::a/*"]}}``. After:
``{"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Action": "s3:GetObject", ...}]}``.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from typing import Any

from laminar_codegen.rehearsal.document.errors import DocumentError
from laminar_codegen.rehearsal.document.kinds import Making

__all__ = ["read_policy_document"]

_MEMBERS = {
    "actions": "Action",
    "not_actions": "NotAction",
    "resources": "Resource",
    "not_resources": "NotResource",
}


def read_policy_document(making: Making) -> Mapping[str, Any]:
    """Read the data source.

    Args:
        making: Its arguments.

    Returns:
        Its attributes: the policy as text.
    """
    statements: list[dict[str, Any]] = []
    for text in making.get("source_policy_documents") or []:
        _merge(statements, _parse(making, text))
    _merge(statements, [_statement(block) for block in _blocks(making.get("statement"))])
    for text in making.get("override_policy_documents") or []:
        _merge(statements, _parse(making, text))
    identity = making.get("policy_id")
    document = {
        "Version": making.get("version") or "2012-10-17",
        **({"Id": identity} if identity else {}),
        "Statement": statements,
    }
    return {"id": making.place, "json": json.dumps(document, indent=2), "minified_json": json.dumps(document)}


def _parse(making: Making, text: Any) -> list[dict[str, Any]]:
    try:
        found = json.loads(text)["Statement"] if text else []
    except (KeyError, TypeError, ValueError) as error:
        raise DocumentError(f"{making.place}: a merged policy is not one: {error}") from error
    return found if isinstance(found, list) else [found]


def _merge(statements: list[dict[str, Any]], more: list[dict[str, Any]]) -> None:
    """Add statements; one with the ``Sid`` of another takes its place."""
    for statement in more:
        sids = [known.get("Sid") for known in statements]
        if statement.get("Sid") in {*sids} - {None, ""}:
            statements[sids.index(statement["Sid"])] = statement
        else:
            statements.append(statement)


def _blocks(value: Any) -> Iterator[Mapping[str, Any]]:
    yield from value if isinstance(value, list) else [] if value is None else [value]


def _statement(block: Mapping[str, Any]) -> dict[str, Any]:
    statement: dict[str, Any] = {"Sid": block.get("sid"), "Effect": block.get("effect") or "Allow"}
    for name, member in _MEMBERS.items():
        statement[member] = _single([_variables(item) for item in block.get(name) or []])
    for name, member in {"principals": "Principal", "not_principals": "NotPrincipal"}.items():
        statement[member] = _principals(block.get(name))
    conditions: dict[str, dict[str, Any]] = {}
    for condition in _blocks(block.get("condition")):
        found = conditions.setdefault(condition["test"], {})
        found[condition["variable"]] = _single([_variables(item) for item in condition["values"]])
    statement["Condition"] = conditions
    return {member: value for member, value in statement.items() if value}


def _principals(value: Any) -> Any:
    found: dict[str, list[str]] = {}
    for block in _blocks(value):
        found.setdefault(block["type"], []).extend(map(_variables, block["identifiers"]))
    return "*" if found == {"*": ["*"]} else {kind: _single(names) for kind, names in found.items()}


def _variables(text: str) -> str:
    """Return text with variables of policies: Terraform has ``&{`` where IAM has ``${``."""
    return text.replace("&{", "${")


def _single(values: list[str]) -> Any:
    return values[0] if len(values) == 1 else values
