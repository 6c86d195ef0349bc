"""Marks methods as hooks and finds them again."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Literal, TypeVar

__all__ = ["Kind", "annotate", "collect", "kind_of"]

Kind = Literal["entry", "submission", "execution", "retry"]
Function = TypeVar("Function", bound=Callable[..., Any])

_MARK = "__laminar_hook__"


def annotate(hook: Function, kind: Kind) -> Function:
    """Mark a method as a hook.

    Args:
        hook: The method.
        kind: What kind of hook it is.

    Returns:
        The method.
    """
    setattr(hook, _MARK, kind)
    return hook


def kind_of(value: object) -> Kind | None:
    """What kind of hook something is, None if it is none."""
    kind: Kind | None = getattr(value, _MARK, None)
    return kind


def collect(*classes: type) -> tuple[Callable[..., Any], ...]:
    """The hooks of some classes and their bases.

    Args:
        *classes: A flow's class and a layer's class.

    Returns:
        For each class in turn its hooks in the order of definition, those of bases first. A method that a subclass
        defines anew takes the place of its base's.
    """
    found: list[Callable[..., Any]] = []
    for cls in classes:
        methods: dict[str, Any] = {}
        for base in reversed(cls.__mro__[:-1]):  # all but object, which has none
            methods.update(vars(base))
        found += [method for method in methods.values() if getattr(method, _MARK, None)]
    return tuple(found)
