"""Tracebacks for users: the frames of their own code, without the frames of this package.

Between the line that runs a flow and the line of a layer that fails there are frames of this package, of asyncio and of
contextlib, in the launching process and in a task's process. They say nothing about the error. The environment variable
``LAMINAR_FULL_TRACEBACKS=1`` shows them.
"""

from __future__ import annotations

import importlib
import os
import sys
from types import TracebackType
from typing import TYPE_CHECKING

from laminar_runtime.exceptions import LaminarError
from laminar_runtime.failures.redaction import escape, shorten
from laminar_runtime.process.endings import Ended, interruption

if TYPE_CHECKING:
    import traceback

__all__ = ["FULL", "Note", "Trimmed", "cut", "last_frame", "text", "trim"]

#: The environment variable that keeps all frames in tracebacks, if it is not empty.
FULL = "LAMINAR_FULL_TRACEBACKS"

_OURS = os.path.dirname(os.path.dirname(os.path.abspath(__file__))) + os.sep  # noqa: PTH100, PTH120 - pathlib is slow to load
_BETWEEN = os.sep + "contextlib.py"
#: How the names of files begin whose code Python or a library made; those of notebooks and prompts are others.
_MADE = ("<frozen ", "<string>", "<attrs ", "<__array")
#: How the names of the files begin of what imports a flow's file: the command of a task, and importlib.
_IMPORTS = ("<string>", "<frozen ", os.path.dirname(importlib.__file__) + os.sep)  # noqa: PTH120
#: The folders of installed libraries, the folder of Python's own, and its name here.
_INSTALLED = tuple(f"{os.sep}{name}-packages{os.sep}" for name in ("site", "dist"))
_PYTHON, _STANDARD = os.path.dirname(os.__file__) + os.sep, "python"  # noqa: PTH120


class Note(str):
    """A note that this package adds to an error: where it happened, or how to continue after it."""

    __slots__ = ()


class Trimmed:
    """Keeps only the user's frames in the traceback of an error that leaves the ``with`` block.

    This applies to errors that this package raises on purpose, and to errors of a layer, which have a `Note`. Any other
    error is a fault of this package, and its traceback is not changed. Ctrl-C ends the program with one line.
    """

    def __enter__(self) -> None: ...

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        if isinstance(error, KeyboardInterrupt) and not isinstance(error, Ended):
            # Before an event loop handles Ctrl-C, and says how to resume.
            if not isinstance(ending := interruption(), Ended):
                return
            sys.stderr.write("laminar: stopped by Ctrl-C\n")
            raise ending from None
        # Python has added the frame of the `with` block already, so the block's own frame is removed as well.
        ours = isinstance(error, LaminarError | KeyboardInterrupt)
        if error is not None and (ours or any(isinstance(note, Note) for note in getattr(error, "__notes__", ()))):
            _set_traceback(error)


def cut(error: BaseException) -> TracebackType | None:
    """Return the traceback of an error with the user's frames only.

    Args:
        error: The error. It is not changed.
    """
    entries, entry = [], error.__traceback__
    while entry is not None:
        entries.append(entry)
        entry = entry.tb_next
    kept: TracebackType | None = None
    for place in reversed(_user_frames([one.tb_frame.f_code.co_filename for one in entries], error)):
        one = entries[place]
        kept = TracebackType(kept, one.tb_frame, one.tb_lasti, one.tb_lineno)
    return kept


def last_frame(error: BaseException) -> str:
    """Return the user's last frame in the traceback of an error, as ``file:line in function``; empty if there is none.

    It is not of a library that the user's code called. A flow that is installed as a library is the user's code.

    Args:
        error: The error.
    """
    entry, frames = cut(error), []
    while entry is not None:
        frames.append(entry)
        entry = entry.tb_next
    if not frames:
        return ""
    libraries = [_library(one.tb_frame.f_code.co_filename) for one in frames]
    users = "" if "" in libraries else next((name for name in libraries if name != _STANDARD), _STANDARD)
    last = frames[max(place for place, name in enumerate(libraries) if name == users)]
    code = last.tb_frame.f_code
    return f"{code.co_filename}:{last.tb_lineno} in {code.co_qualname if code.co_name != '<module>' else '<module>'}"


def _library(file: str) -> str:
    """Return the library that a file is of: the folder of an installed one, or Python; empty for a file of the user."""
    for folder in _INSTALLED:
        before, found, inside = file.rpartition(folder)
        if found:
            return f"{before}{found}{inside.partition(os.sep)[0]}"
    return _STANDARD if file.startswith((*_MADE, _PYTHON)) else ""


def _set_traceback(error: BaseException) -> None:
    """Keep only the user's frames in the traceback of an error. Its class may refuse an assignment."""
    BaseException.with_traceback(error, cut(error))


def trim(error: BaseException) -> None:
    """Keep only the user's frames in the tracebacks of an error and of its causes.

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
        _set_traceback(one)
        left += [one.__cause__, one.__context__]
        if isinstance(one, BaseExceptionGroup):
            left += one.exceptions


def text(error: BaseException) -> str:
    """Return the traceback of an error and of its causes, as Python prints it, with the user's frames only.

    Args:
        error: The error.

    Returns:
        The text. It is empty if the error has no frame, no cause and no note.
    """
    import traceback

    shown = traceback.TracebackException.from_exception(error, compact=True)
    _trim(shown, error)
    alone = not (shown.stack or shown.__cause__ or shown.__context__ or getattr(error, "__notes__", None))
    return "" if alone else escape(shorten("".join(shown.format())))


def _trim(shown: traceback.TracebackException, error: BaseException) -> None:
    """Keep only the user's frames of an error and of its causes."""
    import traceback

    seen: set[int] = set()
    left: list[tuple[traceback.TracebackException | None, BaseException | None]] = [(shown, error)]
    while left:
        one, about = left.pop()
        if one is None or about is None or id(one) in seen:
            continue
        seen.add(id(one))
        kept = _user_frames([frame.filename for frame in one.stack], about)
        one.stack = traceback.StackSummary.from_list([one.stack[place] for place in kept])
        left += [(one.__cause__, about.__cause__), (one.__context__, about.__context__)]
        if isinstance(about, BaseExceptionGroup):
            left += zip(one.exceptions or (), about.exceptions, strict=False)


def _user_frames(files: list[str], error: BaseException) -> list[int]:
    """Return the positions of the user's frames, or of all frames if there are none and the error is not ours.

    Args:
        files: The file of each frame, the outermost first.
        error: The error.
    """
    if os.environ.get(FULL):
        return list(range(len(files)))
    ours = [file.startswith(_OURS) for file in files]
    led = 0
    # Frames of contextlib are skipped where this package calls the user's code, not where the user's code calls it.
    while led < len(files) and ours[0] and (ours[led] or files[led].endswith(_BETWEEN)):
        led += 1
    kept = [place for place in range(led, len(files)) if not ours[place]]
    # What imports the file of a flow comes before its frames: of this package's own start, and of importlib.
    first = next((at for at, place in enumerate(kept) if not files[place].startswith(_IMPORTS)), 0)
    kept = kept[first:]
    if kept or isinstance(error, LaminarError | KeyboardInterrupt):
        return kept
    return list(range(len(files)))
