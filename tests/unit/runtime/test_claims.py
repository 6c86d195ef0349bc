"""Claims of splits: each split has one child, also if requests fail, and if children die and start again."""

from __future__ import annotations

import pytest

from laminar_runtime.configurations.datastores import Memory
from laminar_runtime.exceptions import DatastoreError
from laminar_runtime.splits.claims import Claims
from laminar_runtime.storage.claims import Owner
from tests.support.transports import Dictionary, Recording


def claims(store: Dictionary | Recording, place: int = 0, children: int = 2, start: int = 1, splits: int = 6) -> Claims:
    owner = Owner(f"job:{place}", start)
    return Claims(store, "c/", owner=owner, splits=range(splits), place=place, children=children)


def test_each_child_takes_its_own_share_with_one_request_for_a_split() -> None:
    """A child does not look at what others claimed as long as its own share lasts."""
    store = Recording(Dictionary())
    child = claims(store, place=1)
    assert [child.take() for _ in range(3)] == [1, 3, 5]
    assert store.requests == [("create", "c/1"), ("create", "c/3"), ("create", "c/5")]


def test_a_child_that_is_done_takes_the_splits_of_others() -> None:
    """Uneven splits balance themselves."""
    store = Dictionary()
    slow, fast = claims(store), claims(store, place=1)
    assert slow.take() == 0
    assert {fast.take() for _ in range(5)} == {1, 2, 3, 4, 5}
    assert (slow.take(), fast.take()) == (None, None)


def test_another_start_of_a_child_finds_its_claims_that_have_not_ended() -> None:
    """It leaves out those that finished, that failed, or that are of other children."""
    store = Dictionary()
    first, other = claims(store), claims(store, place=1)
    assert [first.take() for _ in range(3)] == [0, 2, 4]
    assert other.take() == 1
    first.fail(2)
    again = claims(store, start=2)
    again.leave_out({0})
    assert again.own() == ([4], [2])
    assert {again.take(), again.take()} == {3, 5}
    assert again.take() is None


def test_a_claim_of_an_earlier_start_that_is_stored_late_is_found() -> None:
    """The request of a dead start may still be on its way when the next one begins."""
    store = Dictionary()
    first = claims(store, children=1, splits=3)
    assert first.take() == 0
    again = claims(store, children=1, start=2, splits=3)
    assert again.own() == ([0], [])
    assert first.take() == 1
    assert (again.take(), again.take()) == (2, None)
    assert again.own() == ([1], [])
    assert again.own() == ([], [])


def test_a_claim_of_ones_own_that_seems_refused_counts() -> None:
    """A request that was repeated after an error of the network may find its own object."""

    class Repeating(Dictionary):
        def create(self, key: str, content: bytes) -> bool:
            super().create(key, content)
            return False

    assert claims(Repeating()).take() == 0  # type: ignore[arg-type]


def test_a_claim_of_an_earlier_start_is_not_taken_for_ones_own() -> None:
    """A container that was taken for dead may still run, and claim splits."""
    store = Dictionary()
    assert claims(store, splits=2).take() == 0
    again = claims(store, start=2, splits=2)
    assert again.take() == 1


def test_a_store_that_refuses_and_has_nothing_is_an_error() -> None:
    """Without a claim no split runs."""

    class Refusing(Dictionary):
        def create(self, key: str, content: bytes) -> bool:
            return False

    with pytest.raises(DatastoreError, match="dictionary/c/0 can neither be created nor read"):
        claims(Refusing()).take()  # type: ignore[arg-type]


def test_claims_are_kept_by_a_datastore() -> None:
    """The datastores of flows have what claims need."""
    child = Claims(Memory().transport, "c/", owner=Owner("job"), splits=[3], place=0, children=1)
    assert (child.take(), child.take()) == (3, None)
