"""What stands between a name on a layer and the artifact of that name: the attributes of the layer's class.

Python looks for a name in the class before it asks ``__getattr__``, by which readers get artifacts. So readers are
asked about first what may have been assigned under a name that the class has too, and names that nobody can assign
without taking something away from the layer are refused.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator
from types import FunctionType, MemberDescriptorType
from typing import Any

__all__ = ["computed", "computes", "found", "hides", "refusal", "settles", "unfit"]


_METHODS = (FunctionType, classmethod, staticmethod)


def found(cls: type, name: str) -> tuple[type, Any] | None:
    """An attribute as it stands in a class or one of its bases, with the one that has it; None if none has.

    Args:
        cls: The class.
        name: The attribute.
    """
    for base in cls.__mro__:
        own = base.__dict__
        if name in own:
            return base, own[name]
    return None


def hides(cls: type, name: str, base: type) -> bool:
    """Whether a layer's class has an attribute that an artifact of the name would stand behind.

    Args:
        cls: The class.
        name: The attribute.
        base: The class of all layers.
    """
    if name.startswith("__"):
        return False
    known = found(cls, name)
    return known is not None and known[0] not in base.__mro__ and _fixed(known) is None


def refusal(cls: type, name: str, base: type, reserved: Collection[str]) -> str | None:
    """Why a layer cannot have an artifact of a name; None if it can.

    Args:
        cls: The layer's class.
        name: The name.
        base: The class of all layers.
        reserved: The names that mean something on all layers.
    """
    if name in reserved:
        return "is reserved on layers"
    if name.startswith("__"):
        return "is one of Python's own, as it begins with two underscores"
    known = found(cls, name)
    if known is None:
        return None
    return "is reserved on layers" if known[0] in base.__mro__ else _fixed(known)


def settles(cls: type, name: str) -> bool:
    """Whether a class decides what becomes of a value that is assigned under a name, as a property with a setter does.

    Args:
        cls: The class.
        name: The name.
    """
    known = found(cls, name)
    return known is not None and hasattr(type(known[1]), "__set__")


def computed(cls: type, name: str) -> bool:
    """Whether a class computes what is read under a name and may keep it there, as `functools.cached_property` does.

    Args:
        cls: The class.
        name: The name.
    """
    known = found(cls, name)
    return known is not None and _computes(known[1]) and not isinstance(known[1], property)


def computes(cls: type, base: type) -> bool:
    """Whether a layer's class computes any of its attributes.

    Args:
        cls: The class.
        base: The class of all layers.
    """
    return any(_computes(value) for _, _, value in _own(cls, base))


def unfit(cls: type, base: type, reserved: Collection[str]) -> str | None:
    """What in a class keeps it from being a layer; None if nothing does.

    Args:
        cls: The class.
        base: The class of all layers.
        reserved: The names that mean something on all layers.
    """
    for owner, name, value in _own(cls, base):
        if name in reserved:
            return f"'{name}' of {owner.__name__} has a name that is reserved on layers: rename it"
        if isinstance(value, MemberDescriptorType):
            return (
                f"'{name}' is a slot of {owner.__name__}, and what slots hold is not stored: take it out of __slots__"
            )
    return None


def _own(cls: type, base: type) -> Iterator[tuple[type, str, Any]]:
    """The attributes that a layer has besides those of all layers."""
    for owner in cls.__mro__:
        if owner not in base.__mro__:
            for name, value in owner.__dict__.items():
                if not name.startswith("__"):
                    yield owner, name, value


def _computes(value: Any) -> bool:
    return hasattr(type(value), "__get__") and not isinstance(value, (*_METHODS, MemberDescriptorType))


def _fixed(known: tuple[type, Any]) -> str | None:
    owner, value = known
    if isinstance(value, _METHODS):
        return f"is a method of {owner.__name__}"
    if isinstance(value, property) and value.fset is None:
        return f"is a property of {owner.__name__} that has no setter"
    if isinstance(value, MemberDescriptorType):
        return f"is a slot of {owner.__name__}, and what slots hold is not stored"
    return None
