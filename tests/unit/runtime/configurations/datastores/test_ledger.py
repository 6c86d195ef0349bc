"""The ledger of what finished needs nothing but a transport."""

from __future__ import annotations

import pytest

from laminar_runtime.configurations.datastores.ledger import Ledger
from laminar_runtime.exceptions import MissingError
from laminar_runtime.storage.archives import Archive, Artifact
from laminar_runtime.storage.commits import Commit
from laminar_runtime.storage.layout import LayerKey
from tests.support.transports import Dictionary

KEY = LayerKey("Report", "e1", "Load")
ONE, OTHER = (Archive((Artifact("builtins.int", digit * 64, "json"),), sharded=False) for digit in "ab")


def test_one_attempt_finishes_a_layer() -> None:
    ledger = Ledger(Dictionary())
    assert ledger.read_record(KEY) is None
    assert ledger.commit(KEY, index=0, commit=Commit("1-a", {"rows": ONE}), fans_out=False)
    assert not ledger.commit(KEY, index=0, commit=Commit("2-b", {"rows": OTHER}), fans_out=False)
    commit = ledger.read_commit(KEY, index=0)
    assert commit is not None
    assert (commit.attempt, ledger.attributes(KEY, index=0, record=None)) == ("1-a", {"rows"})


def test_splits_are_joined_when_all_of_them_finished() -> None:
    transport = Dictionary()
    ledger = Ledger(transport)
    for index, archive in enumerate([ONE, OTHER]):
        transport.put(KEY.archive(index, "rows", "1-a"), archive.dumps())
        assert ledger.commit(KEY, index=index, commit=Commit("1-a", {"rows": archive}), fans_out=True)
        assert ledger.finished_splits(KEY, splits=2) == {*range(index + 1)}
    assert ledger.join(KEY, name="rows", splits=2).artifacts == (*ONE.artifacts, *OTHER.artifacts)
    assert transport.exists(KEY.join_archive("rows"))


def test_an_attribute_that_no_split_assigned_is_missing() -> None:
    ledger = Ledger(Dictionary())
    ledger.commit(KEY, index=0, commit=Commit("1-a", {"rows": ONE}), fans_out=False)
    with pytest.raises(MissingError, match=r"stored at dictionary/Report/archives/e1/Load/0/1-a/other\.json"):
        ledger.read_archive(KEY, index=0, name="other")
