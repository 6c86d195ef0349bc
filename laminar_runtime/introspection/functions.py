"""Facts about functions: their parameters, and whether they are generators.

`inspect` knows them for all callables. But it takes half as long to load as everything else that a task needs. So it is
used only for callables that are not plain functions.
"""

from __future__ import annotations

from collections.abc import Callable
from types import FunctionType
from typing import Any

__all__ = ["MISSING", "is_generator", "keyword_only", "layer_hints", "parameters", "returns_at_once", "unwrap"]

#: The annotation of a parameter without an annotation.
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


def layer_hints(function: Callable[..., Any]) -> list[Any] | None:
    """Return the annotations of the parameters of a plain method after ``self``; `MISSING` for one without.

    Args:
        function: The method.

    Returns:
        The annotations; None if the method is wrapped, or has other than positional parameters.

    Example:
        >>> def call(self, a: int, b): ...
        >>> [hint is MISSING for hint in layer_hints(call)]
        [False, True]
    """
    if not _plain(function):
        return None
    code, known = function.__code__, function.__annotations__
    if code.co_flags & _VARIADIC or code.co_kwonlyargcount:
        return None
    return [known.get(name, MISSING) for name in code.co_varnames[1 : code.co_argcount]]


def keyword_only(function: Callable[..., Any]) -> frozenset[str]:
    """Return the names of a function's keyword-only parameters.

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
    """Return whether a function is a generator function."""
    if _plain(function):
        return bool(function.__code__.co_flags & _GENERATOR)
    import inspect

    return inspect.isgeneratorfunction(function)


def returns_at_once(function: Callable[..., Any]) -> bool:
    """Return whether a call of a function runs its body: it is neither a generator function nor asynchronous."""
    if _plain(function):
        return not function.__code__.co_flags & (_GENERATOR | _COROUTINE | _ASYNC_GENERATOR)
    import inspect

    kinds = (inspect.iscoroutinefunction, inspect.isgeneratorfunction, inspect.isasyncgenfunction)
    return not any(kind(function) for kind in kinds)


def _plain(function: Callable[..., Any]) -> bool:
    """Return whether a function is a plain function: neither wrapped nor with a signature of its own."""
    # To ask for its `__dict__` would make one for each function.
    changed = hasattr(function, "__wrapped__") or hasattr(function, "__signature__")
    return isinstance(function, FunctionType) and not changed
