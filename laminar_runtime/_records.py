"""Classes declared by their annotations: the part of attrs that this package needs, at a tenth of its cost.

attrs takes longer to load than everything else that a task needs, and another half millisecond per class, because it
generates code. A task may be a process that does little more than start. So here the methods of a class read its fields
at each call. The figures are in docs/adr/0012-values-without-attrs.md.

Example:
    >>> @frozen
    ... class Point:
    ...     x: int
    ...     y: int = field(default=0)
    >>> evolve(Point(1), y=2)
    Point(x=1, y=2)
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from types import FunctionType
from typing import Any, TypeVar, dataclass_transform, overload

from laminar_runtime import arguments

__all__ = [
    "Field",
    "assign",
    "copy",
    "defaults",
    "define",
    "evolve",
    "field",
    "frozen",
    "given_fields",
    "has_fields",
    "plain",
    "refine",
]

Class = TypeVar("Class", bound=type[Any])
Value = TypeVar("Value")
Validator = Callable[[Any, "Field", Any], None]

_NOTHING: Any = arguments.MISSING
_FIELDS = "__laminar_fields__"
#: The fields of an instance that were given or assigned, if its class notes them.
_GIVEN = "__laminar_given__"
_NONE: frozenset[str] = frozenset()
#: Whether a function takes any keywords: https://docs.python.org/3/library/inspect.html#inspect.CO_VARKEYWORDS
_KEYWORDS = 0x08


class Field:
    """One field of a class: see `field`."""

    name: str

    def __init__(self, default: Any = _NOTHING, factory: Callable[[], Any] | None = None) -> None:
        self.default, self.factory = default, factory
        self.converter: Callable[[Any], Any] | None = None
        self.validator: Validator | None = None
        self.repr: bool | Callable[[Any], str] = True
        self.alias: str | None = None
        self.kw_only, self.init = False, True

    @property
    def argument(self) -> str:
        """The name of the field's argument."""
        return self.alias or self.name

    @property
    def checks(self) -> bool:
        """Whether the field converts or validates values."""
        return self.converter is not None or self.validator is not None

    def convert(self, instance: object, value: Any) -> Any:
        """Convert and validate a value, and return the value to keep."""
        if self.converter is not None:
            value = self.converter(value)
        if self.validator is not None:
            self.validator(instance, self, value)
        return value


class _Fields:
    """The fields of a class, and whether its instances know which of them were given."""

    def __init__(self, named: dict[str, Field], *, notes_given: bool) -> None:
        self.named, self.notes_given = named, notes_given
        self.arguments = {one.argument: one for one in named.values() if one.init}
        self.places = [argument for argument, one in self.arguments.items() if not one.kw_only]
        self.defaults = {name: one.default for name, one in named.items() if one.default is not _NOTHING}
        self.factories = [(one.argument, one.name, one.factory) for one in named.values() if one.factory is not None]
        #: The names of the fields whose values are neither converted nor validated, by argument.
        self.unchecked = {argument: one.name for argument, one in self.arguments.items() if not one.checks}


def field(  # noqa: PLR0913 - the options of a field, by name
    *,
    default: Any = _NOTHING,
    factory: Callable[[], Any] | None = None,
    converter: Callable[[Any], Any] | None = None,
    validator: Validator | None = None,
    alias: str | None = None,
    kw_only: bool = False,
    init: bool = True,
    repr: bool | Callable[[Any], str] = True,  # noqa: A002 - attrs and dataclasses use this name
) -> Any:
    """Declare the options of a field.

    Args:
        default: The default value. It is neither converted nor validated.
        factory: Makes the default value of each instance, for a mutable value.
        converter: Converts a value before it is validated.
        validator: Is called with the instance, the field and the value, and raises if the value is wrong.
        alias: The name of the argument, if it is not the field's name.
        kw_only: Whether the argument is keyword-only.
        init: Whether ``__init__`` takes the field as an argument.
        repr: Whether ``repr`` shows the field, or a function that formats its value.
    """
    made = Field(default, factory)
    made.converter, made.validator, made.alias, made.repr = converter, validator, alias, repr
    made.kw_only, made.init = kw_only, init
    return made


@overload
def frozen(cls: Class, /) -> Class: ...
@overload
def frozen(cls: None = None, /, *, kw_only: bool = False, eq: bool = True) -> Callable[[Class], Class]: ...
@dataclass_transform(frozen_default=True, field_specifiers=(field,))
def frozen(cls: Any = None, /, *, kw_only: bool = False, eq: bool = True) -> Any:
    """Make a class immutable, comparable by its fields, and hashable.

    If the class has a method ``__post_init__``, it is called when all fields are set.

    Args:
        cls: The class.
        kw_only: Whether all fields are keyword-only.
        eq: Whether instances with equal fields are equal. If not, an instance equals only itself.
    """
    same = {"__eq__": _equal, "__hash__": _hash} if eq else {}
    methods = {"__setattr__": _refuse, "__delattr__": _refuse, **same}
    return _decorator(cls, methods, kw_only=kw_only)


@overload
def define(cls: Class, /) -> Class: ...
@overload
def define(
    cls: None = None, /, *, kw_only: bool = False, eq: bool = True, notes_given: bool = False
) -> Callable[[Class], Class]: ...
@dataclass_transform(field_specifiers=(field,))
def define(cls: Any = None, /, *, kw_only: bool = False, eq: bool = True, notes_given: bool = False) -> Any:
    """Make a class with mutable fields. An assigned value is converted and validated like an argument.

    If the class has a method ``__post_init__``, it is called when all fields are set.

    Args:
        cls: The class.
        kw_only: Whether all fields are keyword-only.
        eq: Whether instances with equal fields are equal; they can have no other attributes then. If not, an instance
            equals only itself, and may have other attributes.
        notes_given: Whether instances, also of subclasses, note their `given_fields`.
    """
    methods = {"__setattr__": _change, "__eq__": _equal, "__hash__": None} if eq else {"__setattr__": _set}
    return _decorator(cls, methods, kw_only=kw_only, notes_given=notes_given)


def evolve(value: Value, **changes: Any) -> Value:
    """Return a copy of a value with changes to some fields."""
    same = {argument: value.__dict__[one.name] for argument, one in _fields(value).arguments.items()}
    return type(value)(**{**same, **changes})


def copy(value: Value, **changes: Any) -> Value:
    """Return a copy of a value with changes to some fields, without conversion or validation.

    Args:
        value: The value.
        **changes: The new values of some fields.
    """
    result = object.__new__(type(value))
    result.__dict__.update(value.__dict__)
    result.__dict__.update(changes)
    return result


def has_fields(cls: type) -> bool:
    """Return whether a class is declared by its annotations, as here."""
    return hasattr(cls, _FIELDS)


def given_fields(value: object) -> frozenset[str]:
    """Return the fields that were given to a value, or assigned since, if its class notes them."""
    found: frozenset[str] = value.__dict__.get(_GIVEN, frozenset())
    return found


def refine(base: Value, value: Value, merged: frozenset[str]) -> Value:
    """Return a value with the fields of another one in the place of those that were not given to it.

    Args:
        base: The other value.
        value: The value.
        merged: The fields that are maps of both, in which the names of the value win.
    """
    known, changes = base.__dict__, dict[str, Any]()
    for name in given_fields(base) & _fields(value).named.keys():
        if name not in given_fields(value):
            changes[name] = known[name]
        elif name in merged:
            changes[name] = {**known[name], **value.__dict__[name]}
    return copy(value, **changes, **{_GIVEN: given_fields(value) | changes.keys()}) if changes else value


def plain(value: object) -> dict[str, Any]:
    """Return the values of the fields by name."""
    return {name: value.__dict__[name] for name in _fields(value).named}


def defaults(cls: type) -> dict[str, Any]:
    """Return the default values of the fields that have one, by name. No instance is made."""
    fields: _Fields = getattr(cls, _FIELDS)
    made = {name: factory() for _, name, factory in fields.factories}
    return {**fields.defaults, **made}


def assign(instance: object, *given: Any, **named: Any) -> None:
    """Set the fields of a new instance. A class that defines ``__init__`` calls it there.

    Args:
        instance: The instance.
        *given: Positional arguments.
        **named: Keyword arguments.

    Raises:
        TypeError: If an argument is missing, unknown or given twice.
    """
    cls, fields, state = type(instance), _fields(instance), instance.__dict__
    if given:
        _place(cls, fields, given, named)
    state.update(fields.defaults)
    for argument, name, factory in fields.factories:
        if argument not in named:
            state[name] = factory()
    unchecked = fields.unchecked
    for argument, value in named.items():
        if argument in unchecked:
            state[unchecked[argument]] = value
            continue
        known = fields.arguments.get(argument)
        if known is None:
            raise TypeError(arguments.unknown(cls.__name__, argument, fields.arguments))
        state[known.name] = known.convert(instance, value)
    if len(state) < len(fields.named):
        missing = ", ".join(f"'{name}'" for name in fields.named if name not in state)
        raise TypeError(f"{cls.__name__} is missing {missing}")
    if fields.notes_given:
        state[_GIVEN] = frozenset([fields.arguments[argument].name for argument in named]) if named else _NONE
    ready = getattr(cls, "__post_init__", None)
    if ready is not None:
        ready(instance)


def _place(cls: type, fields: _Fields, given: tuple[Any, ...], named: dict[str, Any]) -> None:
    """Add positional arguments to the keyword arguments."""
    if len(given) > len(fields.places):
        raise TypeError(f"{cls.__name__} takes {len(fields.places)} positional arguments, not {len(given)}")
    for name in fields.places[: len(given)] if named else ():
        if name in named:
            raise TypeError(f"{cls.__name__} got two values for argument '{name}'")
    named.update(zip(fields.places, given, strict=False))


def _decorator(cls: Any, methods: Mapping[str, Any], *, kw_only: bool, notes_given: bool = False) -> Any:
    methods = {"__repr__": _repr, **methods}

    def decorate(cls: Class) -> Class:
        own, base = vars(cls), getattr(cls, _FIELDS, None)
        named = dict(base.named) if base else {}
        for name, annotation in own.get("__annotations__", {}).items():
            if not annotation.startswith("ClassVar"):
                named.pop(name, None)  # a field that overrides one of a base takes its new position
                named[name] = _take_field(cls, name, kw_only=kw_only)
        fields = _Fields(named, notes_given=notes_given or (base is not None and base.notes_given))
        setattr(cls, _FIELDS, fields)
        setattr(cls, "__match_args__", tuple(fields.places))  # noqa: B010 - mypy knows it as final
        if isinstance(init := own.get("__init__"), FunctionType) and not init.__code__.co_flags & _KEYWORDS:
            setattr(cls, "__init__", arguments.refuse_unknown(init, cls.__name__))  # noqa: B010 - mypy: unsound
        for name, method in {"__init__": _init(cls), **methods}.items():
            if name not in own or (name == "__hash__" and own[name] is None):
                setattr(cls, name, method)
        return cls

    return decorate if cls is None else decorate(cls)


def _init(cls: type) -> FunctionType:
    """Return a copy of `assign` that is named ``__init__`` and has the signature of a class."""
    init = FunctionType(assign.__code__, assign.__globals__, "__init__")
    init.__qualname__, init.__doc__ = f"{cls.__qualname__}.__init__", None
    init.__dict__["__wrapped__"] = arguments.Signed(cls, _arguments)
    return init


def _arguments(cls: type) -> list[arguments.Argument]:
    fields: _Fields = getattr(cls, _FIELDS)
    return [
        (name, one.name, one.default, one.factory is not None, one.kw_only) for name, one in fields.arguments.items()
    ]


def _take_field(cls: type, name: str, *, kw_only: bool) -> Field:
    """Remove a field from the body of its class, and return it."""
    found = vars(cls).get(name, _NOTHING)
    if found is not _NOTHING:
        delattr(cls, name)
    one = found if isinstance(found, Field) else Field(found)
    one.name, one.kw_only = name, one.kw_only or kw_only
    return one


def _fields(value: object) -> _Fields:
    found: _Fields = getattr(type(value), _FIELDS)
    return found


def _values(value: object) -> list[Any]:
    found = value.__dict__
    return [found[name] for name in _fields(value).named]


def _equal(self: object, other: object) -> Any:
    if type(other) is not type(self):
        return NotImplemented
    return _values(self) == _values(other)


def _hash(self: object) -> int:
    return hash((type(self), *_values(self)))


def _repr(self: object) -> str:
    shown = []
    for name, one in _fields(self).named.items():
        value = self.__dict__[name]
        if one.repr:
            shown.append(f"{name}={one.repr(value) if callable(one.repr) else repr(value)}")
    return f"{type(self).__qualname__}({', '.join(shown)})"


def _refuse(self: object, name: str, *_: Any) -> None:
    raise AttributeError(f"a {type(self).__name__} is immutable: its '{name}' cannot be assigned or deleted")


def _change(self: object, name: str, value: Any) -> None:
    one = _fields(self).named.get(name)
    if one is None:
        raise AttributeError(f"a {type(self).__name__} has no field '{name}'")
    self.__dict__[name] = one.convert(self, value)
    if _fields(self).notes_given:
        self.__dict__[_GIVEN] = given_fields(self) | {name}


def _set(self: object, name: str, value: Any) -> None:
    one = _fields(self).named.get(name)
    if one is None:
        object.__setattr__(self, name, value)
    else:
        self.__dict__[name] = one.convert(self, value)
