"""Tracebacks as users want to read them: the frames of their own code, without those that led there.

Between the line that runs a flow and the line of a layer that fails stand frames of this package, of asyncio and of
contextlib, in a task's process as in the one that launched it. They say nothing about the error.
"""

from __future__ import annotations

import os
from types import TracebackType
from typing import TYPE_CHECKING

from laminar_runtime.exceptions import LaminarError

if TYPE_CHECKING:
    import traceback

__all__ = ["Note", "Trimmed", "cut", "shortened", "text", "trim"]

#: The characters of a text that are kept: an error may hold all that a layer read.
_LONGEST = 32_768

_OURS = os.path.dirname(os.path.dirname(os.path.abspath(__file__))) + os.sep  # noqa: PTH100, PTH120 - pathlib is not needed for that
_BETWEEN = os.sep + "contextlib.py"


class Note(str):
    """A note of ours on an error: where it happened, or how to go on after it."""

    __slots__ = ()


class Trimmed:
    """Takes what is no frame of the user out of the traceback of an error that leaves the ``with`` block.

    That goes for errors that this package raises on purpose, and for those that it found in a layer and put a `Note`
    on. Any other is a fault of ours, and its traceback is left whole.
    """

    def __enter__(self) -> None: ...

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        # An error that is raised on gets no further entry for the frame that the block is in, so that goes too.
        ours = isinstance(error, LaminarError | KeyboardInterrupt)
        if error is not None and (ours or any(isinstance(note, Note) for note in getattr(error, "__notes__", ()))):
            error.__traceback__ = cut(error)


def cut(error: BaseException) -> TracebackType | None:
    """Return the traceback of an error without frames that are not the user's.

    Args:
        error: The error; it is left as it is.
    """
    entries, entry = [], error.__traceback__
    while entry is not None:
        entries.append(entry)
        entry = entry.tb_next
    kept: TracebackType | None = None
    for place in reversed(_kept([one.tb_frame.f_code.co_filename for one in entries], error)):
        one = entries[place]
        kept = TracebackType(kept, one.tb_frame, one.tb_lasti, one.tb_lineno)
    return kept


def trim(error: BaseException) -> None:
    """Take what is no frame of the user out of the traceback of an error, and of those that led to it.

    Args:
        error: The error.
    """
    seen: set[int] = set()
    left: list[BaseException | None] = [error]
    while left:
        one = left.pop()
        if one is None or id(one) in seen:
            continue
        seen.add(id(one))
        one.__traceback__ = cut(one)
        left += [one.__cause__, one.__context__]
        if isinstance(one, BaseExceptionGroup):
            left += one.exceptions


def text(error: BaseException) -> str:
    """Return the traceback of an error and of those that led to it, as Python prints it, with the user's frames only.

    Args:
        error: The error.

    Returns:
        The text. It is empty if there is nothing beside the error itself: no frame, no other error, no note.
    """
    import traceback

    shown = traceback.TracebackException.from_exception(error, compact=True)
    _trim(shown, error)
    alone = not (shown.stack or shown.__cause__ or shown.__context__ or getattr(error, "__notes__", None))
    return "" if alone else shortened("".join(shown.format()))


def _trim(shown: traceback.TracebackException, error: BaseException) -> None:
    """Cut the frames of an error, and of those that led to it."""
    import traceback

    seen: set[int] = set()
    left: list[tuple[traceback.TracebackException | None, BaseException | None]] = [(shown, error)]
    while left:
        one, about = left.pop()
        if one is None or about is None or id(one) in seen:
            continue
        seen.add(id(one))
        kept = _kept([frame.filename for frame in one.stack], about)
        one.stack = traceback.StackSummary.from_list([one.stack[place] for place in kept])
        left += [(one.__cause__, about.__cause__), (one.__context__, about.__context__)]
        if isinstance(about, BaseExceptionGroup):
            left += zip(one.exceptions or (), about.exceptions, strict=False)


def _kept(files: list[str], error: BaseException) -> list[int]:
    """Return the places of the frames that are kept, given the files that their code is in, the outermost first."""
    ours = [file.startswith(_OURS) for file in files]
    led = 0
    # What we call to call the user's code is between; what the user's code calls is not.
    while led < len(files) and ours[0] and (ours[led] or files[led].endswith(_BETWEEN)):
        led += 1
    kept = [place for place in range(led, len(files)) if not ours[place]]
    if kept or isinstance(error, LaminarError | KeyboardInterrupt):
        return kept
    return list(range(len(files)))


def shortened(shown: str) -> str:
    """Return a text, its middle left out if it is very long."""
    if len(shown) <= _LONGEST:
        return shown
    half = _LONGEST // 2
    return f"{shown[:half]}\n... ({len(shown) - 2 * half} characters are left out) ...\n{shown[-half:]}"
