"""Attributes of a layer's class, which may hide artifacts with the same names.

Readers get artifacts by ``__getattr__``, which Python calls only for names that the class does not have. So if a layer
is read, an artifact takes precedence over an attribute of the class with the same name. Names that a layer needs for
itself cannot be assigned.
"""

from __future__ import annotations

from _thread import get_ident
from collections.abc import Callable
from types import FunctionType, MemberDescriptorType
from typing import Any

from laminar_runtime.exceptions import AssignmentError, LayerError, UnsetError
from laminar_runtime.introspection import naming

__all__ = [
    "RESERVED",
    "check_assignable",
    "check_fit",
    "find",
    "has_setter",
    "is_computed",
    "look_up",
    "prepare",
    "quote",
    "refusal",
]

#: Names on a layer that are not artifacts.
RESERVED = frozenset(
    {"attempt", "configuration", "definition", "execution", "index", "name", "shard", "splits", "state", "_private"}
)

#: The most characters of a name that an error shows.
_SHOWN = 60
_METHODS = (FunctionType, classmethod, staticmethod)
#: The types of what nearly all classes of layers have: they compute nothing.
_SIMPLE = frozenset({*_METHODS, bool, dict, float, int, list, str, tuple, type(None)})
_LAYERS = "laminar_runtime.layer"


def find(cls: type, name: str) -> tuple[type, Any] | None:
    """Find an attribute in a class and its bases, without calling a descriptor.

    Args:
        cls: The class.
        name: The attribute.

    Returns:
        The class that defines the attribute, and its value there; None if it does not exist.
    """
    for base in cls.__mro__:
        own = base.__dict__
        if name in own:
            return base, own[name]
    return None


def is_computed(cls: type, name: str) -> bool:
    """Return whether a class computes an attribute and may store it, as `functools.cached_property` does.

    Args:
        cls: The class.
        name: The attribute.
    """
    known = find(cls, name)
    return known is not None and _computes(known[1]) and not isinstance(known[1], property)


def has_setter(cls: type, name: str) -> bool:
    """Return whether a descriptor of a class, for example a property with a setter, handles assignments to a name.

    Args:
        cls: The class.
        name: The attribute.
    """
    known = find(cls, name)
    return known is not None and hasattr(type(known[1]), "__set__")


# Names that cannot be assigned.


def refusal(cls: type, name: str) -> str | None:
    """Return why a layer cannot have an artifact with a name; None if it can.

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
        return "begins with two underscores, which Python reserves"
    known = find(cls, name)
    return None if known is None else _class_refusal(*known)


def check_assignable(cls: type, name: str) -> None:
    """Check that a layer can have an artifact with a name.

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
        raise AssignmentError(f"layer '{cls.__name__}' assigns to {quote(name)}, which {reason}: rename the artifact")


def quote(name: Any) -> str:
    """Quote a name for an error message: a long name is cut, and control characters are escaped.

    Args:
        name: The name.
    """
    if not isinstance(name, str):
        return repr(name)
    text = name if len(name) <= _SHOWN else f"{name[:_SHOWN]}..."
    return f"'{text}'" if text.isprintable() else ascii(text)


def check_fit(cls: type) -> None:
    """Check that no attribute of a class keeps it from being a layer.

    Args:
        cls: The class.

    Raises:
        LayerError: If an attribute has a reserved name, or is a slot.
    """
    for owner, name, value in _unusual(cls):
        if name in RESERVED:
            wrong = f"'{name}' of {owner.__name__} is a reserved name on layers: rename it"
        elif isinstance(value, MemberDescriptorType):
            wrong = f"'{name}' {_class_refusal(owner, value)}: remove it from __slots__"
        else:
            continue
        raise LayerError(f"layer '{cls.__name__}' cannot run: {wrong}")


def _class_refusal(owner: type, value: Any) -> str | None:
    """Return why an artifact cannot have the name of an attribute of a class; None if it can."""
    if _ours(owner):
        return "is reserved on layers"
    if isinstance(value, _METHODS):
        return f"is a method of {owner.__name__}"
    if isinstance(value, property) and value.fset is None:
        return f"is a property of {owner.__name__} without a setter"
    if isinstance(value, MemberDescriptorType):
        return f"is a slot of {owner.__name__}, and the values of slots are not stored"
    return None


def _computes(value: Any) -> bool:
    return hasattr(type(value), "__get__") and not isinstance(value, (*_METHODS, MemberDescriptorType))


def _ours(owner: type) -> bool:
    return owner is object or owner.__module__ == _LAYERS


def _unusual(cls: type) -> list[tuple[type, str, Any]]:
    """Return the attributes of a layer's own classes that have more than methods and plain values of usual names.

    Nearly no class of a large flow has more, and this does without a look at each attribute of each layer.
    """
    found: list[tuple[type, str, Any]] = []
    for owner in cls.__mro__:
        if owner is not object and owner.__module__ != _LAYERS:
            own = owner.__dict__
            if not (RESERVED.isdisjoint(own) and _SIMPLE.issuperset(map(type, own.values()))):
                found += [(owner, name, value) for name, value in own.items() if not name.startswith("__")]
    return found


# Names that are read.


def prepare(cls: Any, *, read: bool) -> None:
    """Replace a class's ``__getattribute__``: artifacts hide attributes of the class, and errors of properties stay.

    It is replaced only where necessary, because each read then takes four times as long. A running layer may read its
    own attributes many times.

    Args:
        cls: The layer's class.
        read: Whether instances are read. If not, the class only runs.
    """
    needed = read or any(_computes(value) for _, _, value in _unusual(cls))
    if needed and getattr(cls.__getattribute__, "__module__", "") != __name__:
        own = cls.__getattribute__ is not object.__getattribute__
        cls.__getattribute__ = _wrap_getattribute(cls.__getattribute__) if own else look_up


_get = object.__getattribute__


def _wrap_getattribute(get: Callable[[Any, str], Any]) -> Callable[[Any, str], Any]:
    """Return the ``__getattribute__`` of prepared classes.

    Args:
        get: The ``__getattribute__`` of the class so far.
    """

    def get_attribute(self: Any, name: str) -> Any:
        known = _get(self, "__dict__")
        # A running layer has an attempt. A layer with an execution and without an attempt is read.
        if name not in known and "execution" in known and "attempt" not in known and _hides(type(self), name):
            _recall(self, name)
        try:
            return get(self, name)
        except AttributeError as error:
            if find(type(self), name) is not None:
                # Python drops the error now and calls `__getattr__`, which raises it again.
                _get(self, "_private").raised[get_ident(), name] = error
            raise

    return get_attribute


#: The ``__getattribute__`` of prepared classes that do not define one.
look_up = _wrap_getattribute(_get)


def _hides(cls: type, name: str) -> bool:
    """Return whether an attribute of a layer's class, or its ``__getattr__``, hides an artifact with a name."""
    if name in RESERVED or name.startswith("__"):
        return False
    known = find(cls, name)
    return not _ours(_getattr_owner(cls)) if known is None else _class_refusal(*known) is None


def _getattr_owner(cls: type) -> type:
    """Return the class that defines ``__getattr__``: the base of all layers, or a class of the user."""
    known = find(cls, "__getattr__")
    return object if known is None else known[0]


def _recall(layer: Any, name: str) -> None:
    """Read an artifact into the instance, where it hides the attribute of the class."""
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
