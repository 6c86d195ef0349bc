"""The ledger of what finished stands on a transport alone: four methods that move bytes are enough for it."""

from __future__ import annotations

import pytest

from laminar_runtime import _records
from laminar_runtime.configurations.datastores.ledger import Ledger
from laminar_runtime.configurations.datastores.transport import Transport
from laminar_runtime.exceptions import MissingError
from laminar_runtime.storage.archives import Archive, Artifact
from laminar_runtime.storage.commits import Commit
from laminar_runtime.storage.layout import LayerKey

KEY = LayerKey("Report", "e1", "Load")
ONE, OTHER = (Archive((Artifact("builtins.int", digit * 64, "json"),), sharded=False) for digit in "ab")


@_records.define(eq=False)
class Dictionary(Transport):
    """The smallest transport."""

    stored: dict[str, bytes] = _records.field(factory=dict)

    def exists(self, *, path: str) -> bool:
        return path in self.stored

    def read_bytes(self, *, path: str) -> bytes:
        if path not in self.stored:
            raise MissingError(path)
        return self.stored[path]

    def write_bytes(self, *, path: str, content: bytes) -> None:
        self.stored[path] = content

    def names(self, *, prefix: str) -> list[str]:
        rest = (path.removeprefix(prefix) for path in self.stored if path.startswith(prefix))
        return sorted({path.partition("/")[0] for path in rest})


def test_one_attempt_finishes_a_layer() -> None:
    ledger = Ledger(Dictionary("memory"))
    assert ledger.read_record(KEY) is None
    assert ledger.commit(KEY, index=0, commit=Commit("1-a", {"rows": ONE}), fans_out=False)
    assert not ledger.commit(KEY, index=0, commit=Commit("2-b", {"rows": OTHER}), fans_out=False)
    commit = ledger.read_commit(KEY, index=0)
    assert commit is not None
    assert (commit.attempt, ledger.attributes(KEY, index=0, record=None)) == ("1-a", {"rows"})


def test_splits_are_joined_when_all_of_them_finished() -> None:
    transport = Dictionary("memory")
    ledger = Ledger(transport)
    for index, archive in enumerate([ONE, OTHER]):
        transport.write_bytes(path=KEY.archive(index, "rows", "1-a"), content=archive.dumps())
        assert ledger.commit(KEY, index=index, commit=Commit("1-a", {"rows": archive}), fans_out=True)
        assert ledger.finished_splits(KEY, splits=2) == {*range(index + 1)}
    assert ledger.join(KEY, name="rows", splits=2).artifacts == (*ONE.artifacts, *OTHER.artifacts)
    assert transport.exists(path=KEY.joined("rows"))


def test_an_attribute_that_no_split_assigned_is_missing() -> None:
    ledger = Ledger(Dictionary("memory"))
    ledger.commit(KEY, index=0, commit=Commit("1-a", {"rows": ONE}), fans_out=False)
    with pytest.raises(MissingError, match=r"stored at memory/Report/archives/e1/Load/0/1-a/other\.json"):
        ledger.read_archive(KEY, index=0, name="other")
