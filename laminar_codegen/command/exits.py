"""The exit codes of the command ``laminar-codegen``: the only list, which the help texts use."""

from __future__ import annotations

import enum
import textwrap
from typing import Self

__all__ = ["Exit", "explain"]


class Exit(enum.IntEnum):
    """An exit code of the command.

    Example:
        >>> Exit.INVALID.meaning
        'the flow is invalid'
    """

    OK = 0, "success"
    INVALID = 1, "the flow is invalid"
    USAGE = 2, "wrong usage, or a file that cannot be read or written"
    INTERNAL = 3, "internal error, please report it"
    STOPPED = 130, "stopped by the user"

    meaning: str

    def __new__(cls, code: int, meaning: str) -> Self:
        """Make an exit code with its meaning."""
        member = int.__new__(cls, code)
        member._value_ = code
        member.meaning = meaning
        return member


def explain(*more: str) -> str:
    """Return the exit codes for the help of a command.

    Args:
        *more: Further meanings of exit code 1.

    Example:
        >>> print(explain("its execution failed"))
        exit codes: 0 success; 1 the flow is invalid, or its execution failed; 2 wrong usage, or a file that cannot be
        read or written; 3 internal error, please report it; 130 stopped by the user
    """
    meanings = {code: code.meaning for code in Exit}
    meanings[Exit.INVALID] = ", or ".join([Exit.INVALID.meaning, *more])
    text = f"exit codes: {'; '.join(f'{code.value} {meaning}' for code, meaning in meanings.items())}"
    return textwrap.fill(text, 110)
