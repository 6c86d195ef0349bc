"""What the commands ``laminar`` and ``laminar-codegen`` do alike: their output, and the words of some errors."""

from __future__ import annotations

import errno
import os
import sys
from collections.abc import Iterable

__all__ = ["drop_output", "find_misspelt", "reason"]


def reason(error: OSError) -> str:
    """Return the reason of an error of the machine, with the name of the file if it has one.

    Args:
        error: The error.

    Example:
        >>> reason(OSError(errno.ENOSPC, "No space left on device"))
        'cannot write the output: No space left on device'
    """
    full = error.errno in {errno.ENOSPC, errno.EDQUOT, errno.EFBIG}
    return f"cannot write the output: {error.strerror}" if full and error.filename is None else str(error)


def drop_output() -> None:
    """Discard the rest of the output: Python would try to write it when it ends, and fail again."""
    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


def find_misspelt(word: str, known: Iterable[str]) -> str | None:
    """Return the command that a word is almost, if it is not a flow's file or module.

    Args:
        word: The word.
        known: The commands.

    Example:
        >>> find_misspelt("statsu", ["start", "status"]), find_misspelt("flow.py", ["list"])
        ('status', None)
    """
    if not word.isidentifier() or any(os.path.exists(f"{word}{end}") for end in ("", ".py")):  # noqa: PTH110
        return None
    import difflib

    return next(iter(difflib.get_close_matches(word, [*known], n=1, cutoff=0.7)), None)
