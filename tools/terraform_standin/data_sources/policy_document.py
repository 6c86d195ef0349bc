"""`aws_iam_policy_document`: statements in Terraform's terms as the JSON of an IAM policy.

    statement { actions = ["s3:GetObject"]  resources = ["arn:aws:s3:::a/*"] }
    {"Version": "2012-10-17",
     "Statement": [{"Effect": "Allow", "Action": "s3:GetObject", "Resource": "arn:aws:s3:::a/*"}]}

Rendered as the real provider does: one value as a string, several sorted from Z to A, condition
values as they are given, `&{` for `${` in policy variables, and Go's way with `<`, `>` and `&`.
"""

from __future__ import annotations

import json
import zlib
from typing import Any

from tools.terraform_standin.declaration import Call, DataSource
from tools.terraform_standin.errors import InvalidConfigurationError
from tools.terraform_standin.values import State

_DEFAULT_VERSION = "2012-10-17"
_MEMBERS = {
    "actions": "Action",
    "not_actions": "NotAction",
    "resources": "Resource",
    "not_resources": "NotResource",
}
_ORDER = (
    "Sid", "Effect", "Action", "NotAction", "Resource", "NotResource", "Principal", "NotPrincipal",
    "Condition",
)  # fmt: skip
# json.dumps leaves these as they are, Go's encoder does not.
_GO_ESCAPES = {"<": "\\u003c", ">": "\\u003e", "&": "\\u0026"}


def render(config: State) -> State:
    """Return the policy that a configuration describes, merged with its source and override documents."""
    document: State = {}
    _check_sids([s for text in config["source_policy_documents"] or () for s in _statements(text)])
    for text in config["source_policy_documents"] or ():
        document = _merge(document, _parse(text))
    own = [_statement(block) for block in config["statement"]]
    _check_sids(own)
    document = _merge(
        document,
        {
            "Version": config["version"] or _DEFAULT_VERSION,
            "Id": config["policy_id"],
            "Statement": own,
        },
    )
    for text in config["override_policy_documents"] or ():
        document = _merge(document, _parse(text))
    ordered = {name: document[name] for name in ("Version", "Id", "Statement") if document.get(name)}
    text = _escape(json.dumps(ordered, indent=2, ensure_ascii=False))
    return {
        "id": str(zlib.crc32(text.encode())),
        "json": text,
        "minified_json": _escape(json.dumps(ordered, separators=(",", ":"), ensure_ascii=False)),
        "version": document["Version"],
    }


def _read(call: Call) -> State:
    return render(call.state)


def _escape(text: str) -> str:
    for character, escape in _GO_ESCAPES.items():
        text = text.replace(character, escape)
    return text


def _parse(text: str) -> State:
    try:
        document = json.loads(text) if text else {}
    except ValueError as error:
        message = f"a merged policy document is not valid JSON: {error}"
        raise InvalidConfigurationError(message) from error
    statements = document.get("Statement") or []
    listed = statements if isinstance(statements, list) else [statements]
    return document | {"Statement": [_normalize(statement) for statement in listed]}


def _statements(text: str) -> list[State]:
    found: list[State] = _parse(text)["Statement"]
    return found


def _normalize(statement: State) -> State:
    """Return a statement of a merged document in the order and form of a rendered one."""
    ordered = {name: statement[name] for name in _ORDER if statement.get(name)}
    for name in ("Principal", "NotPrincipal"):
        if isinstance(ordered.get(name), dict):
            ordered[name] = {
                kind: sorted(value, reverse=True) if isinstance(value, list) else value
                for kind, value in sorted(ordered[name].items())
            }
    if "Condition" in ordered:
        ordered["Condition"] = _sorted_conditions(ordered["Condition"])
    return ordered


def _check_sids(statements: list[State]) -> None:
    sids = [statement["Sid"] for statement in statements if statement.get("Sid")]
    twice = sorted({sid for sid in sids if sids.count(sid) > 1})
    if twice:
        message = f"duplicate Sid ({twice[0]}): remove the Sid or make the Sids unique"
        raise InvalidConfigurationError(message)


def _merge(document: State, other: State) -> State:
    """Merge statements: those of `other` replace statements with the same Sid, and the others are added."""
    statements = list(document.get("Statement", ()))
    for statement in other["Statement"]:
        sids = [known.get("Sid") for known in statements]
        sid = statement.get("Sid")
        if sid and sid in sids:
            statements[sids.index(sid)] = statement
        else:
            statements.append(statement)
    return {
        "Version": max(document.get("Version") or "", other.get("Version") or ""),
        "Id": other.get("Id") or document.get("Id"),
        "Statement": statements,
    }


def _statement(block: State) -> State:
    statement: State = {"Sid": block["sid"], "Effect": block["effect"] or "Allow"}
    for name, member in _MEMBERS.items():
        values = block[name] or []
        is_resource = name.endswith("resources")
        statement[member] = _one_or_list([_variables(v) if is_resource else v for v in values])
    statement["Principal"] = _principals(block["principals"])
    statement["NotPrincipal"] = _principals(block["not_principals"])
    statement["Condition"] = _conditions(block["condition"])
    return {name: statement[name] for name in _ORDER if statement[name]}


def _variables(text: str) -> str:
    return text.replace("&{", "${")


def _one_or_list(values: list[str]) -> str | list[str]:
    return values[0] if len(values) == 1 else sorted(values, reverse=True)


def _principals(blocks: list[State]) -> Any:
    found: dict[str, list[str]] = {}
    for block in blocks:
        known = found.setdefault(block["type"], [])
        known += sorted(map(_variables, block["identifiers"]), reverse=True)
    if found == {"*": ["*"]}:
        return "*"
    return {kind: values[0] if len(values) == 1 else values for kind, values in sorted(found.items())}


def _conditions(blocks: list[State]) -> State:
    found: dict[str, dict[str, list[str]]] = {}
    for block in blocks:
        variables = found.setdefault(block["test"], {})
        variables.setdefault(block["variable"], []).extend(map(_variables, block["values"]))
    return _sorted_conditions(found)


def _sorted_conditions(conditions: dict[str, dict[str, Any]]) -> State:
    return {
        test: {variable: _single(values) for variable, values in sorted(variables.items())}
        for test, variables in sorted(conditions.items())
    }


def _single(values: Any) -> Any:
    if isinstance(values, bool):
        return str(values).lower()
    return values[0] if isinstance(values, list) and len(values) == 1 else values


POLICY_DOCUMENT = DataSource(type="aws_iam_policy_document", read=_read, deprecated={"override_json", "source_json"})
