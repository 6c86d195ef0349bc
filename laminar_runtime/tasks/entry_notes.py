"""Notes on whether layers run that may be skipped and share a job.

Such a layer decides in its own process. A process may end at any moment, and the job may start again. So what was
decided first is noted, and holds for each later attempt and each later start of the job: hooks are asked again only
where no answer is noted. The planner's answer for other layers is kept by the state machine.

``.entry/<drive>.json: {"enters": true}``
"""

from __future__ import annotations

import json
from collections.abc import Callable

from laminar_runtime.configurations.datastores import DataStore
from laminar_runtime.exceptions import DamagedError, MissingError
from laminar_runtime.storage.layout import LayerKey

__all__ = ["decide", "read"]


def decide(store: DataStore, key: LayerKey, drive: str, ask: Callable[[], bool]) -> bool:
    """Return whether a layer runs: as was noted, else as it is asked now, which is noted.

    Args:
        store: The flow's datastore.
        key: The layer.
        drive: The resume or redrive of the execution.
        ask: Asks the layer's entry hooks. If it fails, nothing is noted.

    Raises:
        DamagedError: If the note cannot be read.
    """
    noted = read(store, key, drive)
    if noted is not None:
        return noted
    enters = ask()
    if store.transport.create(key.entry(drive), json.dumps({"enters": enters}).encode()):
        return enters
    # A process that was taken for dead was sooner.
    noted = read(store, key, drive)
    return enters if noted is None else noted


def read(store: DataStore, key: LayerKey, drive: str) -> bool | None:
    """Return whether a layer runs, as was noted; None if nothing is noted.

    Args:
        store: The flow's datastore.
        key: The layer.
        drive: The resume or redrive of the execution.

    Raises:
        DamagedError: If the note cannot be read.
    """
    name = key.entry(drive)
    try:
        content = store.transport.get(name)
    except MissingError:
        return None
    try:
        enters = json.loads(content)["enters"]
        if not isinstance(enters, bool):
            raise TypeError("whether the layer runs is neither true nor false")
    except (KeyError, RecursionError, TypeError, ValueError) as error:
        raise DamagedError(f"{name} is damaged: {error}") from error
    return enters
