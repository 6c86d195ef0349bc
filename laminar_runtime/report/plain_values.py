"""Reads plain values out of pickles without unpickling them: numbers, texts, bytes, lists, tuples, sets and maps.

A pickle is a program, which may call anything. This reads its operations by `pickletools`, which runs none of them, and
builds the value where all of them are about plain values. One that names a class or a function is not read at all. So a
page can show a number or a small table to a reader who has no code of the flow, and whoever wrote it runs nothing.
"""

from __future__ import annotations

import pickletools
from collections.abc import Callable, Mapping
from typing import Any

__all__ = ["NotPlainError", "read_plain"]

#: The most operations that are read: a value of more is not small.
_MOST = 20_000

#: Operations that push what they are followed by.
_CONSTANTS = frozenset(
    [
        "BININT",
        "BININT1",
        "BININT2",
        "LONG1",
        "LONG4",
        "BINFLOAT",
        "SHORT_BINUNICODE",
        "BINUNICODE",
        "BINUNICODE8",
        "SHORT_BINBYTES",
        "BINBYTES",
        "BINBYTES8",
    ]
)
_VALUES: Mapping[str, Callable[[], Any]] = {
    "NONE": lambda: None,
    "NEWTRUE": lambda: True,
    "NEWFALSE": lambda: False,
    "EMPTY_TUPLE": tuple,
    "EMPTY_LIST": list,
    "EMPTY_DICT": dict,
    "EMPTY_SET": set,
}
_TUPLES = {"TUPLE1": 1, "TUPLE2": 2, "TUPLE3": 3}
_MARK: Any = object()


class NotPlainError(ValueError):
    """A pickle has more than plain values, or too many."""


def read_plain(content: bytes) -> Any:
    """Read the value of a pickle.

    Args:
        content: The pickle.

    Raises:
        NotPlainError: If it is damaged, is long, or has other values than plain ones.

    Example:
        >>> import pickle
        >>> read_plain(pickle.dumps({"a": [1, 2.5, None], "b": ("x", b"y")}))
        {'a': [1, 2.5, None], 'b': ('x', b'y')}
        >>> read_plain(pickle.dumps(print))  # doctest: +IGNORE_EXCEPTION_DETAIL
        Traceback (most recent call last):
        laminar_runtime.report.plain_values.NotPlainError: the operation STACK_GLOBAL is not about plain values
    """
    stack: list[Any] = []
    memo: list[Any] = []
    try:
        for number, (operation, argument, _) in enumerate(pickletools.genops(content)):
            if number > _MOST:
                raise NotPlainError(f"it has more than {_MOST:,} operations")
            if operation.name == "STOP":
                (value,) = stack
                return value
            _apply(operation.name, argument, stack, memo)
    except (IndexError, TypeError, ValueError, AttributeError) as error:
        raise error if isinstance(error, NotPlainError) else NotPlainError(f"it is damaged: {error}") from error
    raise NotPlainError("it has no end")


def _apply(name: str, argument: Any, stack: list[Any], memo: list[Any]) -> None:
    """Apply one operation to the stack."""
    if name in _CONSTANTS:
        stack.append(argument)
    elif name in _VALUES:
        stack.append(_VALUES[name]())
    elif name in _TUPLES:
        size = _TUPLES[name]
        stack[-size:] = [tuple(stack[-size:])]
    elif name in {"BINGET", "LONG_BINGET"}:
        stack.append(memo[argument])
    elif name == "MEMOIZE":
        memo.append(stack[-1])
    elif name == "MARK":
        stack.append(_MARK)
    elif name not in {"PROTO", "FRAME"}:
        _collect(name, stack)


def _collect(name: str, stack: list[Any]) -> None:
    """Put the values on the stack into the list, map or set below them."""
    if name == "APPEND":
        value = stack.pop()
        stack[-1].append(value)
        return
    if name == "SETITEM":
        value, key = stack.pop(), stack.pop()
        stack[-1][key] = value
        return
    if name not in {"APPENDS", "SETITEMS", "ADDITEMS", "FROZENSET", "TUPLE"}:
        raise NotPlainError(f"the operation {name} is not about plain values")
    items: list[Any] = []
    while (top := stack.pop()) is not _MARK:
        items.append(top)
    items.reverse()
    match name:
        case "APPENDS":
            stack[-1].extend(items)
        case "SETITEMS":
            stack[-1].update(zip(items[::2], items[1::2], strict=True))
        case "ADDITEMS":
            stack[-1].update(items)
        case "FROZENSET":
            stack.append(frozenset(items))
        case _:
            stack.append(tuple(items))
