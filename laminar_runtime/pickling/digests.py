"""SHA-256, which names values in a datastore.

`hashlib` loads OpenSSL, which takes longer than to hash the values of most tasks. So small amounts are hashed by a
built-in module of Python, as Python's own `random` does: https://github.com/python/cpython/blob/3.11/Lib/random.py
OpenSSL is five times faster, so it is loaded for larger amounts.
"""

from __future__ import annotations

import sys
from typing import Any

__all__ = ["sha256"]

#: The module that does not need OpenSSL.
_LEAN = "_sha2" if sys.version_info >= (3, 12) else "_sha256"
#: The bytes that this process may still hash without OpenSSL. To hash all of them takes as long as to load OpenSSL.
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
    """Return the faster SHA-256 implementation for a number of bytes."""
    global _left  # noqa: PLW0603 - the budget of the process
    _left -= size
    if _left >= 0 and "hashlib" not in sys.modules:
        try:
            return __import__(_LEAN).sha256()
        except ImportError:  # Python may be built without it
            pass
    import hashlib

    return hashlib.sha256()
