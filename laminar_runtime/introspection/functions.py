"""What there is to know of a function: its parameters and whether it is a generator.

`inspect` tells it of all callables. It takes as long to load as half of what a task needs, so it is asked only of those
that are not plain functions.
"""

from __future__ import annotations

from collections.abc import Callable
from types import FunctionType
from typing import Any

__all__ = ["MISSING", "is_generator", "keyword_only", "parameters", "returns_at_once", "unwrap"]

#: The annotation of a parameter that has none.
MISSING: Any = object()

# https://docs.python.org/3/library/inspect.html#code-objects-bit-flags
_KEYWORDS = 0x08
_VARIADIC, _GENERATOR, _COROUTINE, _ASYNC_GENERATOR = 0x04 | _KEYWORDS, 0x20, 0x80, 0x200


def unwrap(function: Callable[..., Any]) -> Callable[..., Any]:
    """Return the function that decorators were applied to."""
    if _plain(function):
        return function
    import inspect

    found: Callable[..., Any] = inspect.unwrap(function)
    return found


def parameters(function: Callable[..., Any]) -> list[tuple[str, Any]]:
    """Return the names of a function's parameters, each with its annotation, or `MISSING`.

    Args:
        function: The function.

    Example:
        >>> def call(self, a: int, b): ...
        >>> [(name, annotation) for name, annotation in parameters(call) if annotation is not MISSING]
        [('a', 'int')]
    """
    if _plain(function) and not function.__code__.co_flags & _VARIADIC and not function.__code__.co_kwonlyargcount:
        names = function.__code__.co_varnames[: function.__code__.co_argcount]
        return [(name, function.__annotations__.get(name, MISSING)) for name in names]
    import inspect

    found = inspect.signature(function).parameters.values()
    return [(item.name, MISSING if item.annotation is item.empty else item.annotation) for item in found]


def keyword_only(function: Callable[..., Any]) -> frozenset[str]:
    """Return the names of a function's parameters that take no argument by place.

    Args:
        function: The function.

    Example:
        >>> def call(self, *, a: int, **rest: int): ...
        >>> sorted(keyword_only(call))
        ['a', 'rest']
    """
    if _plain(function) and not function.__code__.co_flags & _KEYWORDS and not function.__code__.co_kwonlyargcount:
        return frozenset()
    import inspect

    found = inspect.signature(function).parameters.values()
    return frozenset(item.name for item in found if item.kind in {item.KEYWORD_ONLY, item.VAR_KEYWORD})


def is_generator(function: Callable[..., Any]) -> bool:
    """Whether a call of a function gives a generator."""
    if _plain(function):
        return bool(function.__code__.co_flags & _GENERATOR)
    import inspect

    return inspect.isgeneratorfunction(function)


def returns_at_once(function: Callable[..., Any]) -> bool:
    """Whether a call of a function runs it: it is neither a generator nor asynchronous."""
    if _plain(function):
        return not function.__code__.co_flags & (_GENERATOR | _COROUTINE | _ASYNC_GENERATOR)
    import inspect

    kinds = (inspect.iscoroutinefunction, inspect.isgeneratorfunction, inspect.isasyncgenfunction)
    return not any(kind(function) for kind in kinds)


def _plain(function: Callable[..., Any]) -> bool:
    """Whether a function is as it was defined, so that its code tells all."""
    return isinstance(function, FunctionType) and not {"__wrapped__", "__signature__"} & function.__dict__.keys()
