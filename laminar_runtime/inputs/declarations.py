"""The parameters that a flow declares: the annotated attributes of the subclasses of `Parameters` registered to it."""

from __future__ import annotations

import contextlib
import sys
import typing
from collections.abc import Iterator, Mapping
from typing import Any

from laminar_runtime import _records
from laminar_runtime.exceptions import FlowError
from laminar_runtime.introspection.attributes import quote, refusal

__all__ = [
    "MISSING",
    "Field",
    "UnresolvedError",
    "check_agreement",
    "check_names",
    "fields_of",
    "join",
    "place_of",
    "resolve",
]


#: The attribute of a class that keeps its resolved type hints.
_HINTS = "__laminar_hints__"


class UnresolvedError(FlowError):
    """A type hint has a name that is not defined."""


class _Missing:
    """The default of a required parameter."""

    def __repr__(self) -> str:
        return "MISSING"


MISSING = _Missing()


@_records.frozen(eq=False)
class Field:
    """A declared parameter.

    Args:
        name: Its name.
        hint: Its type hint.
        owner: The class that declares it.
        default: Its default as declared, `MISSING` if it is required.
    """

    name: str
    hint: Any
    owner: type
    default: Any = MISSING

    @property
    def required(self) -> bool:
        """Whether each call must give it."""
        return self.default is MISSING


def join(classes: tuple[type, ...], name: str) -> type:
    """Return the class of the parameters of a flow: a subclass of all classes that are registered to it.

    Args:
        classes: These classes.
        name: The name of the class, if it is a new one.

    Example:
        >>> class A: ...
        >>> class B: ...
        >>> join((A,), "AB") is A, [cls.__name__ for cls in join((A, B), "AB").__mro__]
        (True, ['AB', 'B', 'A', 'object'])
    """
    lowest = tuple(cls for cls in classes if not any(other is not cls and issubclass(other, cls) for other in classes))
    if len(lowest) == 1:
        return lowest[0]
    # The reversed order of their resolution is that of their registration: see `_owners`.
    return type(name, lowest[::-1], {"__module__": lowest[0].__module__, "__qualname__": name})


def check_names(cls: type, base: type, flow: str) -> None:
    """Check that a flow can have the parameters that a class declares.

    Args:
        cls: The class.
        base: The class `Parameters`.
        flow: The flow's name.

    Raises:
        FlowError: If a name is reserved.
    """
    reserved = [name for owner in _owners(cls) for name in _annotations(owner) if _is_refused(base, name)]
    if reserved:
        names = ", ".join(map(quote, reserved))
        raise FlowError(
            f"'{cls.__name__}' declares parameters of flow '{flow}' with reserved names: {names}. Rename them"
        )


def _annotations(owner: type) -> dict[str, Any]:
    """Return the annotations of a class itself, without those of its bases."""
    if sys.version_info >= (3, 14):
        import annotationlib

        return annotationlib.get_annotations(owner, format=annotationlib.Format.FORWARDREF)
    found: dict[str, Any] = vars(owner).get("__annotations__", {})
    return found


def _is_refused(base: type, name: str) -> bool:
    return name == "self" or refusal(base, name) is not None


def check_agreement(cls: type, classes: tuple[type, ...], flow: str) -> None:
    """Check that no two classes declare a parameter differently, if their hints can be resolved yet.

    A class may override the type that its base declares, if the base is not registered, too: layers that name the base
    would get values of another type than it says.

    Args:
        cls: The class that `join` made.
        classes: The classes that are registered to the flow.
        flow: The flow's name.

    Raises:
        FlowError: If they do.
    """
    with contextlib.suppress(UnresolvedError):
        joined = {field.name: field for field in fields_of(cls, flow)}
        for one in classes:
            for field in fields_of(one, flow):
                if field.hint != joined[field.name].hint:
                    raise _disagreement(field, joined[field.name], "types", flow)


def fields_of(cls: type, flow: str) -> tuple[Field, ...]:
    """Return the parameters that a class and its bases declare, those of bases first.

    Args:
        cls: The class, or one that `join` made.
        flow: The flow's name, for errors.

    Raises:
        UnresolvedError: If a hint cannot be resolved.
        FlowError: If two classes declare a parameter with different types or defaults.
    """
    found: dict[str, Field] = {}
    for owner in _owners(cls):
        for name, hint in _hints(owner, flow):
            field = Field(name, hint, owner, owner.__dict__.get(name, MISSING))
            known = found.get(name)
            if known is not None and not issubclass(owner, known.owner):
                field = _agree(known, field, flow)
            found[name] = field
    return tuple(found.values())


def _agree(one: Field, other: Field, flow: str) -> Field:
    """Return the one declaration of a parameter that two classes declare.

    Raises:
        FlowError: If the declarations differ.
    """
    if one.hint != other.hint:
        different = "types"
    elif not (one.required or other.required or one.default is other.default or one.default == other.default):
        different = "defaults"
    else:
        return one if other.required else other
    raise _disagreement(one, other, different, flow)


def _disagreement(one: Field, other: Field, different: str, flow: str) -> FlowError:
    where = " and ".join(f"'{field.owner.__name__}' ({place_of(field.owner)})" for field in (one, other))
    what = f"flow '{flow}' has the parameter '{one.name}' with two {different}, of {where}"
    return FlowError(f"{what}: rename one of them, or declare it in one class only")


def place_of(cls: type) -> str:
    """Return where a class is defined, as ``file.py:line``, for errors.

    Args:
        cls: The class.
    """
    import inspect
    import os

    try:
        file, line = inspect.getsourcefile(cls) or "", inspect.getsourcelines(cls)[1]
    except (OSError, TypeError):
        return cls.__module__
    return f"{os.path.basename(file)}:{line}"  # noqa: PTH119 - pathlib need not be loaded


def _owners(cls: type) -> Iterator[type]:
    """Yield the classes that declare parameters, bases first: not `Parameters` itself, and not its bases."""
    base = next(base for base in cls.__mro__ if "__laminar_parameters__" in base.__dict__)
    for owner in reversed(cls.__mro__):
        if owner not in base.__mro__:
            yield owner


def resolve(cls: type, names: Mapping[str, Any]) -> None:
    """Resolve the type hints of a class and its bases where it is registered, as far as that is possible there.

    A hint may name what is defined later in the module: it is resolved when it is needed. Names of a function are known
    here only.

    Args:
        cls: The class.
        names: The names of the code that registers the class.
    """
    for owner in _owners(cls):
        with contextlib.suppress(Exception):
            _resolve(owner, names)


def _resolve(owner: type, names: Mapping[str, Any]) -> dict[str, Any]:
    """Return the resolved type hints of a class itself, and keep them in the class."""
    known: dict[str, Any] | None = owner.__dict__.get(_HINTS)
    if known is None:
        own = _annotations(owner)
        holder = type(owner.__name__, (), {"__module__": owner.__module__, "__annotations__": dict(own)})
        known = typing.get_type_hints(holder, localns=dict(names))
        setattr(owner, _HINTS, known)
    return known


def _hints(owner: type, flow: str) -> Iterator[tuple[str, Any]]:
    """Yield the names and type hints of the parameters that a class itself declares."""
    try:
        hints = _resolve(owner, {})
    except Exception as error:
        what = f"flow '{flow}': a type hint of '{owner.__name__}' ({place_of(owner)}) cannot be resolved: {error}"
        raise UnresolvedError(f"{what}. Define or import the name in the module of the class") from error
    for name, hint in hints.items():
        if typing.get_origin(hint) is not typing.ClassVar and hint is not typing.ClassVar:
            yield name, hint
