"""SHA-256, by which values are named in a datastore.

`hashlib` loads OpenSSL, which takes a task longer than to digest what most tasks store. So little is digested by a
module that Python has beside it, as its own `random` does: https://github.com/python/cpython/blob/3.11/Lib/random.py
OpenSSL digests five times faster: it is loaded where there is more.
"""

from __future__ import annotations

import sys
from typing import Any

__all__ = ["sha256"]

#: The modules that do without OpenSSL: from Python 3.12 on, and before.
_LEAN = ("_sha2", "_sha256")
#: How many more bytes a process digests so. To digest them all takes as long as to load OpenSSL.
_left = 1024 * 1024


def sha256(*parts: bytes | bytearray | memoryview) -> str:
    """Return the SHA-256 of some bytes.

    Args:
        *parts: The bytes, in pieces.

    Returns:
        64 hexadecimal digits.

    Example:
        >>> sha256(b"la", b"minar") == sha256(b"laminar")
        True
    """
    digest = _begin(sum(memoryview(part).nbytes for part in parts))
    for part in parts:
        digest.update(part)
    found: str = digest.hexdigest()
    return found


def _begin(size: int) -> Any:
    """Return a SHA-256 of as many bytes, by what is quicker."""
    global _left  # noqa: PLW0603 - of the process, as what it has loaded is
    _left -= size
    if _left >= 0 and "hashlib" not in sys.modules:
        for name in _LEAN:
            try:
                return __import__(name).sha256()
            except ImportError:  # Python need not be built with it
                continue
    import hashlib

    return hashlib.sha256()
