"""The arguments of a call: its signature, and suggestions for a misspelt argument.

A task needs neither, so `inspect` and `difflib` are loaded on use.
"""

from __future__ import annotations

import functools
from collections.abc import Callable, Iterable
from types import FunctionType
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import inspect

__all__ = ["MISSING", "Argument", "Signed", "refuse_unknown", "unknown"]

#: The default of an argument without a default.
MISSING: Any = object()


#: An argument: its name, the name of its field, its default or `MISSING`, whether a factory makes its default, and
#: whether it is keyword-only.
Argument = tuple[str, str, Any, bool, bool]


class Signed:
    """The signature of a class, for an ``__init__`` that several classes share.

    `inspect.signature` reads the attribute ``__signature__`` of the object that a function wraps:
    https://docs.python.org/3/library/inspect.html#inspect.signature

    Args:
        cls: The class.
        arguments: Returns the arguments of a class.
    """

    def __init__(self, cls: type, arguments: Callable[[type], Iterable[Argument]]) -> None:
        self._cls, self._arguments = cls, arguments

    @property
    def __signature__(self) -> inspect.Signature:
        import inspect

        hints, empty = self._hints(), inspect.Parameter.empty
        found = [inspect.Parameter("self", inspect.Parameter.POSITIONAL_OR_KEYWORD)]
        for name, field, default, by_factory, kw_only in sorted(
            self._arguments(self._cls), key=lambda argument: argument[-1]
        ):
            kind = inspect.Parameter.KEYWORD_ONLY if kw_only else inspect.Parameter.POSITIONAL_OR_KEYWORD
            shown = _FACTORY if by_factory else empty if default is MISSING else default
            found.append(inspect.Parameter(name, kind, default=shown, annotation=hints.get(field, empty)))
        return inspect.Signature(found, return_annotation=None)

    def _hints(self) -> dict[str, Any]:
        import typing

        try:
            return typing.get_type_hints(self._cls)
        except Exception:  # noqa: BLE001 - the hint has a name that only type checkers know: return it as text
            own = [vars(base).get("__annotations__", {}) for base in reversed(self._cls.__mro__)]
            return {name: hint for hints in own for name, hint in hints.items()}


class _Factory:
    """The default that a signature shows if a factory makes it."""

    def __repr__(self) -> str:
        return "<factory>"


_FACTORY = _Factory()


def unknown(call: str, name: str, known: Iterable[str]) -> str:
    """Return the message for an unknown argument: the arguments of the call, and the most similar one.

    Args:
        call: The name of what is called.
        name: The unknown argument.
        known: The arguments of the call.

    Example:
        >>> unknown("Container", "memry", ["cpu", "memory"])
        "Container has no argument 'memry'. Did you mean 'memory'? Its arguments: cpu, memory"
    """
    import difflib

    names = list(known)
    close = difflib.get_close_matches(name, names, n=1)
    meant = f" Did you mean '{close[0]}'?" if close else ""
    return f"{call} has no argument '{name}'.{meant} Its arguments: {', '.join(names) or 'none'}"


def refuse_unknown(init: FunctionType, call: str) -> Callable[..., None]:
    """Wrap an ``__init__`` so that the error for an unknown argument names the arguments that exist.

    Args:
        init: The ``__init__`` of a class.
        call: The name of the class.
    """
    code = init.__code__
    known = code.co_varnames[1 : code.co_argcount + code.co_kwonlyargcount]

    @functools.wraps(init)
    def init_or_refuse(*given: Any, **named: Any) -> None:
        if not named.keys() <= set(known):
            raise TypeError(unknown(call, next(name for name in named if name not in known), known))
        init(*given, **named)

    return init_or_refuse
