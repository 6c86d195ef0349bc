"""The arguments that a call takes, for those who read or mistype them: its signature, and what was perhaps meant.

Neither is needed by a task, so `inspect` and `difflib` are loaded when somebody asks.
"""

from __future__ import annotations

import functools
from collections.abc import Callable, Iterable
from types import FunctionType
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import inspect

__all__ = ["MISSING", "Argument", "Signed", "checking", "unknown"]

#: The default of an argument that has none.
MISSING: Any = object()


#: An argument: the name that it is given by, the annotated name in the class's body, its default, or `MISSING`, whether
#: something makes its default, and whether it is given by name only.
Argument = tuple[str, str, Any, bool, bool]


class Signed:
    """Gives the shared ``__init__`` of classes the signature that one of them has.

    `inspect.signature` asks what a function wraps, and that for its signature:
    https://docs.python.org/3/library/inspect.html#inspect.signature

    Args:
        cls: The class.
        arguments: Gives the class's arguments.
    """

    def __init__(self, cls: type, arguments: Callable[[type], Iterable[Argument]]) -> None:
        self._cls, self._arguments = cls, arguments

    @property
    def __signature__(self) -> inspect.Signature:
        import inspect

        hints, empty = self._hints(), inspect.Parameter.empty
        found = [inspect.Parameter("self", inspect.Parameter.POSITIONAL_OR_KEYWORD)]
        for name, field, default, made, kw_only in sorted(
            self._arguments(self._cls), key=lambda argument: argument[-1]
        ):
            kind = inspect.Parameter.KEYWORD_ONLY if kw_only else inspect.Parameter.POSITIONAL_OR_KEYWORD
            shown = _MADE if made else empty if default is MISSING else default
            found.append(inspect.Parameter(name, kind, default=shown, annotation=hints.get(field, empty)))
        return inspect.Signature(found, return_annotation=None)

    def _hints(self) -> dict[str, Any]:
        import typing

        try:
            return typing.get_type_hints(self._cls)
        except Exception:  # noqa: BLE001 - a name that only type checkers see: the text of the hint says as much
            own = [vars(base).get("__annotations__", {}) for base in reversed(self._cls.__mro__)]
            return {name: hint for hints in own for name, hint in hints.items()}


class _Made:
    """Stands in a signature for a default that is made anew for each instance."""

    def __repr__(self) -> str:
        return "<factory>"


_MADE = _Made()


def unknown(call: str, name: str, known: Iterable[str]) -> str:
    """Say that a call takes no such argument, which ones it takes, and which of them was perhaps meant.

    Args:
        call: What is called.
        name: The argument that it does not take.
        known: The arguments that it takes.

    Example:
        >>> unknown("Container", "memry", ["cpu", "memory"])
        "Container takes no argument 'memry'. Did you mean 'memory'? It takes cpu, memory"
    """
    import difflib

    names = list(known)
    close = difflib.get_close_matches(name, names, n=1)
    meant = f" Did you mean '{close[0]}'?" if close else ""
    return f"{call} takes no argument '{name}'.{meant} It takes {', '.join(names) or 'none'}"


def checking(init: FunctionType, call: str) -> Callable[..., None]:
    """An ``__init__`` that says of an argument that it does not take which ones it takes.

    Args:
        init: What the class defines.
        call: What is called: the class's name.
    """
    code = init.__code__
    known = code.co_varnames[1 : code.co_argcount + code.co_kwonlyargcount]

    @functools.wraps(init)
    def checked(*given: Any, **named: Any) -> None:
        if not named.keys() <= set(known):
            raise TypeError(unknown(call, next(name for name in named if name not in known), known))
        init(*given, **named)

    return checked
