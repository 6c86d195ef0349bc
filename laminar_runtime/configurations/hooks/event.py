"""Hooks around an event: functions, or generators that go on after the event."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterable
from typing import Any, TypeVar

from laminar_runtime.configurations.hooks.annotation import annotate
from laminar_runtime.introspection import functions

__all__ = ["around", "execution", "retry", "submission"]

Function = TypeVar("Function", bound=Callable[..., Any])


def submission(hook: Function) -> Function:
    """Mark a method to call on the scheduler, just before a split is submitted.

    It may change ``self.configuration.container`` for this split; ``self.index`` says which it is. It sees all of what
    the layer fans out over, and not just the split's element.

    Args:
        hook: The method. Its parameters are layers, by type hints.

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
    """Mark a method to call in the task, around ``__call__``.

    Args:
        hook: The method. Its parameters are layers, by type hints.

    Returns:
        The method.
    """
    return annotate(hook, "execution")


def retry(hook: Function) -> Function:
    """Mark a method to call on the scheduler when a split failed, before the wait for its next attempt.

    It may change ``self.configuration`` for that attempt.

    Args:
        hook: The method. Its parameters are layers, by type hints.

    Returns:
        The method.
    """
    return annotate(hook, "retry")


def around(hooks: Iterable[tuple[Callable[..., Any], tuple[Any, ...]]]) -> contextlib.ExitStack:
    """Call hooks, and have those that are generators go on when the ``with`` block ends.

    Args:
        hooks: Each hook with its arguments, in the order in which they are called.

    Returns:
        A context manager.
    """
    with contextlib.ExitStack() as stack:
        for hook, arguments in hooks:
            if functions.is_generator(hook):
                stack.enter_context(contextlib.contextmanager(hook)(*arguments))
            else:
                hook(*arguments)
        return stack.pop_all()
