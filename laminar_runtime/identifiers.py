"""Execution ids: unique, and in the order of time when sorted as text.

They are UUIDs of version 7 (RFC 9562, section 5.7), 36 characters of hexadecimal digits and hyphens, so that an
id is a legal name of a Step Functions execution and of a Batch job, and a legal S3 key and file name.
"""

from __future__ import annotations

import os
import threading
import time
import uuid

__all__ = ["new_execution_id"]

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
    return str(uuid.UUID(int=upper << 64 | lower))
