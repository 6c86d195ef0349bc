"""Our datastore: an artifact, or a sharded one of many."""

from __future__ import annotations

from typing import Any

import values

from laminar_runtime.configurations import datastores
from laminar_runtime.storage.commits import Commit
from laminar_runtime.storage.layout import LayerKey

_KEY = LayerKey("Bench", "benchmark", "Layer")


def _store(root: str) -> datastores.DataStore:
    return datastores.from_root(root, datastores.Memory())


def _write(root: str, value: Any) -> None:
    sharded = isinstance(value, list)
    _store(root).write(_KEY, index=0, name="value", values=value if sharded else [value], sharded=sharded)


def _read(root: str) -> Any:
    store = _store(root)
    return store.read(_KEY.flow, store.ledger.read_of_commit(_KEY, index=0, name="value", commit=Commit()))


values.main(_write, _read)
