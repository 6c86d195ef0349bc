"""What SHA-256 is computed by: OpenSSL takes longer to load than little takes to digest."""

from __future__ import annotations

import hashlib
import sys

import pytest

from laminar_runtime.pickling import digests
from tests.support.harness import Folder

PARTS = (b"la", bytearray(b"min"), memoryview(b"ar"))


@pytest.mark.parametrize("lean", [True, False], ids=["with", "without"])
def test_one_digest(monkeypatch: pytest.MonkeyPatch, *, lean: bool) -> None:
    """A digest is the same whatever computes it: Python may lack the module that does without OpenSSL."""
    monkeypatch.delitem(sys.modules, "hashlib")
    if not lean:
        monkeypatch.setitem(sys.modules, "_sha2", None)
        monkeypatch.setitem(sys.modules, "_sha256", None)
    assert digests.sha256(*PARTS) == hashlib.sha256(b"laminar").hexdigest()


@pytest.mark.integration
@pytest.mark.parametrize(("size", "loaded"), [(1000, False), (2**20, True)], ids=["little", "much"])
def test_little_needs_no_openssl(size: int, *, loaded: bool, folder: Folder) -> None:
    """A task that stores and reads little does not load OpenSSL, and one that stores more has it digest that."""
    code = f"""
    import os, sys
    from laminar_runtime.configurations import datastores
    from laminar_runtime.storage.layout import LayerKey

    store = datastores.Memory()
    archive = store.write(LayerKey("F", "e1", "L"), index=0, name="x", values=[os.urandom({size})], sharded=False)
    assert len(store.read("F", archive)) == {size}
    print("hashlib" in sys.modules)
    """
    assert folder.run(code) == str(loaded)
