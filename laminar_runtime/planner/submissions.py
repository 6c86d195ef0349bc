"""Failures of submission hooks in the planner. Each is a failed attempt of its split, as with the local scheduler.

The planner ends with `SubmissionError`. The state that invoked it waits according to the layer's `Retry`, and invokes
it again. The datastore keeps the state between: for a split whose hook failed, the next attempt with the configuration
after its retry hooks; for another split, the configuration after its submission hooks, which are called only once.
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

__all__ = ["Split", "after_failures", "store_failure"]


@_records.frozen
class Split:
    """A split of a plan.

    Args:
        configuration: Its configuration after its hooks.
        attempt: The attempt, from 1.
        submitted: Whether its submission hooks have succeeded for this attempt.
        lost: Whether it failed for good: a hook failed, and no attempt is left.
    """

    configuration: Configuration
    attempt: int
    submitted: bool = False
    lost: bool = False


def after_failures(
    store: DataStore, key: LayerKey, drive: str, number: int, planned: Mapping[int, Split]
) -> tuple[int, dict[int, Split]]:
    """Return the splits of a plan after earlier failures of submission hooks.

    Args:
        store: The flow's datastore.
        key: The layer.
        drive: The number of the resume or redrive of the execution. Each has its own attempts.
        number: The number of the plan without the failures, from 1.
        planned: The splits without the failures, by index.

    Returns:
        The number of the plan with the failures, and the splits.
    """
    found = dict(planned)
    while (stored := _read(store, key, drive, number)) is not None:
        for index, split in found.items():
            if (left := stored.get(str(index))) is not None:
                configuration = split.configuration
                configuration.container = _records.evolve(configuration.container, **left["container"])
                configuration.retry = Retry(**left["retry"])
                found[index] = Split(configuration, left["attempt"], left["submitted"], left.get("lost", False))
        number += 1
    return number, found


def changes_of(container: Container, registered: Container) -> dict[str, Any]:
    """Return the fields that hooks changed, for JSON: other fields may hold what is not JSON, such as a variable.

    Args:
        container: The container after the hooks.
        registered: The container that the layer was registered with.
    """
    return {name: value for name, value in _records.plain(container).items() if getattr(registered, name) != value}


def store_failure(  # noqa: PLR0913, PLR0917 - the state of an attempt
    store: DataStore, key: LayerKey, drive: str, number: int, planned: Mapping[int, Split], registered: Container
) -> None:
    """Store the state for the planner's next invocation.

    Args:
        store: The flow's datastore.
        key: The layer.
        drive: The number of the resume or redrive of the execution.
        number: The number of the plan that failed, from 1.
        planned: The splits for the next invocation, by index.
        registered: The container that the layer was registered with.
    """
    left = {
        str(index): {
            "container": changes_of(split.configuration.container, registered),
            "retry": split.configuration.retry.numbers(),
            "attempt": split.attempt,
            "submitted": split.submitted,
            **({"lost": True} if split.lost else {}),
        }
        for index, split in planned.items()
    }
    store.transport.put(_path(key, drive, number), json.dumps(left, separators=(",", ":")).encode())


def _read(store: DataStore, key: LayerKey, drive: str, number: int) -> dict[str, dict[str, Any]] | None:
    try:
        content = store.transport.get(_path(key, drive, number))
    except MissingError:
        return None
    stored: dict[str, dict[str, Any]] = json.loads(content)
    return stored


def _path(key: LayerKey, drive: str, number: int) -> str:
    return key.index_list(f"submission-{drive}-{number}")
