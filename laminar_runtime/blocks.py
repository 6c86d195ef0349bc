"""Context managers made of generators, and notes: any error of the user passes through both.

An error may refuse assignments, as one does that is a frozen dataclass. `contextlib` sets the traceback of an error
that leaves the block, and Python the list of its notes: the error would be lost behind that of the assignment.
"""

from __future__ import annotations

import functools
from collections.abc import Callable, Generator, Iterator
from contextlib import AbstractContextManager
from types import TracebackType
from typing import Generic, ParamSpec, TypeVar

__all__ = ["add_note", "block"]

Given = ParamSpec("Given")
Yielded = TypeVar("Yielded")


def block(function: Callable[Given, Iterator[Yielded]]) -> Callable[Given, AbstractContextManager[Yielded]]:
    """Make a context manager of a generator, as `contextlib.contextmanager` does.

    Args:
        function: A generator that yields once.

    Example:
        >>> @block
        ... def shout(word):
        ...     yield word.upper()
        >>> with shout("begin") as word:
        ...     print(word)
        BEGIN
    """

    @functools.wraps(function)
    def make(*args: Given.args, **kwargs: Given.kwargs) -> _Block[Yielded]:
        return _Block(function(*args, **kwargs))

    return make


def add_note(error: BaseException, note: str) -> None:
    """Add a note to an error, whatever its class makes of an assignment.

    Args:
        error: The error.
        note: The note.
    """
    try:
        error.add_note(note)
    except Exception:  # noqa: BLE001 - of the error's own class
        BaseException.__setattr__(error, "__notes__", [*getattr(error, "__notes__", ()), note])


class _Block(Generic[Yielded]):
    def __init__(self, generator: Iterator[Yielded]) -> None:
        assert isinstance(generator, Generator)  # noqa: S101 - for mypy: only a generator can be thrown an error
        self._generator: Generator[Yielded, None, None] = generator

    def __enter__(self) -> Yielded:
        try:
            return next(self._generator)
        except StopIteration:
            raise RuntimeError("the generator of a block did not yield") from None

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> bool:
        if error is None:
            for _ in self._generator:
                raise RuntimeError("the generator of a block yielded twice")
            return False
        try:
            self._generator.throw(error)
        except StopIteration as end:
            return end is not error
        except BaseException as raised:
            if raised is error or _is_wrapped(raised, error):
                # Without the frames of this block, whatever the error's class makes of an assignment.
                BaseException.with_traceback(error, traceback)
                return False
            raise
        raise RuntimeError("the generator of a block yielded twice")


def _is_wrapped(raised: BaseException, error: BaseException) -> bool:
    """Return whether Python put a `RuntimeError` around an error because it may not leave a generator."""
    return isinstance(raised, RuntimeError) and isinstance(error, StopIteration) and raised.__cause__ is error
