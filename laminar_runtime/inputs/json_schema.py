"""Checks JSON values against the JSON schema of a flow's parameters, without the flow's code and its libraries.

It knows the part of JSON Schema that the compiler writes, and passes by what it does not know: the first state of the
state machine, and the first job, check the rest. https://json-schema.org/draft/2020-12
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

__all__ = ["allows_null", "problems_of", "takes_text"]

Schema = Mapping[str, Any]

#: The most characters of a value that an error shows.
_SHOWN = 80
_TYPES = {
    "string": "text",
    "integer": "a whole number",
    "number": "a number",
    "boolean": "true or false",
    "null": "null",
    "array": "a list",
    "object": "an object",
}
_FORMATS = {"date": 'text such as "2026-01-31"', "uuid": "text of hexadecimal digits"}


def problems_of(schema: Schema, given: Mapping[str, Any]) -> list[str]:
    """Return what is wrong with the parameters of an execution, all problems at once.

    Args:
        schema: The schema of the object of all parameters.
        given: The parameters, as JSON values.

    Example:
        >>> count = {"type": "integer"}
        >>> schema = {"properties": {"rows": count, "size": count}, "required": ["size"]}
        >>> for problem in problems_of(schema, {"row": 1, "rows": "7"}):
        ...     print(problem)
        parameter 'row' is unknown. Did you mean 'rows'?
        parameter 'size' is missing: it must be a whole number
        parameter 'rows' must be a whole number, not '7'
    """
    known = schema.get("properties", {})
    return [
        *(_unknown(name, known) for name in given if name not in known),
        *(
            f"parameter '{name}' is missing: it must be {_requirement(known[name])}"
            for name in schema.get("required", ())
            if name not in given
        ),
        *(
            f"parameter '{path}' {reason}"
            for name, value in given.items()
            if name in known
            for path, reason in _flaws(known[name], value, name)
        ),
    ]


def takes_text(schema: Schema) -> bool:
    """Return whether all values that a schema allows are texts, or null.

    Args:
        schema: The schema of one parameter.

    Example:
        >>> takes_text({"anyOf": [{"type": "string"}, {"type": "null"}]}), takes_text({"type": "integer"})
        (True, False)
    """
    if "anyOf" in schema:
        others = [part for part in schema["anyOf"] if part.get("type") != "null"]
        return bool(others) and all(map(takes_text, others))
    if "enum" in schema:
        return all(isinstance(value, str | None) for value in schema["enum"]) and any(schema["enum"])
    return bool(schema.get("type") == "string")


def allows_null(schema: Schema) -> bool:
    """Return whether a schema allows null.

    Args:
        schema: The schema of one parameter.

    Example:
        >>> allows_null({"anyOf": [{"type": "string"}, {"type": "null"}]}), allows_null({"type": "string"})
        (True, False)
    """
    return _fits(schema, None)


def _unknown(name: str, known: Schema) -> str:
    import difflib  # an error is rare

    close = difflib.get_close_matches(name, known, n=1)
    others = f"Did you mean '{close[0]}'?" if close else f"The flow declares: {', '.join(known) or 'none'}"
    return f"parameter '{name}' is unknown. {others}"


def _flaws(schema: Schema, value: Any, path: str) -> Iterator[tuple[str, str]]:
    """Yield the path of each wrong value, and what is wrong with it."""
    if not _fits(schema, value):
        shown = repr(value)
        shown = shown if len(shown) <= _SHOWN else f"{shown[:_SHOWN]}..."
        yield path, f"must be {_requirement(schema)}{_range(schema, value)}, not {shown}"
    elif isinstance(value, list):
        for place, (part, item) in enumerate(_items(schema, value)):
            yield from _flaws(part, item, f"{path}[{place}]")
    elif isinstance(value, dict):
        yield from _flaws_of_object(schema, value, path)


def _items(schema: Schema, value: Sequence[Any]) -> Iterator[tuple[Schema, Any]]:
    fixed = schema.get("prefixItems", ())
    for place, item in enumerate(value):
        yield (fixed[place] if place < len(fixed) else schema.get("items", {})), item


def _flaws_of_object(schema: Schema, value: Mapping[str, Any], path: str) -> Iterator[tuple[str, str]]:
    named, others = schema.get("properties", {}), schema.get("additionalProperties", {})
    missing = [name for name in schema.get("required", ()) if name not in value]
    if missing:
        yield path, f"lacks fields: {', '.join(missing)}"
    unknown = sorted(name for name in value if name not in named) if others is False else []
    if unknown:
        yield path, f"has unknown fields: {', '.join(unknown)}"
    for name, item in value.items():
        if name not in unknown:
            yield from _flaws(named.get(name, others), item, f"{path}[{name!r}]")


def _fits(schema: Schema, value: Any) -> bool:
    """Return whether a value is of the schema's type; the parts of a list or an object are not looked at."""
    if "anyOf" in schema:
        return any(next(_flaws(part, value, ""), None) is None for part in schema["anyOf"])
    if "enum" in schema:
        return any(value == one and isinstance(value, bool) == isinstance(one, bool) for one in schema["enum"])
    kind = schema.get("type")
    if kind == "array":
        return isinstance(value, list) and schema.get("minItems", 0) <= len(value) <= schema.get("maxItems", len(value))
    if kind == "integer":
        whole = isinstance(value, int) or (isinstance(value, float) and value.is_integer())
        least, most = schema.get("minimum", value), schema.get("maximum", value)
        return whole and not isinstance(value, bool) and least <= value <= most
    if kind == "string":
        return isinstance(value, str) and _has_format(schema.get("format"), value)
    return _is_plain(kind, value)


def _is_plain(kind: str | None, value: Any) -> bool:
    match kind:
        case "number":
            return isinstance(value, int | float) and not isinstance(value, bool)
        case "boolean":
            return isinstance(value, bool)
        case "null":
            return value is None
        case "object":
            return isinstance(value, dict)
        case _:
            return True  # a schema without a type, or one of a later release


def _has_format(form: str | None, text: str) -> bool:
    """Return whether a text has a format, as the converter of the flow's own process sees it."""
    try:
        match form:
            case "date":
                import datetime as dt
                import re

                dt.date.fromisoformat(text)
                return re.fullmatch(r"\d{4}-\d{2}-\d{2}", text) is not None
            case "uuid":
                import uuid

                uuid.UUID(text)
    except ValueError:
        return False
    return True


def _range(schema: Schema, value: Any) -> str:
    """Return the range of a whole number, for a value that is one and outside of it."""
    if not {"minimum", "maximum"} <= schema.keys() or not _fits({"type": schema.get("type")}, value):
        return ""
    return f" from {schema['minimum']} to {schema['maximum']}"


def _requirement(schema: Schema) -> str:
    """Return what a value must be, in words."""
    if "anyOf" in schema:
        return " or ".join(dict.fromkeys(map(_requirement, schema["anyOf"])))
    if "enum" in schema:
        return f"one of {', '.join(map(repr, schema['enum']))}"
    kind = schema.get("type", "")
    if kind == "array" and "minItems" in schema:
        return f"a list of {schema['minItems']} items"
    if kind == "array" and schema.get("items"):
        return f"a list, each item {_requirement(schema['items'])}"
    return _FORMATS.get(schema.get("format", ""), _TYPES.get(kind, "a value of JSON"))
