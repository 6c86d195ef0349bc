"""The states that check the input of a flow with typed parameters, before anything starts.

Before: ``day: date`` and ``rows: int = 100``. After: a choice, which goes on to a Fail state if a parameter is missing,
unknown or of another JSON type. Its cause names all of them. What JSON types cannot say, such as that a text is a date,
the first job checks.
"""

from __future__ import annotations

import itertools
import json
from collections.abc import Callable, Iterator, Sequence
from typing import assert_never

from laminar_codegen.ir.asl import Choice, Fail, Rule, State
from laminar_codegen.ir.expressions import Expression
from laminar_codegen.ir.graph import DeclaredParameter
from laminar_codegen.ir.state_names import INPUT, INPUT_CHECK, INPUT_REFUSED
from laminar_runtime.causes.texts import REFUSES
from laminar_runtime.inputs.shapes import (
    SAFE,
    Anything,
    Fixed,
    Listed,
    Mapped,
    Member,
    OneOf,
    Record,
    Scalar,
    Shape,
    Union,
)
from laminar_runtime.storage.layout import STORED

__all__ = ["find_problems", "input_states"]

_INPUT = "$states.context.Execution.Input"
#: The most characters of a value, and of all problems, that the cause shows. A cause has at most 32,768:
#: https://docs.aws.amazon.com/step-functions/latest/apireference/API_HistoryEvent.html
_SHOWN, _LONGEST = 80, 30_000


def input_states(flow: str, parameters: Sequence[DeclaredParameter], after: str = INPUT) -> Iterator[State]:
    """Yield the states before the one that stores the input.

    Args:
        flow: The flow's name.
        parameters: The parameters that it declares.
        after: The state after them.
    """
    problems = find_problems(parameters)
    # The parameters of a call in Python are in the datastore, converted: see `laminar_runtime.deployed`.
    refused = f"$not($exists({_INPUT}.{STORED})) and $count({problems}) > 0"
    yield Choice(
        name=INPUT_CHECK,
        comment="Refuses an input whose parameters are missing, unknown or of another JSON type",
        rules=(Rule(Expression(refused), INPUT_REFUSED),),
        default=after,
    )
    start = _text(f"flow '{flow}' {REFUSES}")
    yield Fail(
        name=INPUT_REFUSED,
        comment="Names the parameters that are refused, and what they must be",
        error=Expression("'FlowError'"),
        cause=Expression(f"$substring({start} & $join({problems}, '; '), 0, {_LONGEST})"),
    )


def find_problems(parameters: Sequence[DeclaredParameter]) -> str:
    """Return an expression for the list of the problems of the input, as texts.

    Args:
        parameters: The parameters that a flow declares.
    """
    names = _texts([item.name for item in parameters])
    unknown = (
        f"$map($filter($keys($p), function($k) {{ $not($k in {names}) }}), "
        'function($k) { "parameter \'" & $k & "\' is unknown" })'
    )
    wrong = [_problem(item) for item in parameters]
    form = _text('the input must have the form {"parameters": {...}}')
    return (
        f"($p := $exists({_INPUT}.parameters) ? {_INPUT}.parameters : {{}}; "
        f"$type($p) != 'object' ? [{form}] : [{', '.join([unknown, *wrong])}])"
    )


def _problem(item: DeclaredParameter) -> str:
    """Return an expression for the problem of a parameter, which is undefined if there is none."""
    assert item.shape is not None  # noqa: S101 - see the rules
    must = f"{item.hint}{_form(item.shape)}"
    wrong = _text(f"parameter '{item.name}' must be {must}, not ")
    missing = _text(f"parameter '{item.name}' is missing: it must be {must}")
    fits = _fits(item.shape, "$v", itertools.count())
    # Text has quotes, so that "5" is not shown as 5.
    shown = "$type($v) = 'string' ? '\"' & $v & '\"' : $string($v)"
    return (
        f"($v := $lookup($p, {_text(item.name)}); $exists($v) ? "
        f"($not({fits}) ? {wrong} & $substring({shown}, 0, {_SHOWN})){f' : {missing}' if item.required else ''})"
    )


def _form(shape: Shape) -> str:
    """Return the JSON type of a value that has another type in Python."""
    match shape:
        case Scalar("string", form) if form:
            return ", as text"
        case Union(members):
            others = [member for member in members if member != Scalar("null")]
            form = _form(others[0]) if len(others) == 1 else ""
            return f"{form} or null" if form else ""
        case OneOf(values):
            return f", one of {', '.join(json.dumps(value) for value in values)}"
        case _:
            return ""


def _fits(shape: Shape, value: str, numbers: Iterator[int]) -> str:  # noqa: PLR0911 - one for each shape
    """Return a condition: whether a value has a form.

    Args:
        shape: The form.
        value: The variable of the value.
        numbers: Makes the names of variables differ.
    """
    match shape:
        case Anything():
            return "true"
        case Scalar("integer"):
            exact = f"$floor({value}) = {value} and $abs({value}) <= {SAFE}"
            return f"($type({value}) = 'number' ? {exact} : false)"
        case Scalar(kind):
            return f"$type({value}) = '{kind}'"
        case OneOf(values):
            return _is_one_of(values, value)
        case Listed(items):
            return _all(value, "array", value, lambda item: _fits(items, item, numbers), numbers)
        case Mapped(items):
            return _all(value, "object", f"$keys({value})", _value_of(items, value, numbers), numbers)
        case Fixed(parts):
            each = [_bind(f"{value}[{place}]", part, numbers) for place, part in enumerate(parts)]
            return f"($type({value}) = 'array' ? {' and '.join([f'$count({value}) = {len(parts)}', *each])} : false)"
        case Record(members):
            fields = [_member(member, value, numbers) for member in members]
            known = _texts([member.name for member in members])
            fields.append(f"$count($filter($keys({value}), function($k) {{ $not($k in {known}) }})) = 0")
            return f"($type({value}) = 'object' ? {' and '.join(fields)} : false)"
        case Union(members):
            return f"({' or '.join(_fits(member, value, numbers) for member in members)})"
        case _:
            assert_never(shape)


def _is_one_of(values: Sequence[str | float | bool | None], value: str) -> str:
    """Return a condition: whether a value is one of some. Each type is apart: to some readers 1 and true are equal."""
    kinds: dict[str, list[str | float | bool | None]] = {}
    for one in values:
        kinds.setdefault(_kind(one), []).append(one)
    parts = [
        f"($type({value}) = '{kind}' ? {value} in [{', '.join(map(_text, ones))}] : false)"
        if kind != "null"
        else f"$type({value}) = 'null'"
        for kind, ones in kinds.items()
    ]
    return f"({' or '.join(parts) or 'false'})"


def _kind(value: str | float | bool | None) -> str:  # noqa: FBT001 - the value of an enum
    match value:
        case None:
            return "null"
        case bool():
            return "boolean"
        case str():
            return "string"
        case _:
            return "number"


def _all(value: str, kind: str, over: str, fits: Callable[[str], str], numbers: Iterator[int]) -> str:
    """Return a condition: whether a value is an array or object, all items of which fit."""
    item = f"$i{next(numbers)}"
    # `$filter` would return the only item instead of a list of it, and an empty list for an empty item.
    return f"($type({value}) = '{kind}' ? $not(false in $map({over}, function({item}) {{ {fits(item)} }})) : false)"


def _value_of(shape: Shape, value: str, numbers: Iterator[int]) -> Callable[[str], str]:
    return lambda name: _bind(f"$lookup({value}, {name})", shape, numbers)


def _bind(expression: str, shape: Shape, numbers: Iterator[int]) -> str:
    name = f"$x{next(numbers)}"
    return f"({name} := {expression}; {_fits(shape, name, numbers)})"


def _member(member: Member, value: str, numbers: Iterator[int]) -> str:
    name = f"$x{next(numbers)}"
    absent = "false" if member.required else "true"
    fits = _fits(member.shape, name, numbers)
    return f"({name} := $lookup({value}, {_text(member.name)}); $exists({name}) ? {fits} : {absent})"


def _text(value: str | float | bool | None) -> str:  # noqa: FBT001 - the value of an enum
    return json.dumps(value)


def _texts(values: Sequence[str]) -> str:
    return f"[{', '.join(map(_text, values))}]"
