"""The sizes of tests: the usual ones show a fault in seconds, and the full ones run at night."""

from __future__ import annotations

import os

__all__ = ["NIGHTLY", "size"]

#: Whether the tests have their full sizes.
NIGHTLY = os.environ.get("LAMINAR_NIGHTLY") == "1"


def size(usual: int, full: int) -> int:
    """Return the size that a test has in this run: the usual one, or the full one at night."""
    return full if NIGHTLY else usual
