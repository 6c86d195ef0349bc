"""What a rule of EventBridge sends to a target: an event, a part of it, or what an input transformer makes of it.

https://docs.aws.amazon.com/eventbridge/latest/userguide/eb-transform-target-input.html
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from typing import Any

__all__ = ["make_input"]

_MISSING: Any = object()
_STEP = re.compile(r"\.([A-Za-z0-9_/-]+)|\[([0-9]+)\]")
#: A text of JSON, or a placeholder outside of texts.
_PIECE = re.compile(r'"(?:[^"\\]|\\.)*"|<([A-Za-z0-9_.-]+)>', re.DOTALL)
_IN_TEXT = re.compile(r"<([A-Za-z0-9_.-]+)>")


def make_input(target: Mapping[str, Any], event: Mapping[str, Any], rule: Mapping[str, Any]) -> str:
    """Return the input of a target for an event.

    Args:
        target: The target, as ListTargetsByRule has it.
        event: The event.
        rule: Its rule, as ListRules has it.

    Raises:
        ValueError: If EventBridge would send no JSON: the event has no value for a placeholder, or a value with quotes
            stands in a text of the template.
    """
    if "Input" in target:
        return str(target["Input"])
    if "InputPath" in target:
        return _json(_find(target["InputPath"], event))
    transformer = target.get("InputTransformer")
    if transformer is None:
        return _json(event)
    paths = transformer.get("InputPathsMap", {})
    values = {**{name: _find(path, event) for name, path in paths.items()}, **_predefined_values(event, rule)}
    made = _PIECE.sub(lambda piece: _replace(piece, values), transformer["InputTemplate"])
    try:
        json.loads(made)
    except ValueError:
        lacking = [path for name, path in paths.items() if values[name] is _MISSING]
        why = f"the event has no {', '.join(lacking)}" if lacking else "a value breaks the text that it stands in"
        raise ValueError(f"the input transformer makes no JSON, because {why}: {made}") from None
    return made


def _predefined_values(event: Mapping[str, Any], rule: Mapping[str, Any]) -> dict[str, Any]:
    return {
        "aws.events.rule-arn": rule["Arn"],
        "aws.events.rule-name": rule["Name"],
        "aws.events.event.ingestion-time": event["time"],
        "aws.events.event": {name: value for name, value in event.items() if name != "detail"},
        "aws.events.event.json": event,
    }


def _replace(piece: re.Match[str], values: Mapping[str, Any]) -> str:
    """Return a text of the template with values in it, which are not escaped there, or a value as JSON."""
    name = piece[1]
    if name is None:
        return _IN_TEXT.sub(lambda found: _plain(values.get(found[1], found[0])), piece[0])
    value = values.get(name, piece[0])
    return "" if value is _MISSING else value if value == piece[0] else _json(value)


def _plain(value: Any) -> str:
    if value is _MISSING:
        return ""
    return value if isinstance(value, str) else _json(value)


def _json(value: Any) -> str:
    return json.dumps(value, separators=(",", ":"), ensure_ascii=False)


def _find(path: str, event: Any) -> Any:
    """Return the value at a path, a missing one as such."""
    for name, index in _STEP.findall(path.removeprefix("$")):
        if name:
            event = event.get(name, _MISSING) if isinstance(event, Mapping) else _MISSING
        else:
            event = event[int(index)] if isinstance(event, list) and int(index) < len(event) else _MISSING
    return event
