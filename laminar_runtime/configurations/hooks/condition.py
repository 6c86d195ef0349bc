"""Hooks that decide."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeVar

from laminar_runtime.configurations.hooks.annotation import annotate

__all__ = ["entry"]

Function = TypeVar("Function", bound=Callable[..., Any])


def entry(hook: Function) -> Function:
    """Mark a method that decides, on the scheduler, whether its layer runs: all of them must return what is true.

    A layer with an entry hook runs also if a layer it depends on was skipped: only its hooks decide.

    Args:
        hook: The method. Its parameters are layers, by type hints.

    Returns:
        The method.

    Example:
        >>> from laminar_runtime import Layer
        >>> class Publish(Layer):
        ...     @entry
        ...     def good_enough(self, score: "Score") -> bool:
        ...         return score.accuracy > 0.9
    """
    return annotate(hook, "entry")
