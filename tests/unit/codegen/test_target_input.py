"""What EventBridge sends to a target, by its documentation."""

from __future__ import annotations

import json
from typing import Any

import pytest

from laminar_codegen.rehearsal.aws.target_input import make_input

EVENT = {"id": "1", "time": "2026-01-01T00:00:00Z", "source": "shop", "detail": {"a": 'x "y"', "n": [1, {"m": None}]}}
RULE = {"Name": "orders", "Arn": "arn:rule"}


def made(template: str, **paths: str) -> Any:
    target = {"InputTransformer": {"InputPathsMap": paths, "InputTemplate": template}}
    return json.loads(make_input(target, EVENT, RULE))


def test_without_a_transformer() -> None:
    """A target gets a constant, a part of the event, or the event."""
    assert make_input({"Input": "{}"}, EVENT, RULE) == "{}"
    assert json.loads(make_input({"InputPath": "$.detail.n[0]"}, EVENT, RULE)) == 1
    assert json.loads(make_input({}, EVENT, RULE)) == EVENT


def test_values_have_their_types() -> None:
    """A placeholder outside of a text is JSON, one in a text is plain."""
    found = made('{"a":<a>,"n":<n>,"text":"of <s>"}', a="$.detail.a", n="$.detail.n", s="$.source")
    assert found == {"a": 'x "y"', "n": [1, {"m": None}], "text": "of shop"}


def test_predefined_placeholders() -> None:
    """EventBridge knows the rule, the time, and the event with and without its detail."""
    template = '{"r":"<aws.events.rule-name>","e":<aws.events.event>,"j":<aws.events.event.json>}'
    found = made(template)
    assert (found["r"], found["j"]) == ("orders", EVENT)
    assert found["e"] == {name: value for name, value in EVENT.items() if name != "detail"}


def test_escaped_marks_are_no_placeholders() -> None:
    assert made('{"a":"\\u003ca\\u003e"}', a="$.detail.a") == {"a": "<a>"}


@pytest.mark.parametrize(
    ("template", "why"),
    [('{"a":<b>}', r"the event has no \$\.detail\.b"), ('{"a":"<a>"}', "a value breaks the text that it stands in")],
)
def test_what_is_no_json(template: str, why: str) -> None:
    """A value that is missing leaves a gap, and quotes in a text are not escaped."""
    paths = {"b": "$.detail.b"} if "b" in template else {"a": "$.detail.a"}
    with pytest.raises(ValueError, match=why):
        made(template, **paths)
