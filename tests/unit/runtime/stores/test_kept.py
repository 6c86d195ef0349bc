"""What the layers of one job store is kept in memory, too."""

from __future__ import annotations

from pathlib import Path

import pytest

from laminar_runtime.configurations import datastores
from laminar_runtime.configurations.datastores import kept
from laminar_runtime.configurations.datastores.kept import KeptTransport, memory_folder
from laminar_runtime.storage.layout import LayerKey
from tests.support.transports import Dictionary

KEY = LayerKey("F", "e1", "A")


class Counting(Dictionary):
    """A transport that counts how often it is read."""

    read = 0

    def get(self, key: str) -> bytes:
        self.read += 1
        return super().get(key)


def store_in(inner: Dictionary, folder: Path) -> datastores.DataStore:
    """Return a datastore as the process of a layer has it."""
    return datastores.DataStore(KeptTransport(inner, str(folder)))


def test_a_reader_decodes_its_own_copy(tmp_path: Path) -> None:
    """No request is made for what another process of the job stored, and all of it is stored as well."""
    inner = Counting()
    archive = store_in(inner, tmp_path).write(KEY, index=0, name="x", values=[[1, 2]], sharded=False, attempt="1-a")
    (artifact,) = archive.artifacts
    one, other = (store_in(inner, tmp_path).read_artifact("F", artifact) for _ in range(2))
    assert (one, other, inner.read) == ([1, 2], [1, 2], 0)
    one.append(3)
    assert store_in(inner, tmp_path).read_artifact("F", artifact) == [1, 2]
    assert datastores.DataStore(inner).read_artifact("F", artifact) == [1, 2]
    assert inner.read == 1


def test_what_is_not_named_after_its_bytes_is_not_kept(tmp_path: Path) -> None:
    """It may change: commits, records and notes are read from where they are."""
    inner = Counting()
    transport = KeptTransport(inner, str(tmp_path))
    transport.put("note", b"1")
    inner.put("note", b"2")
    assert (transport.get("note"), transport.exists("note"), [*tmp_path.iterdir()]) == (b"2", True, [])


def test_a_copy_that_does_not_fit_is_none(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The layers need the memory: it is read from where it is stored."""
    monkeypatch.setattr(kept, "_SHARE", 10**18)
    inner = Counting()
    archive = store_in(inner, tmp_path).write(KEY, index=0, name="x", values=["text"], sharded=False, attempt="1-a")
    assert store_in(inner, tmp_path).read_artifact("F", archive.artifacts[0]) == "text"
    assert (inner.read, [*tmp_path.iterdir()]) == (1, [])
    monkeypatch.setattr(kept, "_MEMORY", str(tmp_path / "nothing"))
    assert memory_folder() is None
