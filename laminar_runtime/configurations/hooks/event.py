"""Hooks of an event. A function runs before the event; a generator resumes after it."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterable
from typing import Any, TypeVar

from laminar_runtime.blocks import block
from laminar_runtime.configurations.hooks.annotation import annotate
from laminar_runtime.introspection import functions

__all__ = ["around", "execution", "retry", "submission"]

Function = TypeVar("Function", bound=Callable[..., Any])


def submission(hook: Function) -> Function:
    """Mark a method that the scheduler calls just before it submits a split.

    The method may change ``self.configuration.container`` for the split with the index ``self.index``. It reads the
    whole attribute that the layer fans out over, not only the split's element.

    Args:
        hook: The method. The type hints of its parameters name layers.

    Returns:
        The method.

    Example:
        >>> class Work:  # a layer that fans out over the attribute `sizes` of `Load`
        ...     @submission
        ...     def size(self, load: "Load") -> None:
        ...         self.configuration.container.memory = 2 * load.sizes[self.index]
    """
    return annotate(hook, "submission")


def execution(hook: Function) -> Function:
    """Mark a method that the task calls before ``__call__``. If it is a generator, it resumes after ``__call__``.

    Args:
        hook: The method. The type hints of its parameters name layers.

    Returns:
        The method.

    Example:
        >>> class Train:
        ...     @execution
        ...     def timed(self):
        ...         print("before __call__")
        ...         yield
        ...         print("after __call__")
    """
    return annotate(hook, "execution")


def retry(hook: Function) -> Function:
    """Mark a method that the scheduler calls after a split failed, before the wait for its next attempt.

    The method may change ``self.configuration`` for the next attempt.

    Args:
        hook: The method. The type hints of its parameters name layers.

    Returns:
        The method.

    Example:
        >>> class Train:
        ...     @retry
        ...     def more_memory(self) -> None:
        ...         self.configuration.container.memory *= 2
    """
    return annotate(hook, "retry")


def around(hooks: Iterable[tuple[Callable[..., Any], tuple[Any, ...]]]) -> contextlib.ExitStack:
    """Call hooks. Generators among them resume when the ``with`` block ends.

    Args:
        hooks: Each hook with its arguments, in the order of the calls.

    Returns:
        A context manager, already entered: leave it to resume the generators.
    """
    with contextlib.ExitStack() as stack:
        for hook, arguments in hooks:
            if functions.is_generator(hook):
                stack.enter_context(block(hook)(*arguments))
            else:
                hook(*arguments)
        return stack.pop_all()
