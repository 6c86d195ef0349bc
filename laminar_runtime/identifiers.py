"""Execution ids: unique, and in the order of time when sorted as text.

They are UUIDs of version 7 (RFC 9562, section 5.7), 36 characters of hexadecimal digits and hyphens, so that an
id is a legal name of a Step Functions execution and of a Batch job, and a legal S3 key and file name.
"""

from __future__ import annotations

import os
import re
import threading
import time

from laminar_runtime.exceptions import FlowError

__all__ = ["check_execution_id", "new_execution_id"]

#: What is a legal name of a Step Functions execution, a folder and a part of an S3 key alike.
_LEGAL = re.compile(r"[0-9A-Za-z][0-9A-Za-z._=-]{0,79}")

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


def check_execution_id(text: str) -> str:
    """Refuse an id that not all of S3, file systems and Step Functions take.

    Args:
        text: The id.

    Returns:
        The id.

    Raises:
        FlowError: If it is not of 1 to 80 letters, digits and ``._=-``, the first a letter or digit.

    Example:
        >>> check_execution_id("nightly-2026-01-01")
        'nightly-2026-01-01'
    """
    if not _LEGAL.fullmatch(text):
        msg = (
            f"an execution id is of 1 to 80 letters, digits and ._=- and begins with a letter or digit, unlike {text!r}"
        )
        raise FlowError(msg)
    return text
