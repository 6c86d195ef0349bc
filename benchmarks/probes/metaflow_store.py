"""Metaflow's datastore: an artifact, or many of them, of one task."""

from __future__ import annotations

import os
from typing import Any

import values
from metaflow.datastore import FlowDataStore
from metaflow.plugins.datastores.local_storage import LocalStorage
from metaflow.plugins.datastores.s3_storage import S3Storage


def _task(root: str, mode: str) -> Any:
    kind = S3Storage if root.startswith("s3://") else LocalStorage
    if kind is LocalStorage:
        os.makedirs(root, exist_ok=True)  # noqa: PTH103 - Metaflow's own Python may be older than ours
    store = FlowDataStore("Bench", None, storage_impl=kind, ds_root=root)
    return store.get_task_datastore("benchmark", "layer", "1", attempt=0, mode=mode, allow_not_done=True)


def _write(root: str, value: Any) -> None:
    task = _task(root, "w")
    task.init_task()
    many = value if isinstance(value, list) else [value]
    task.save_artifacts((f"value_{at}", item) for at, item in enumerate(many))
    task.done()


def _read(root: str) -> Any:
    task = _task(root, "r")
    names = [name for name, _ in task.items()]
    found = dict(task.load_artifacts(names))
    many = [found[f"value_{at}"] for at in range(len(names))]
    return many if len(many) > 1 else many[0]


values.main(_write, _read)
