"""The garbage collector leaves out what was there before the first test, and finds the rest."""

from __future__ import annotations

import gc
import weakref


def test_it_leaves_out_what_was_collected_before_the_tests() -> None:
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
