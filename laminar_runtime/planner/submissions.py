"""Submission hooks that failed while a layer was planned: each is a failed attempt of its split, as it is locally.

The planner ends with `SubmissionError`, and the state that asked it waits as the layer's `Retry` says and asks again.
What it is asked for then is kept in the datastore: of splits whose hooks had failed the next attempt, with the
configuration that retry hooks left, and of the others what their hooks had wanted, so that these are called once.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from laminar_runtime import _records
from laminar_runtime.configurations.datastores import DataStore
from laminar_runtime.configurations.layers import Configuration, Container, Retry
from laminar_runtime.exceptions import MissingError
from laminar_runtime.storage.layout import LayerKey

__all__ = ["Split", "after_failures", "note_failure"]


@_records.frozen
class Split:
    """A split that is planned.

    Args:
        configuration: Its configuration, as its hooks left it.
        attempt: The attempt, from 1.
        submitted: Whether its submission hooks have ended well at this attempt.
    """

    configuration: Configuration
    attempt: int
    submitted: bool = False


def after_failures(
    store: DataStore, key: LayerKey, drive: str, number: int, planned: Mapping[int, Split]
) -> tuple[int, dict[int, Split]]:
    """What is left to plan, if planning it failed before.

    Args:
        store: The flow's datastore.
        key: The layer.
        drive: Which of the resumes and redrives of the execution it is: each counts for itself.
        number: The number of the plan without such failures, from 1.
        planned: The splits without them, by index.

    Returns:
        The number of the plan with them, and the splits.
    """
    found = dict(planned)
    while (noted := _read(store, key, drive, number)) is not None:
        for index, split in found.items():
            if (left := noted.get(str(index))) is not None:
                configuration = split.configuration
                configuration.container, configuration.retry = Container(**left["container"]), Retry(**left["retry"])
                found[index] = Split(configuration, left["attempt"], left["submitted"])
        number += 1
    return number, found


def note_failure(store: DataStore, key: LayerKey, drive: str, number: int, planned: Mapping[int, Split]) -> None:
    """Keep what the planner goes by when it is asked again.

    Args:
        store: The flow's datastore.
        key: The layer.
        drive: Which of the resumes and redrives of the execution it is.
        number: The number of the plan that failed, from 1.
        planned: The splits as they are then, by index.
    """
    left = {
        str(index): {
            "container": _records.plain(split.configuration.container),
            "retry": _records.plain(split.configuration.retry),
            "attempt": split.attempt,
            "submitted": split.submitted,
        }
        for index, split in planned.items()
    }
    store.transport.put(_path(key, drive, number), json.dumps(left, separators=(",", ":")).encode())


def _read(store: DataStore, key: LayerKey, drive: str, number: int) -> dict[str, dict[str, Any]] | None:
    try:
        content = store.transport.get(_path(key, drive, number))
    except MissingError:
        return None
    noted: dict[str, dict[str, Any]] = json.loads(content)
    return noted


def _path(key: LayerKey, drive: str, number: int) -> str:
    return key.listed(f"submission-{drive}-{number}")
