"""Garbage collection while there is an embedded AWS: moto and botocore keep hundreds of thousands of objects."""

from __future__ import annotations

import atexit
import gc
from collections.abc import Iterator
from contextlib import contextmanager

__all__ = ["begin_collecting", "collect_rarely"]

#: How many new objects have Python look for cycles.
_ALLOCATIONS = 50_000


@contextmanager
def collect_rarely() -> Iterator[None]:
    """Have Python look for cycles of objects less often while the ``with`` block runs, and not when the process ends.

    To look at all objects again and again takes a third of the time in which an embedded AWS first answers.
    """
    before = gc.get_threshold()
    gc.set_threshold(_ALLOCATIONS, *before[1:])
    atexit.unregister(gc.freeze)
    atexit.register(gc.freeze)
    try:
        yield
    finally:
        gc.set_threshold(*before)


@contextmanager
def begin_collecting() -> Iterator[None]:
    """Have Python look for cycles among the objects that are made while the ``with`` block runs.

    The command does not until then: it makes little but what stays.
    """
    gc.freeze()
    gc.enable()
    try:
        yield
    finally:
        gc.unfreeze()
