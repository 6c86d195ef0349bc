"""The output of tasks that ran as processes of a machine: text, kept at the end of each attempt.

On AWS it is in CloudWatch Logs. Tasks in threads print to their program's own output, and nothing of it is kept here.
"""

from __future__ import annotations

import contextlib

from laminar_runtime.exceptions import DatastoreError, MissingError
from laminar_runtime.failures import redaction
from laminar_runtime.storage.failures import Readable
from laminar_runtime.storage.layout import LayerKey
from laminar_runtime.storage.runs import Writable

__all__ = ["explain_absence", "explain_range", "keep", "read"]


def keep(storage: Writable, key: LayerKey, index: int, attempt: int, text: str) -> None:
    """Keep the output of an attempt, if there is any, without the values of secrets that this process knows.

    That it cannot be kept does not fail the task.

    Args:
        storage: The transport of the datastore.
        key: The layer.
        index: The split's index.
        attempt: The attempt, from 1.
        text: The output.
    """
    if text:
        with contextlib.suppress(DatastoreError, OSError):
            storage.put(key.output(index, attempt), redaction.redact(text).encode(errors="backslashreplace"))


def read(storage: Readable, key: LayerKey, index: int) -> list[tuple[int, list[str]]]:
    """Return the lines that the attempts at a split printed, with their numbers.

    Args:
        storage: The transport of the datastore.
        key: The layer.
        index: The split's index.
    """
    names = (name.removesuffix(".txt") for name in storage.names(f"{key.outputs}{index}/"))
    found: list[tuple[int, list[str]]] = []
    for attempt in sorted(int(name) for name in names if name.isdecimal()):
        with contextlib.suppress(MissingError):
            found.append((attempt, storage.get(key.output(index, attempt)).decode(errors="replace").splitlines()))
    return found


def explain_absence(layer: str, index: int, execution: str) -> str:
    """Return why there may be no output of a task.

    Args:
        layer: The layer's name.
        index: The index of the split.
        execution: The execution's id.
    """
    return (
        f"there is no output of {layer}[{index}] in execution {execution}: it has not ended, printed nothing, or ran "
        "in a thread, whose output is that of its program"
    )


def explain_range(layer: str, index: int, splits: int, execution: str) -> str:
    """Return that a layer has no split of an index, and which it has.

    Args:
        layer: The layer's name.
        index: The index that it does not have.
        splits: The number of its splits.
        execution: The execution, as a message names it.

    Example:
        >>> explain_range("Train", 9, 3, "execution e1")
        'there is no Train[9] in execution e1: its splits are Train[0] to Train[2]'
        >>> explain_range("Load", 9, 1, "execution e1")
        "there is no Load[9] in execution e1: layer 'Load' has one task, Load[0]"
    """
    few = {0: "it has no split", 1: f"layer '{layer}' has one task, {layer}[0]"}
    known = few.get(splits, f"its splits are {layer}[0] to {layer}[{splits - 1}]")
    return f"there is no {layer}[{index}] in {execution}: {known}"
