"""Submission hooks that failed while a layer was planned: each is a failed attempt, as on the local scheduler.

The planner ends with `SubmissionError`, and the state that asked it waits as the layer's `Retry` says and asks again.
What the next attempt goes by, its number and the configurations that retry hooks left, is kept in the datastore.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from laminar_runtime import values
from laminar_runtime.artifacts import LayerKey
from laminar_runtime.configurations.datastores import DataStore
from laminar_runtime.configurations.layers import Configuration, Container, Retry
from laminar_runtime.exceptions import MissingError

__all__ = ["after_failures", "note_failure"]


def after_failures(
    store: DataStore, key: LayerKey, drive: str, attempt: int, planned: dict[int, Configuration]
) -> tuple[int, dict[int, Configuration]]:
    """The attempt that a layer is at, if planning it failed before, and the configurations of its splits.

    Args:
        store: The flow's datastore.
        key: The layer.
        drive: Which of the resumes and redrives of the execution it is: each counts for itself.
        attempt: The attempt without such failures, from 1.
        planned: The configurations of its splits without them, by index.
    """
    while (noted := _read(store, key, drive, attempt)) is not None:
        for index, configuration in planned.items():
            if (left := noted.get(str(index))) is not None:
                configuration.container, configuration.retry = Container(**left["container"]), Retry(**left["retry"])
        attempt += 1
    return attempt, planned


def note_failure(
    store: DataStore, key: LayerKey, drive: str, attempt: int, planned: Mapping[int, Configuration]
) -> None:
    """Keep what the next attempt goes by.

    Args:
        store: The flow's datastore.
        key: The layer.
        drive: Which of the resumes and redrives of the execution it is.
        attempt: The attempt that failed, from 1.
        planned: The configurations of the splits, as hooks left them, by index.
    """
    left = {
        str(index): {"container": values.plain(one.container), "retry": values.plain(one.retry)}
        for index, one in planned.items()
    }
    store.write_bytes(path=_path(key, drive, attempt), content=json.dumps(left, separators=(",", ":")).encode())


def _read(store: DataStore, key: LayerKey, drive: str, attempt: int) -> dict[str, dict[str, dict[str, Any]]] | None:
    try:
        content = store.read_bytes(path=_path(key, drive, attempt))
    except MissingError:
        return None
    noted: dict[str, dict[str, dict[str, Any]]] = json.loads(content)
    return noted


def _path(key: LayerKey, drive: str, attempt: int) -> str:
    return key.listed(f"submission-{drive}-{attempt}")
