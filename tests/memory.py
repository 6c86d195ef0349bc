"""Python's garbage collector during the tests.

What is imported and collected before the first test stays until the end: more than a million objects. A full collection
looks at all of them again, and a fifth of the CPU time of the unit tests went into that. So it starts after them, and
its passes are fewer: https://docs.python.org/3/library/gc.html#gc.freeze
"""

from __future__ import annotations

import gc
from collections.abc import Iterator

import pytest

#: Allocations between two passes over the youngest objects.
ALLOCATIONS = 10_000


@pytest.hookimpl(wrapper=True, tryfirst=True)
def pytest_collection() -> Iterator[None]:
    """Collect the tests without passes of the garbage collector, which leaves out all that is there then."""
    gc.disable()
    try:
        return (yield)
    finally:
        gc.freeze()
        gc.set_threshold(ALLOCATIONS, *gc.get_threshold()[1:])
        gc.enable()
