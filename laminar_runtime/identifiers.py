"""Execution ids: unique, and in the order of time when sorted as text.

They are UUIDs of version 7 (RFC 9562, section 5.7), 36 characters of hexadecimal digits and hyphens, so that an
id is a legal name of a Step Functions execution and of a Batch job, and a legal S3 key and file name.
"""

from __future__ import annotations

import os
import threading
import time

from laminar_runtime.exceptions import FlowError
from laminar_runtime.limits import EXECUTION_NAME_LENGTH

__all__ = [
    "LONGEST",
    "LONGEST_DEPLOYED",
    "RESUMED",
    "check_execution_id",
    "new_attempt",
    "new_execution_id",
    "started",
]

#: What parts an execution's id from the number of a resume behind it, and that of redrives behind that: ``2``, ``0.1``
#: or ``2.1``. Executions that go on with others are named so; it is in no id, and nobody names one so by chance.
RESUMED = "@resume-"
#: The most characters of an id, and of one that is deployed: its resumes have names of their own.
LONGEST, LONGEST_DEPLOYED = EXECUTION_NAME_LENGTH, EXECUTION_NAME_LENGTH - len(RESUMED) - 4
#: What is, besides letters and digits, legal in names of Step Functions executions, of folders and of parts of S3 keys.
_SIGNS = "._=@-"

_lock = threading.Lock()
_last = 0


def new_execution_id() -> str:
    """Make an execution id.

    Returns:
        A UUID of version 7. Ids made by one process are strictly ascending.

    Example:
        >>> new_execution_id() < new_execution_id()
        True
    """
    global _last  # noqa: PLW0603 - the clock of this process' ids
    # 60 bits: milliseconds in the upper 48, the fraction of the millisecond in the 12 below.
    with _lock:
        milliseconds, rest = divmod(time.time_ns(), 1_000_000)
        stamp = max((milliseconds << 12) | (rest * 4096 // 1_000_000), _last + 1)
        _last = stamp
    upper = (stamp >> 12) << 16 | 0x7000 | (stamp & 0xFFF)
    lower = 0x8000_0000_0000_0000 | int.from_bytes(os.urandom(8)) >> 2
    digits = f"{upper << 64 | lower:032x}"
    return "-".join((digits[:8], digits[8:12], digits[12:16], digits[16:20], digits[20:]))


def new_attempt(number: int) -> str:
    """Make the token of a run of a task: no other run has it.

    Args:
        number: The number of the attempt, from 1.

    Example:
        >>> new_attempt(2).startswith("2-")
        True
    """
    return f"{number}-{time.time_ns():016x}{os.urandom(6).hex()}"


def started(token: str) -> str:
    """What the tokens of the attempts at one split are sorted by, to have them in the order in which they began.

    Args:
        token: What `new_attempt` made.
    """
    return token.partition("-")[2]


def check_execution_id(text: object, *, longest: int = LONGEST) -> str:
    """Refuse an id that not all of S3, file systems and Step Functions take.

    Args:
        text: The id.
        longest: The most characters that it may have.

    Returns:
        The id.

    Raises:
        FlowError: If it is not of 1 to 80 letters, digits and ``._=@-``, the first a letter or digit, or is the name of
            an execution that goes on with another.

    Example:
        >>> check_execution_id("nightly-2026-01-01")
        'nightly-2026-01-01'
    """
    if not (isinstance(text, str) and _legal(text) and len(text) <= longest and RESUMED not in text):
        msg = (
            f"an execution id is of 1 to {longest} letters, digits and ._=@-, begins with a letter or digit and does "
            f"not contain '{RESUMED}', unlike {text!r}"
        )
        raise FlowError(msg)
    return text


def _legal(text: str) -> bool:
    return text.isascii() and text[:1].isalnum() and all(sign.isalnum() or sign in _SIGNS for sign in text)
