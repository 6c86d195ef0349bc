"""Execution ids: unique, and in chronological order when sorted as text.

They are UUIDs of version 7 (RFC 9562, section 5.7). Their 36 characters are hexadecimal digits and hyphens, so an id is
a valid name of a Step Functions execution, of an AWS Batch job, of a file, and a valid part of an S3 key.
"""

from __future__ import annotations

import os
import time
from _thread import allocate_lock

from laminar_runtime.exceptions import FlowError
from laminar_runtime.limits import EXECUTION_NAME_LENGTH

__all__ = [
    "LONGEST",
    "LONGEST_DEPLOYED",
    "RESUMED",
    "check_execution_id",
    "new_attempt",
    "new_execution_id",
    "start_order",
    "start_time",
]

#: The separator in the name of a resume: ``ID@resume-2``. After it stands the number of the resume, or of the resume
#: and of its redrives: ``2``, ``0.1`` or ``2.1``. An execution id cannot contain it.
RESUMED = "@resume-"
#: The most characters of an id; and of the id of a deployed execution, which leaves room for the name of a resume.
LONGEST, LONGEST_DEPLOYED = EXECUTION_NAME_LENGTH, EXECUTION_NAME_LENGTH - len(RESUMED) - 4
#: Valid in names of Step Functions executions, in names of folders and in S3 keys, besides letters and digits.
_SIGNS = "._=@-"

_lock = allocate_lock()
_last = 0


def new_execution_id() -> str:
    """Make an execution id.

    Returns:
        A UUID of version 7. The ids that one process makes are strictly ascending.

    Example:
        >>> new_execution_id() < new_execution_id()
        True
    """
    global _last  # noqa: PLW0603 - the clock of this process' ids
    # 60 bits: the upper 48 are milliseconds, the lower 12 are the fraction of the millisecond.
    with _lock:
        milliseconds, rest = divmod(time.time_ns(), 1_000_000)
        stamp = max((milliseconds << 12) | (rest * 4096 // 1_000_000), _last + 1)
        _last = stamp
    upper = (stamp >> 12) << 16 | 0x7000 | (stamp & 0xFFF)
    lower = 0x8000_0000_0000_0000 | int.from_bytes(os.urandom(8)) >> 2
    digits = f"{upper << 64 | lower:032x}"
    return "-".join((digits[:8], digits[8:12], digits[12:16], digits[16:20], digits[20:]))


def new_attempt(number: int) -> str:
    """Make a token for an attempt at a task. It is unique.

    Args:
        number: The number of the attempt, from 1.

    Example:
        >>> new_attempt(2).startswith("2-")
        True
    """
    return f"{number}-{time.time_ns():016x}{os.urandom(6).hex()}"


def start_order(token: str) -> str:
    """Return the sort key of a token: it puts the attempts at one split in the order of their starts.

    Args:
        token: A token that `new_attempt` made.
    """
    return token.partition("-")[2]


def start_time(text: str) -> int | None:
    """Return when an id was made, in milliseconds since 1970; None if it is not one of `new_execution_id`.

    Args:
        text: The id.

    Example:
        >>> start_time("019caf00-0000-7000-8000-000000000000"), start_time("nightly-2026-01-01")
        (1772462538752, None)
    """
    parts = text.split("-")
    if [len(part) for part in parts] != [8, 4, 4, 4, 12] or not parts[2].startswith("7"):
        return None
    try:
        return int(f"{parts[0]}{parts[1]}", 16)
    except ValueError:
        return None


def check_execution_id(text: object, *, longest: int = LONGEST) -> str:
    """Check that an id is valid in S3, on file systems and in Step Functions.

    Args:
        text: The id.
        longest: The maximum number of characters.

    Returns:
        The id.

    Raises:
        FlowError: If the id does not have 1 to 80 letters, digits and ``._=@-``, does not begin with a letter or digit,
            or is the name of a resume.

    Example:
        >>> check_execution_id("nightly-2026-01-01")
        'nightly-2026-01-01'
    """
    if not (isinstance(text, str) and _legal(text) and len(text) <= longest and RESUMED not in text):
        msg = (
            f"{text!r} is not an execution id: use 1 to {longest} letters, digits and ._=@-, begin with a letter or "
            f"digit, and do not use '{RESUMED}'"
        )
        raise FlowError(msg)
    return text


def _legal(text: str) -> bool:
    return text.isascii() and text[:1].isalnum() and all(sign.isalnum() or sign in _SIGNS for sign in text)
