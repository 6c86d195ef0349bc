"""The garbage collector leaves out what was there before the first test, and finds the rest."""

from __future__ import annotations

import contextlib
import gc
import weakref

from tests import memory


def test_it_leaves_out_what_was_collected_before_the_tests() -> None:
    """The hook is run again here: a rehearsal in this process may have undone what it did before the tests."""
    hook = memory.pytest_collection()
    next(hook)
    assert not gc.isenabled()
    with contextlib.suppress(StopIteration):
        next(hook)
    assert gc.isenabled()
    assert gc.get_freeze_count() > 10_000


def test_it_finds_the_cycles_of_a_test() -> None:
    class Node:
        own: Node

    node = Node()
    node.own = node
    known = weakref.ref(node)
    del node
    gc.collect()

    assert known() is None
