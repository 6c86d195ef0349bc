"""Any value of a declared type survives the way to a deployed execution, and each check of it means the same."""

from __future__ import annotations

import dataclasses
import datetime as dt
import decimal
import enum
import importlib
import json
import pathlib
import sys
import typing
import uuid
from typing import Any

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from laminar_codegen.ir.graph import DeclaredParameter
from laminar_codegen.lower_states.input_check import find_problems
from laminar_codegen.lower_terraform.input_schema import property_schema
from laminar_codegen.problems import Location
from laminar_codegen.rehearsal.asl.query_language import evaluate
from laminar_runtime import Parameters
from laminar_runtime.exceptions import FlowError
from laminar_runtime.inputs import conversion, declarations
from laminar_runtime.inputs.json_schema import problems_of
from laminar_runtime.inputs.shapes import SAFE, describe, spell


class Level(enum.Enum):
    LOW = "low"
    ONE = 1
    TRUE = True


@dataclasses.dataclass
class Part:
    day: dt.date
    level: Level = Level.LOW


Options = typing.TypedDict("Options", {"a b": int, "more": list[bool]}, total=False)

_TEXT = st.text(st.characters(exclude_categories=["Cs"]), max_size=5)
_INTEGERS = st.integers(-SAFE, SAFE)
_FLOATS = st.floats(allow_nan=False, allow_infinity=False)
_LEAVES: dict[Any, st.SearchStrategy[Any]] = {
    str: _TEXT,
    int: _INTEGERS,
    float: _FLOATS,
    bool: st.booleans(),
    type(None): st.none(),
    dt.date: st.dates(),
    dt.datetime: st.datetimes(timezones=st.just(dt.UTC)),
    dt.timedelta: st.timedeltas(dt.timedelta(-999), dt.timedelta(999)),
    decimal.Decimal: st.decimals(allow_nan=False, allow_infinity=False),
    pathlib.PurePosixPath: st.builds(pathlib.PurePosixPath, st.text("ab./", max_size=5)),
    uuid.UUID: st.uuids(),
    Level: st.sampled_from(Level),
    typing.Literal["a", 2] | None: st.sampled_from(["a", 2, None]),
    Part: st.builds(Part, st.dates(), st.sampled_from(Level)),
    Options: st.fixed_dictionaries({}, optional={"a b": _INTEGERS, "more": st.lists(st.booleans(), max_size=2)}),
}


@st.composite
def _typed(draw: st.DrawFn, depth: int = 2) -> tuple[Any, Any]:  # noqa: PLR0911 - one for each kind
    """Draw a type, and a value of it."""
    kind = draw(st.sampled_from(["leaf", "list", "tuple", "pair", "dict", "set", "optional"] if depth else ["leaf"]))
    if kind == "leaf":
        hint = draw(st.sampled_from([*_LEAVES]))
        return hint, draw(_LEAVES[hint])
    item, value = draw(_typed(depth - 1))
    if kind == "list":
        return list[item], [value] * draw(st.integers(0, 2))
    if kind == "tuple":
        return tuple[item, ...], (value,) * draw(st.integers(0, 2))
    if kind == "pair":
        other, second = draw(_typed(depth - 1))
        return tuple[item, other], (value, second)
    if kind == "dict":
        return dict[str, item], dict.fromkeys(draw(st.lists(_TEXT, max_size=2)), value)
    if kind == "set":
        leaf = draw(st.sampled_from([str, int, dt.date]))
        return set[leaf], draw(st.sets(_LEAVES[leaf], max_size=3))
    return item | None, draw(st.sampled_from([value, None]))


_JSON = st.recursive(
    st.none() | st.booleans() | st.integers(-3, 3) | st.just(1.5) | st.just(2**60) | st.sampled_from(["a", "low", ""]),
    lambda inner: (
        st.lists(inner, max_size=2) | st.dictionaries(st.sampled_from(["day", "level", "a b"]), inner, max_size=2)
    ),
    max_leaves=4,
)


def _declared(hint: Any) -> DeclaredParameter:
    return DeclaredParameter("x", describe(hint), spell(hint), None, "", Location("flow.py"))


def _problems(hint: Any, value: Any) -> list[str]:
    """Return what the first state of a deployed execution finds."""
    text = json.dumps({"parameters": {"x": value}})
    expression = f"{{'found': {find_problems([_declared(hint)])}}}"
    found = evaluate(expression, {"states": {"context": {"Execution": {"Input": json.loads(text)}}}}).get("found", [])
    return [found] if isinstance(found, str) else found


def _fits(hint: Any, value: Any) -> bool:
    """Return whether an application may start an execution with a value, by the schema that it finds."""
    schema = {"type": "object", "properties": {"x": property_schema(_declared(hint))}, "additionalProperties": False}
    return problems_of(schema, {"x": value}) == []


def _convert(hint: Any, value: Any) -> Any:
    field = declarations.Field("x", hint, Parameters)
    return conversion.convert([field], {"x": value}, "F")["x"]


@pytest.fixture(autouse=True, scope="module")
def validators() -> None:
    """Import jsonschema without its check of IRIs: no schema here has one, and its grammars take a second to make."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setitem(sys.modules, "rfc3987_syntax", None)
        importlib.import_module("jsonschema")


def _is_valid(hint: Any, value: Any) -> bool:
    """Return whether the JSON schema of a type accepts a value."""
    validators = importlib.import_module("jsonschema")
    return bool(validators.Draft202012Validator(property_schema(_declared(hint))).is_valid(value))


@given(_typed())
def test_values_survive(typed: tuple[Any, Any]) -> None:
    """A value stays what it is in a local call, and its JSON form is accepted, and converted back to it."""
    hint, value = typed
    local = _convert(hint, value)
    plain = json.loads(json.dumps(conversion.to_json(local)))
    assert local == value
    assert _problems(hint, plain) == []
    assert _is_valid(hint, plain)
    assert _fits(hint, plain)
    assert _convert(hint, plain) == value


@given(_typed(), _JSON)
def test_checks_agree(typed: tuple[Any, Any], value: Any) -> None:
    """The first state and the JSON schema accept the same values, among them all that the first job accepts.

    An application that starts an execution refuses what they refuse, and nothing that the first job accepts.
    """
    hint, _ = typed
    found = _problems(hint, value)
    assert (found == []) == _is_valid(hint, value)
    assert found == [] or not _fits(hint, value)
    try:
        _convert(hint, value)
    except FlowError:
        return
    assume(value != 2**60 and "1152921504606846976" not in json.dumps(value))  # exact in Python, not in JSONata
    assert found == []
    assert _fits(hint, value)
