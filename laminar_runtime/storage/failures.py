"""Records of failures in a datastore: one for each failed attempt, written whole, read without the flow's code.

A later attempt does not remove them: a commit says that a split finished, whatever failed before. A resume writes its
own over those of the attempts with the same numbers.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Protocol

from laminar_runtime import _records
from laminar_runtime.exceptions import DamagedError, MissingError
from laminar_runtime.failures.record import Failure, Failures
from laminar_runtime.storage.commits import Record
from laminar_runtime.storage.layout import LayerKey, failures_prefix

__all__ = ["ALL", "SHOWN", "Only", "Readable", "read", "write"]

#: How many failures are read unless the caller asks for more.
SHOWN = 10


@_records.frozen
class Only:
    """Whose failures are asked for.

    Args:
        layer: The layer's name; empty for all layers.
        index: The index of the split; None for all splits.
    """

    layer: str = ""
    index: int | None = None

    def has(self, failure: Failure) -> bool:
        """Return whether a failure is one of those.

        Args:
            failure: The failure.
        """
        return self.layer in {"", failure.layer} and self.index in {None, failure.index}


#: The failures of all layers and splits.
ALL = Only()


class Readable(Protocol):
    """What reading takes of a transport: `laminar_runtime.configurations.datastores.transport` has all of one."""

    def get(self, key: str) -> bytes:
        """Read an object, or raise `MissingError`."""

    def names(self, prefix: str) -> list[str]:
        """List the names directly below a prefix, without those that begin with a dot."""


def write(put: Callable[[str, bytes], None], key: LayerKey, failure: Failure) -> None:
    """Write the record of a failed attempt, all of it or nothing.

    Args:
        put: Stores an object, as a transport does.
        key: The layer.
        failure: The failure.
    """
    put(key.failure(failure.index, failure.attempt), failure.to_json())


def read(
    transport: Readable, key: LayerKey, *, most: int = SHOWN, every: bool = False, index: int | None = None
) -> Failures:
    """Read the failures of an execution: of each layer and split that has not finished, the last one.

    Args:
        transport: Where from.
        key: The layer; with '' as its name, all layers of the execution.
        most: How many layers and splits are read. All are counted.
        every: Whether to read those of all attempts, also of layers and splits that finished later.
        index: The only split to read of each layer; None for all.

    Returns:
        The failures, in the order of the layers' names, splits and attempts.
    """
    flow, execution = key.flow, key.execution
    folders = [key.layer] if key.layer else transport.names(failures_prefix(flow, execution))
    found: list[tuple[LayerKey, int, list[int]]] = []
    for one in (LayerKey(flow, execution, folder) for folder in folders):
        attempts = _attempts(transport.names(one.failures))
        attempts = attempts if index is None else {index: attempts[index]} if index in attempts else {}
        finished = set() if every or not attempts else _splits_with_commit(transport, one, attempts)
        found += [(one, split, attempts[split]) for split in sorted(attempts.keys() - finished)]
    shown: list[Failure] = []
    notes: list[str] = []
    for one, split, recorded in found[:most]:
        records = sorted(_read_all(transport, one, split, recorded, notes), key=lambda record: record.time)
        shown += records if every else records[-1:]
    count = sum(len(recorded) for _, _, recorded in found) if every else len(found)
    return Failures(tuple(shown), count, tuple(notes))


def _attempts(names: Iterable[str]) -> dict[int, list[int]]:
    """Return the attempts with a record, by the index of the split. Other names are left out."""
    found: dict[int, list[int]] = {}
    for name in names:
        index, _, rest = name.partition(".")
        attempt, _, extension = rest.partition(".")
        if index.isdecimal() and attempt.isdecimal() and extension == "json":
            found.setdefault(int(index), []).append(int(attempt))
    return found


def _splits_with_commit(transport: Readable, key: LayerKey, failed: Iterable[int]) -> set[int]:
    """Return which splits finished, of those that failed before."""
    try:
        record = Record.loads(transport.get(key.record), key=key.record)
    except MissingError:
        names = (name.removesuffix(".json") for name in transport.names(key.splits))
        return {int(name) for name in names if name.isdecimal()}
    # Of a fan-out that tolerates failures, some splits did not finish.
    return set(failed) - set(record.failed)


def _read_all(
    transport: Readable, key: LayerKey, index: int, attempts: Iterable[int], notes: list[str]
) -> Iterable[Failure]:
    for path in (key.failure(index, attempt) for attempt in sorted(attempts)):
        try:
            yield Failure.from_json(transport.get(path), key=path)
        except MissingError:
            continue
        except DamagedError as error:
            notes.append(str(error))
