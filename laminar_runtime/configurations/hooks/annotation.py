"""Marks of hooks: how a method becomes a hook, and how hooks are found."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Literal, TypeVar

__all__ = ["Kind", "annotate", "collect", "kind_of"]

Kind = Literal["entry", "submission", "execution", "retry"]
Function = TypeVar("Function", bound=Callable[..., Any])

_MARK = "__laminar_hook__"
#: The modules of classes without hooks. They have many methods, and to look at these takes long in a large flow.
_WITHOUT = frozenset({"laminar_runtime.flow", "laminar_runtime.layer"})
#: Whether this process has a hook. To look for one in each of hundreds of layers takes long.
_any = False


def annotate(hook: Function, kind: Kind) -> Function:
    """Mark a method as a hook.

    Args:
        hook: The method.
        kind: The kind of hook.

    Returns:
        The method.
    """
    global _any  # noqa: PLW0603 - a fact about the process
    _any = True
    setattr(hook, _MARK, kind)
    return hook


def kind_of(value: object) -> Kind | None:
    """Return the kind of a hook, None if the value is not a hook."""
    kind: Kind | None = getattr(value, _MARK, None)
    return kind


def collect(*classes: type) -> tuple[Callable[..., Any], ...]:
    """Return the hooks of some classes and their bases.

    Args:
        *classes: A flow's class and a layer's class.

    Returns:
        The hooks of each class in turn, in the order of definition, the hooks of bases first. A method that a subclass
        overrides keeps the position of the base's method.
    """
    if not _any:
        return ()
    found: list[Callable[..., Any]] = []
    for cls in classes:
        methods: dict[str, Any] = {}
        for base in reversed(cls.__mro__[:-1]):  # without object
            if base.__module__ not in _WITHOUT:
                methods.update(vars(base))
        found += [method for method in methods.values() if getattr(method, _MARK, None)]
    return tuple(found)
