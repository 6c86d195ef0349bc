"""The converter of cattrs for the types that parameters may have: from JSON values, or values of the types, and back.

cattrs as it comes converts more than a caller means: ``"5"`` to an `int`, ``1`` to a `bool`, a text to a list of its
characters. So each of these types has a hook: https://catt.rs/en/stable/customizing.html
"""

from __future__ import annotations

import datetime as dt
import decimal
import enum
import functools
import json
import math
import pathlib
import re
import typing
import uuid
from collections.abc import Callable, Iterable
from typing import Any, NoReturn

import attrs
import cattrs
from cattrs.cols import list_structure_factory, mapping_structure_factory
from cattrs.gen import make_dict_structure_fn
from cattrs.gen.typeddicts import make_dict_structure_fn as make_typed_dict_structure_fn

from laminar_runtime.inputs.shapes import NoFormError, Record, Shape, Union, describe, required_keys, spell

__all__ = ["UnfitError", "make_converter", "requirement"]

#: The most characters of a value that an error shows.
_SHOWN = 80
_FORMS: dict[Any, str] = {
    dt.date: 'text such as "2026-01-31"',
    dt.datetime: 'text such as "2026-01-31T06:00:00Z"',
    dt.time: 'text such as "06:00:00"',
    dt.timedelta: "a number of seconds",
    decimal.Decimal: 'text such as "1.50"',
    float: "a finite number",
    uuid.UUID: "text of hexadecimal digits",
}
#: The form of a date. Python reads others, which JSON schemas do not know: https://www.rfc-editor.org/rfc/rfc3339#section-5.6
_DATE = r"\d{4}-\d{2}-\d{2}"


class UnfitError(ValueError):
    """A value that a type does not accept. The message completes "must be"."""


def requirement(hint: Any) -> str:
    """Return a type and, where that is not plain, its JSON form.

    Args:
        hint: The type.

    Example:
        >>> requirement(dt.timedelta)
        'timedelta, a number of seconds'
    """
    one = _one_besides_none(hint)
    form = _FORMS.get(one) if isinstance(one, type) else None
    if _is_enum(one):
        form = f"one of {', '.join(repr(member.value) for member in one)}"
    return f"{spell(hint)}, {form}" if form else spell(hint)


@functools.lru_cache(maxsize=1)
def make_converter() -> cattrs.Converter:
    """Make the converter, once in a process.

    It reads and writes the types that `describe` knows.
    """
    made = cattrs.Converter()
    for leaf, load in _LOADS.items():
        made.register_structure_hook(leaf, load)
    for leaf, dump in _DUMPS.items():
        made.register_unstructure_hook(leaf, dump)
    # cattrs has hooks of its own for this class and its subclasses.
    made.register_structure_hook(pathlib.Path, _load_path)
    made.register_unstructure_hook_func(_is_path, str)
    for predicate, hook in _HOOKS:
        made.register_structure_hook_func(predicate, hook)
    for predicate, factory in _FACTORIES:
        made.register_structure_hook_factory(predicate, factory)
    return made


def _unfit(value: Any, hint: Any) -> NoReturn:
    shown = repr(value)
    shown = shown if len(shown) <= _SHOWN else f"{shown[:_SHOWN]}..."
    raise UnfitError(f"{requirement(hint)}, not {shown}") from None


# Types without parts.


def _load_exact(value: Any, hint: Any) -> Any:
    """Return a text or a truth value as it is, also one of a subclass."""
    return value if isinstance(value, hint) else _unfit(value, hint)


def _load_none(value: Any, hint: Any) -> None:
    return None if value is None else _unfit(value, hint)


def _load_int(value: Any, hint: Any) -> int:
    if isinstance(value, float) and value.is_integer():  # JSON has one type of numbers, and 5.0 is 5
        return int(value)
    return value if isinstance(value, int) and not isinstance(value, bool) else _unfit(value, hint)


def _load_float(value: Any, hint: Any) -> float:
    if isinstance(value, int | float) and not isinstance(value, bool):
        try:
            number = float(value)
        except OverflowError:
            _unfit(value, hint)
        if math.isfinite(number):
            return number
    _unfit(value, hint)


def _load_seconds(value: Any, hint: Any) -> dt.timedelta:
    if isinstance(value, dt.timedelta):
        return value
    try:
        return dt.timedelta(seconds=_load_float(value, float))
    except (OverflowError, UnfitError):
        _unfit(value, hint)


def _load_date(value: Any, hint: Any) -> dt.date:
    if isinstance(value, dt.date) and not isinstance(value, dt.datetime):
        return value
    if isinstance(value, str) and re.fullmatch(_DATE, value):
        try:
            return dt.date.fromisoformat(value)
        except ValueError:
            pass
    _unfit(value, hint)


def _load_text(read: Callable[[str], Any]) -> Callable[[Any, Any], Any]:
    """Return the hook of a type whose JSON form is text.

    Args:
        read: Reads the text.
    """

    def load(value: Any, hint: Any) -> Any:
        if isinstance(value, hint):
            return value
        if isinstance(value, str):
            try:
                return read(value)
            except (ArithmeticError, ValueError):
                pass
        _unfit(value, hint)

    return load


def _read_decimal(text: str) -> decimal.Decimal:
    found = decimal.Decimal(text)
    if not found.is_finite():
        raise ValueError(text)
    return found


def _load_path(value: Any, hint: Any) -> pathlib.PurePath:
    return _load_text(hint)(value, hint)  # type: ignore[no-any-return]


_LOADS: dict[Any, Callable[[Any, Any], Any]] = {
    str: _load_exact,
    bool: _load_exact,
    type(None): _load_none,
    int: _load_int,
    float: _load_float,
    dt.timedelta: _load_seconds,
    dt.date: _load_date,
    dt.datetime: _load_text(dt.datetime.fromisoformat),
    dt.time: _load_text(dt.time.fromisoformat),
    uuid.UUID: _load_text(uuid.UUID),
    decimal.Decimal: _load_text(_read_decimal),
}


# Types that are given by their values, and types with parts.


def _is_enum(hint: Any) -> bool:
    return isinstance(hint, type) and issubclass(hint, enum.Enum)


def _is_path(hint: Any) -> bool:
    return isinstance(hint, type) and issubclass(hint, pathlib.PurePath)


def _load_member(value: Any, hint: Any) -> Any:
    """Return the member of an enum with a value: 1 and True are different values."""
    if isinstance(value, hint):
        return value
    for member in hint:
        if _equals(member.value, value):
            return member
    _unfit(value, hint)


def _load_literal(value: Any, hint: Any) -> Any:
    for one in typing.get_args(hint):
        if _equals(one, value):
            return one
    _unfit(value, hint)


def _equals(one: Any, other: Any) -> bool:
    return bool(one == other) and isinstance(one, bool) == isinstance(other, bool)


def _form(hint: Any) -> Shape | None:
    try:
        return describe(hint)
    except NoFormError:
        return None


def _is_collection(hint: Any) -> bool:
    return hint is list or typing.get_origin(hint) in {list, set, frozenset, tuple}


def _make_collection(hint: Any, converter: cattrs.Converter) -> Callable[[Any, Any], Any]:
    """Return the hook of a list, set or tuple: any of these becomes it, a text does not."""
    kind, items = typing.get_origin(hint) or list, typing.get_args(hint)
    fixed = kind is tuple and not (len(items) == 2 and items[1] is Ellipsis)  # noqa: PLR2004
    # The parts of a tuple of fixed length are converted like the fields of a class, whose names are numbers.
    of_items = None if fixed else list_structure_factory(list[items[0]] if items else list, converter)  # type: ignore[valid-type]

    def load(value: Any, _: Any) -> Any:
        if not isinstance(value, list | tuple | set | frozenset) or (fixed and len(value) != len(items)):
            _unfit(value, hint)
        if of_items is not None:
            return kind(of_items(value, hint))
        pairs = zip(items, value, strict=True)
        return kind(converter.structure([part], list[item])[0] for item, part in pairs)  # type: ignore[valid-type]

    return load


def _is_mapping(hint: Any) -> bool:
    return hint is dict or typing.get_origin(hint) is dict


def _make_mapping(hint: Any, converter: cattrs.Converter) -> Callable[[Any, Any], Any]:
    values = typing.get_args(hint)[1] if typing.get_args(hint) else Any
    of_items = mapping_structure_factory(dict[str, values], converter, key_type=str, val_type=values)  # type: ignore[valid-type]

    def load(value: Any, _: Any) -> Any:
        return of_items(value, hint) if isinstance(value, dict) else _unfit(value, hint)

    return load


def _is_record(hint: Any) -> bool:
    return isinstance(_form(hint), Record) and isinstance(hint, type)


def _make_record(hint: Any, converter: cattrs.Converter) -> Callable[[Any, Any], Any]:
    """Return the hook of a class with fields: its instances stay as they are."""
    typed = typing.is_typeddict(hint)
    make: Any = make_typed_dict_structure_fn if typed else make_dict_structure_fn
    if attrs.has(hint):
        attrs.resolve_types(hint)
    of_fields = make(
        _with_marks(hint) if typed else hint,
        converter,
        _cattrs_forbid_extra_keys=True,
        _cattrs_detailed_validation=True,
    )

    def load(value: Any, _: Any) -> Any:
        if not typed and isinstance(value, hint):
            return value
        return of_fields(value, hint) if isinstance(value, dict) else _unfit(value, hint)

    return load


def _with_marks(hint: Any) -> Any:
    """Return a `TypedDict` that is marked for each key whether it is required, as cattrs reads it."""
    hints = typing.get_type_hints(hint)
    marks: dict[str, Any] = {
        name: typing.Required if needed else typing.NotRequired for name, needed in required_keys(hint).items()
    }
    make: Any = typing.TypedDict
    return make(hint.__name__, {name: mark[hints[name]] for name, mark in marks.items()})


def _is_union(hint: Any) -> bool:
    return isinstance(_form(hint), Union)


def _make_union(hint: Any, converter: cattrs.Converter) -> Callable[[Any, Any], Any]:
    """Return the hook of a union: of its types, the first that accepts the value.

    `str`, which accepts any text, is last. A number stays what it is, an `int` or a `float`. To Python, unions of
    another order are equal, so all have the same order.
    """
    members = sorted(typing.get_args(hint), key=lambda member: (member is str, spell(member)))
    one = _one_besides_none(hint)
    if one is not hint:
        return _make_optional(hint, one, converter)

    def load(value: Any, _: Any) -> Any:
        exact = [member for member in members if type(value) is member and member is not str]
        for member in (*exact, *members):
            try:
                return converter.structure(value, member)
            except Exception:  # noqa: BLE001, S112 - the next type may accept it
                continue
        _unfit(value, hint)

    return load


def _one_besides_none(hint: Any) -> Any:
    """Return the type of an optional value without None, another type as it is."""
    others = [member for member in typing.get_args(hint) if member is not type(None)] if _is_union(hint) else []
    return others[0] if len(others) == 1 else hint


def _make_optional(hint: Any, one: Any, converter: cattrs.Converter) -> Callable[[Any, Any], Any]:
    """Return the hook of a type or None. The errors of the parts of a value are those of the type."""

    def load(value: Any, _: Any) -> Any:
        try:
            return None if value is None else converter.structure(value, one)
        except UnfitError:
            _unfit(value, hint)

    return load


_HOOKS: tuple[tuple[Callable[[Any], bool], Callable[[Any, Any], Any]], ...] = (
    (_is_path, _load_path),
    (_is_enum, _load_member),
    (lambda hint: typing.get_origin(hint) is typing.Literal, _load_literal),
)
_FACTORIES: tuple[tuple[Callable[[Any], bool], Callable[..., Any]], ...] = (
    (_is_collection, _make_collection),
    (_is_mapping, _make_mapping),
    (_is_record, _make_record),
    (_is_union, _make_union),
)


def _dump_set(value: Iterable[Any]) -> list[Any]:
    """Return the items of a set in one order everywhere."""
    return sorted(map(make_converter().unstructure, value), key=json.dumps)


_DUMPS: dict[Any, Callable[[Any], Any]] = {
    dt.date: dt.date.isoformat,
    dt.datetime: dt.datetime.isoformat,
    dt.time: dt.time.isoformat,
    dt.timedelta: dt.timedelta.total_seconds,
    uuid.UUID: str,
    decimal.Decimal: str,
    set: _dump_set,
    frozenset: _dump_set,
    tuple: lambda value: [*map(make_converter().unstructure, value)],
}
