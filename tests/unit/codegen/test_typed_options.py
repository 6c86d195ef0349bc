"""``--param NAME=VALUE`` of a flow that declares its parameters, and of one that does not."""

from __future__ import annotations

import datetime as dt
import enum
from pathlib import Path
from typing import Any, Literal

import pytest

from laminar_runtime import Flow, Parameters
from laminar_runtime.command.parameters import read_parameters
from laminar_runtime.exceptions import FlowError


class Mode(enum.Enum):
    FULL = "full"


class Typed(Flow): ...


class Untyped(Flow): ...


@Typed.register
class Inputs(Parameters):
    text: str = ""
    day: dt.date | None = None
    folder: Path = Path()
    mode: Mode = Mode.FULL
    word: Literal["a", "b"] = "a"
    rows: int = 1
    either: int | str = 1
    numbers: tuple[int, ...] = ()
    anything: Any = None


@pytest.mark.parametrize(
    ("name", "text", "value"),
    [
        ("text", "a b", "a b"),
        ("text", '"a"', '"a"'),
        ("text", "null", "null"),
        ("text", "", ""),
        ("day", "2026-01-31", dt.date(2026, 1, 31)),
        ("day", "null", None),
        ("folder", "a/b", Path("a/b")),
        ("mode", "full", Mode.FULL),
        ("word", "b", "b"),
        ("rows", "5", 5),
        ("either", "5", 5),
        ("either", '"5"', "5"),
        ("numbers", "[1, 2]", (1, 2)),
        ("anything", '{"a": null}', {"a": None}),
    ],
)
def test_values(name: str, text: str, value: Any) -> None:
    """JSON, but for what is declared as text, a date, a path or an enum: there the text is the value."""
    assert read_parameters(Typed(), [(name, text)])[name] == value
    assert type(read_parameters(Typed(), [(name, text)])[name]) is type(value) or name == "folder"


def test_wrong_values() -> None:
    """What does not fit is named with its type; what is no JSON at all, where nothing is declared, with the quotes."""
    with pytest.raises(FlowError, match=r"'dai' is unknown\. Did you mean 'day'\?.*'rows' must be int, not 'many'"):
        read_parameters(Typed(), [("dai", "1"), ("rows", "many")])
    for flow, name in ((Typed(), "anything"), (Untyped(), "x")):
        with pytest.raises(FlowError, match=f"the value of '{name}' is not JSON: .* --param '{name}=\"text\"'"):
            read_parameters(flow, [(name, "many")])
    assert read_parameters(Untyped(), [("x", "1")]) == {"x": 1}


@pytest.mark.parametrize("text", ["NaN", "[Infinity]", '{"a": -Infinity}', "1e400"])
def test_numbers_that_json_does_not_have(text: str) -> None:
    """Python reads them, and the state machine refuses them as input."""
    with pytest.raises(FlowError, match=r"the value of 'x' is not JSON: .* is no number of JSON"):
        read_parameters(Untyped(), [("x", text)])
