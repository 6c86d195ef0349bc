"""The exit codes of the command ``laminar``: the only list, which the help texts and the documentation use."""

from __future__ import annotations

import enum
import textwrap
from typing import Self

from laminar_runtime.exceptions import (
    AccessDeniedError,
    ExecutionError,
    ExecutionFailedError,
    FlowError,
    LaminarError,
    LayerError,
    NotFoundError,
    SchedulerError,
    StartedBeforeError,
    StillRunningError,
    TaskError,
    ThrottledError,
    TimeLimitError,
)

__all__ = ["Exit", "code_of", "explain", "of_status"]


class Exit(enum.IntEnum):
    """An exit code of the command.

    Example:
        >>> Exit.RUNNING.value, Exit.RUNNING.meaning
        (4, 'the execution still runs')
    """

    OK = 0, "success: the execution succeeded"
    FAILED = 1, "the execution failed, timed out or was stopped"
    USAGE = 2, "wrong usage: an option, a parameter, or the flow's file"
    INTERNAL = 3, "internal error, please report it"
    RUNNING = 4, "the execution still runs"
    NOT_FOUND = 5, "no such deployment, execution, layer or output"
    DENIED = 6, "a permission is missing"
    UNAVAILABLE = 7, "AWS or the datastore cannot be used now"
    STOPPED = 130, "the command was stopped by the user"

    meaning: str

    def __new__(cls, code: int, meaning: str) -> Self:
        """Make an exit code with its meaning."""
        member = int.__new__(cls, code)
        member._value_ = code
        member.meaning = meaning
        return member


#: The exit code of an error by its class, the first that fits.
_CODES: tuple[tuple[type[LaminarError], Exit], ...] = (
    (NotFoundError, Exit.NOT_FOUND),
    (AccessDeniedError, Exit.DENIED),
    (ThrottledError, Exit.UNAVAILABLE),
    (StartedBeforeError, Exit.USAGE),
    (StillRunningError, Exit.RUNNING),
    (ExecutionFailedError, Exit.FAILED),
    (TimeLimitError, Exit.FAILED),
    (TaskError, Exit.FAILED),
    (FlowError, Exit.USAGE),
    (LayerError, Exit.USAGE),
    (ExecutionError, Exit.FAILED),
    (SchedulerError, Exit.FAILED),
    (LaminarError, Exit.UNAVAILABLE),
)


def code_of(error: LaminarError) -> Exit:
    """Return the exit code of an error.

    Args:
        error: The error.

    Example:
        >>> code_of(NotFoundError("no execution e1")).name, code_of(FlowError("no such parameter")).name
        ('NOT_FOUND', 'USAGE')
    """
    return next(code for kind, code in _CODES if isinstance(error, kind))


def of_status(status: str) -> Exit:
    """Return the exit code of an execution's status.

    Args:
        status: The status.

    Example:
        >>> of_status("SUCCEEDED").name, of_status("RUNNING").name, of_status("ABORTED").name
        ('OK', 'RUNNING', 'FAILED')
    """
    if status in {"SUCCEEDED", "RUNNING"}:
        return Exit.OK if status == "SUCCEEDED" else Exit.RUNNING
    return Exit.FAILED


def explain() -> str:
    """Return the exit codes for the help of a command.

    Example:
        >>> print(explain().splitlines()[0])
        exit codes: 0 success: the execution succeeded; 1 the execution failed, timed out or was stopped; 2 wrong
    """
    text = "; ".join(f"{code.value} {code.meaning}" for code in Exit)
    return textwrap.fill(f"exit codes: {text}", 110)
