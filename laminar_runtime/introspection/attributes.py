"""What stands between a name on a layer and the artifact of that name: the attributes of the layer's class.

Python looks for a name in the class before it asks ``__getattr__``, by which readers get artifacts. So of a layer that
is read, what is stored under a name that its class has too is put before that; and names that nobody can assign without
taking something away from the layer are refused.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from threading import get_ident
from types import FunctionType, MemberDescriptorType
from typing import Any

from laminar_runtime.exceptions import AssignmentError, LayerError, UnsetError
from laminar_runtime.introspection import naming

__all__ = [
    "RESERVED",
    "check_assignable",
    "check_fit",
    "computed",
    "found",
    "look_up",
    "prepare",
    "refusal",
    "settles",
    "shown",
]

#: Names on a layer that are not artifacts.
RESERVED = frozenset(
    {"attempt", "configuration", "definition", "execution", "index", "name", "shard", "splits", "state", "_private"}
)

#: The most characters of a name that an error shows.
_SHOWN = 60
_METHODS = (FunctionType, classmethod, staticmethod)
_LAYERS = "laminar_runtime.layer"


def found(cls: type, name: str) -> tuple[type, Any] | None:
    """Return an attribute as it stands in a class or one of its bases, with the one that has it; None if none has.

    Args:
        cls: The class.
        name: The attribute.
    """
    for base in cls.__mro__:
        own = base.__dict__
        if name in own:
            return base, own[name]
    return None


def computed(cls: type, name: str) -> bool:
    """Whether a class computes what is read under a name and may keep it there, as `functools.cached_property` does.

    Args:
        cls: The class.
        name: The name.
    """
    known = found(cls, name)
    return known is not None and _computes(known[1]) and not isinstance(known[1], property)


def settles(cls: type, name: str) -> bool:
    """Whether a class decides what becomes of a value that is assigned under a name, as a property with a setter does.

    Args:
        cls: The class.
        name: The name.
    """
    known = found(cls, name)
    return known is not None and hasattr(type(known[1]), "__set__")


# Names that cannot be assigned.


def refusal(cls: type, name: str) -> str | None:
    """Why a layer cannot have an artifact of a name; None if it can.

    Args:
        cls: The layer's class.
        name: The name.

    Example:
        >>> refusal(object, "splits")
        'is reserved on layers'
    """
    if name in RESERVED:
        return "is reserved on layers"
    if (reason := naming.flaw(name)) is not None:
        return reason
    if name.startswith("__"):
        return "is one of Python's own, as it begins with two underscores"
    known = found(cls, name)
    return None if known is None else _fixed(*known)


def check_assignable(cls: type, name: str) -> None:
    """Refuse an assignment to a name that a layer cannot have an artifact of.

    Args:
        cls: The layer's class.
        name: The name.

    Raises:
        AssignmentError: If it cannot.
    """
    if name in RESERVED:
        raise AssignmentError(f"layer '{cls.__name__}' assigns to reserved names: {name}. Rename the artifact")
    reason = refusal(cls, name)
    if reason is not None:
        raise AssignmentError(f"layer '{cls.__name__}' assigns to {shown(name)}, which {reason}: rename the artifact")


def shown(name: Any) -> str:
    """Return a name as errors show it: not all of a long one, and nothing that a terminal would obey.

    Args:
        name: The name.
    """
    if not isinstance(name, str):
        return repr(name)
    text = name if len(name) <= _SHOWN else f"{name[:_SHOWN]}..."
    return f"'{text}'" if text.isprintable() else ascii(text)


def check_fit(cls: type) -> None:
    """Refuse a class with attributes that keep it from being a layer.

    Args:
        cls: The class.

    Raises:
        LayerError: If it has any.
    """
    for owner, name, value in _own(cls):
        if name in RESERVED:
            wrong = f"'{name}' of {owner.__name__} has a name that is reserved on layers: rename it"
        elif isinstance(value, MemberDescriptorType):
            wrong = f"'{name}' {_fixed(owner, value)}: take it out of __slots__"
        else:
            continue
        raise LayerError(f"layer '{cls.__name__}' cannot run: {wrong}")


def _fixed(owner: type, value: Any) -> str | None:
    if _ours(owner):
        return "is reserved on layers"
    if isinstance(value, _METHODS):
        return f"is a method of {owner.__name__}"
    if isinstance(value, property) and value.fset is None:
        return f"is a property of {owner.__name__} that has no setter"
    if isinstance(value, MemberDescriptorType):
        return f"is a slot of {owner.__name__}, and what slots hold is not stored"
    return None


def _computes(value: Any) -> bool:
    return hasattr(type(value), "__get__") and not isinstance(value, (*_METHODS, MemberDescriptorType))


def _ours(owner: type) -> bool:
    return owner is object or owner.__module__ == _LAYERS


def _own(cls: type) -> Iterator[tuple[type, str, Any]]:
    """Yield the attributes that a layer has besides those of all layers."""
    for owner in cls.__mro__:
        if not _ours(owner):
            for name, value in owner.__dict__.items():
                if not name.startswith("__"):
                    yield owner, name, value


# Names that are read.


def prepare(cls: Any, *, read: bool) -> None:
    """Have a layer's instances see artifacts before the class's attributes, and raise what properties raise.

    That is done where it is needed: a layer that runs reads its own attributes, often many times, and each time takes
    four times as long then.

    Args:
        cls: The layer's class.
        read: Whether instances are read. If not, the class only runs.
    """
    needed = read or any(_computes(value) for _, _, value in _own(cls))
    if needed and getattr(cls.__getattribute__, "__module__", "") != __name__:
        own = cls.__getattribute__ is not object.__getattribute__
        cls.__getattribute__ = _looking_up(cls.__getattribute__) if own else look_up


_get = object.__getattribute__


def _looking_up(get: Callable[[Any, str], Any]) -> Callable[[Any, str], Any]:
    """Return the ``__getattribute__`` of prepared classes.

    Args:
        get: What it did before, which may be of the user's own.
    """

    def find(self: Any, name: str) -> Any:
        known = _get(self, "__dict__")
        # What runs has an attempt; what has none, and an execution, is read.
        if name not in known and "execution" in known and "attempt" not in known and _hides(type(self), name):
            _recall(self, name)
        try:
            return get(self, name)
        except AttributeError as error:
            if found(type(self), name) is not None:
                # Python forgets the error now and asks `__getattr__`.
                _get(self, "_private").raised[get_ident(), name] = error
            raise

    return find


#: What ``__getattribute__`` does on prepared classes that have none of their own.
look_up = _looking_up(_get)


def _hides(cls: type, name: str) -> bool:
    """Whether a layer's class has an attribute, or a way to make one, that an artifact of the name stands behind."""
    if name in RESERVED or name.startswith("__"):
        return False
    known = found(cls, name)
    return not _ours(_made_by(cls)) if known is None else _fixed(*known) is None


def _made_by(cls: type) -> type:
    """Return the class whose ``__getattr__`` answers for missing attributes: the base of layers, or the user's."""
    known = found(cls, "__getattr__")
    return object if known is None else known[0]


def _recall(layer: Any, name: str) -> None:
    """Put what is stored under a name before the attribute that the layer's class has under it."""
    private = layer._private  # noqa: SLF001 - one unit
    if private.itself or name in private.absent:
        return
    stored: Any = next(base for base in type(layer).__mro__ if base.__module__ == _LAYERS)
    try:
        layer.__dict__[name] = stored.__getattr__(layer, name)
    except UnsetError as error:
        if error.splits:
            raise
        if layer.state.finished:
            private.absent.add(name)
