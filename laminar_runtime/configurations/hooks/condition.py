"""Entry hooks, which decide whether a layer runs."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeVar

from laminar_runtime.configurations.hooks.annotation import annotate

__all__ = ["entry"]

Function = TypeVar("Function", bound=Callable[..., Any])


def entry(hook: Function) -> Function:
    """Mark a method that decides, on the scheduler, whether its layer runs: each entry hook must return a true value.

    For a layer with entry hooks, only they decide: it may run even if a layer that it depends on was skipped.

    Args:
        hook: The method. The type hints of its parameters name layers.

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
