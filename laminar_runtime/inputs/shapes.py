"""The JSON forms of the types that parameters may have.

The JSON schema of a flow's input and the check in the first state of its state machine are made from these values.
"""

from __future__ import annotations

import typing
from typing import Any, Literal

from laminar_runtime import _records
from laminar_runtime.exceptions import FlowError

__all__ = [
    "SAFE",
    "Anything",
    "Fixed",
    "Listed",
    "Mapped",
    "Member",
    "NoFormError",
    "OneOf",
    "Record",
    "Scalar",
    "Shape",
    "Union",
    "accepts_null",
    "describe",
    "is_text",
    "required_keys",
    "spell",
]

#: The largest whole number up to which the numbers of JSONata, and of most readers of JSON, are exact:
#: https://www.rfc-editor.org/rfc/rfc8259#section-6
SAFE = 2**53 - 1


class NoFormError(FlowError):
    """A type has no JSON form, or no parameter can have it."""


@_records.frozen
class Anything:
    """Any JSON value."""


@_records.frozen
class Scalar:
    """A text, number, truth value or null.

    Args:
        kind: The JSON type, as in a JSON schema.
        format: The format of a text, as in a JSON schema.
    """

    kind: Literal["string", "integer", "number", "boolean", "null"]
    format: str = ""


@_records.frozen
class OneOf:
    """One of some texts, numbers, truth values or null: a `Literal` or an enum."""

    values: tuple[str | int | float | bool | None, ...]


@_records.frozen
class Listed:
    """A list of any length, of items of one form."""

    items: Shape


@_records.frozen
class Fixed:
    """A list with a fixed number of items."""

    items: tuple[Shape, ...]


@_records.frozen
class Mapped:
    """An object with any names, and values of one form."""

    values: Shape


@_records.frozen
class Member:
    """A field of a `Record`."""

    name: str
    shape: Shape
    required: bool


@_records.frozen
class Record:
    """An object with given names and no others: a class of attrs, a dataclass or a `TypedDict`."""

    members: tuple[Member, ...]


@_records.frozen
class Union:
    """A value of any of some forms."""

    members: tuple[Shape, ...]


Shape = Anything | Scalar | OneOf | Listed | Fixed | Mapped | Record | Union


def describe(hint: Any) -> Shape:
    """Return the JSON form of a type.

    Args:
        hint: The type, as `typing.get_type_hints` returns it.

    Raises:
        NoFormError: If it has none, or is a type that parameters cannot have. The message completes "the type ...".

    Example:
        >>> describe(dict[str, int] | None)
        Union(members=(Mapped(values=Scalar(kind='integer', format='')), Scalar(kind='null', format='')))
    """
    return _describe(hint, ())


def _describe(hint: Any, around: tuple[Any, ...]) -> Shape:
    if hint is Any:
        return Anything()
    while isinstance(hint, typing.NewType) or hasattr(hint, "__value__"):
        hint = getattr(hint, "__supertype__", None) or hint.__value__
    origin, arguments = typing.get_origin(hint), typing.get_args(hint)
    if origin is typing.Annotated:
        return _describe(arguments[0], around)
    if origin is Literal:
        return _one_of(hint, arguments)
    if _is_union(origin):
        return Union(tuple(_describe(member, around) for member in arguments))
    if origin is not None:
        return _collection(hint, origin, arguments, around)
    return _leaf(hint) or _record(hint, around)


def _is_union(origin: Any) -> bool:
    import types

    return origin is typing.Union or origin is types.UnionType


def _one_of(hint: Any, values: typing.Sequence[Any]) -> OneOf:
    for value in values:
        if not isinstance(value, str | int | float | None):
            raise NoFormError(f"{spell(hint)} has the value {value!r}, which is no text, number, truth value or None")
    return OneOf(tuple(values))


def _collection(hint: Any, origin: Any, arguments: tuple[Any, ...], around: tuple[Any, ...]) -> Shape:
    if origin in {list, set, frozenset}:
        return Listed(_describe(arguments[0], around))
    if origin is tuple and len(arguments) == 2 and arguments[1] is Ellipsis:  # noqa: PLR2004
        return Listed(_describe(arguments[0], around))
    if origin is tuple:
        return Fixed(tuple(_describe(item, around) for item in arguments))
    if origin is dict and arguments[0] is str:
        return Mapped(_describe(arguments[1], around))
    if origin is dict:
        raise NoFormError(f"{spell(hint)} has keys that are not text: use dict[str, ...]")
    raise NoFormError(f"{spell(hint)} has no JSON form: use list, tuple, set, frozenset or dict")


def _leaf(hint: Any) -> Shape | None:
    """Return the form of a type without parts, None if it is another type."""
    import datetime as dt
    import decimal
    import enum
    import pathlib
    import uuid

    known: dict[Any, Shape] = {
        str: Scalar("string"),
        int: Scalar("integer"),
        float: Scalar("number"),
        bool: Scalar("boolean"),
        type(None): Scalar("null"),
        dt.date: Scalar("string", "date"),
        dt.datetime: Scalar("string", "date-time"),
        dt.time: Scalar("string", "time"),
        dt.timedelta: Scalar("number"),
        uuid.UUID: Scalar("string", "uuid"),
        decimal.Decimal: Scalar("string", "decimal"),
        pathlib.Path: Scalar("string", "path"),
        pathlib.PurePath: Scalar("string", "path"),
        pathlib.PurePosixPath: Scalar("string", "path"),
        list: Listed(Anything()),
        dict: Mapped(Anything()),
    }
    if isinstance(hint, type) and issubclass(hint, enum.Enum):
        return _one_of(hint, [member.value for member in hint])
    try:
        return known.get(hint)
    except TypeError:  # a hint that is no type need not be hashable
        return None


def _record(hint: Any, around: tuple[Any, ...]) -> Record:
    import dataclasses

    if hint in around:
        raise NoFormError(f"{spell(hint)} has itself as a part: a parameter cannot be nested to any depth")
    if isinstance(hint, type) and hasattr(hint, "__attrs_attrs__"):
        import attrs

        needed = {field.name: field.default is attrs.NOTHING for field in attrs.fields(hint) if field.init}
    elif isinstance(hint, type) and dataclasses.is_dataclass(hint):
        needed = {
            field.name: field.default is field.default_factory is dataclasses.MISSING
            for field in dataclasses.fields(hint)
            if field.init
        }
    elif typing.is_typeddict(hint):
        needed = required_keys(hint)
    else:
        raise NoFormError(
            f"{spell(hint)} has no JSON form: use text, numbers, dates, enums, collections of these, or a dataclass"
        )
    hints = typing.get_type_hints(hint)
    return Record(tuple(Member(name, _describe(hints[name], (*around, hint)), need) for name, need in needed.items()))


def required_keys(hint: Any) -> dict[str, bool]:
    """Return whether a `TypedDict` requires each of its keys.

    With ``from __future__ import annotations`` the class itself does not know its keys that are `NotRequired`:
    https://docs.python.org/3/library/typing.html#typing.TypedDict.__optional_keys__

    Args:
        hint: The class.
    """
    marks = {typing.Required: True, typing.NotRequired: False}
    hints = typing.get_type_hints(hint, include_extras=True)
    return {name: marks.get(typing.get_origin(own), name in hint.__required_keys__) for name, own in hints.items()}


def is_text(shape: Shape) -> bool:
    """Return whether the values of a form are texts, so that ``--param`` takes the text as it is. Null may be another.

    Args:
        shape: The form.

    Example:
        >>> import datetime
        >>> is_text(describe(datetime.date | None)), is_text(describe(str | int))
        (True, False)
    """
    match shape:
        case Scalar(kind):
            return kind == "string"
        case OneOf(values):
            return all(isinstance(value, str | None) for value in values) and any(values)
        case Union(members):
            others = [member for member in members if member != Scalar("null")]
            return bool(others) and all(map(is_text, others))
        case _:
            return False


def accepts_null(shape: Shape) -> bool:
    """Return whether null is a value of a form.

    Args:
        shape: The form.
    """
    match shape:
        case Union(members):
            return any(map(accepts_null, members))
        case OneOf(values):
            return None in values
        case _:
            return shape in {Anything(), Scalar("null")}


def spell(hint: Any) -> str:
    """Return a type as Python code names it.

    Args:
        hint: The type.

    Example:
        >>> spell(list[int] | None), spell(int)
        ('list[int] | None', 'int')
    """
    if hint is type(None):
        return "None"
    if hint is Ellipsis:
        return "..."
    origin, arguments = typing.get_origin(hint), typing.get_args(hint)
    if _is_union(origin):
        return " | ".join(map(spell, arguments))
    if isinstance(origin, type) and arguments:
        return f"{origin.__name__}[{', '.join(map(spell, arguments))}]"
    named = isinstance(hint, type | typing.NewType)
    return str(hint.__name__) if named else str(hint).removeprefix("typing.")
