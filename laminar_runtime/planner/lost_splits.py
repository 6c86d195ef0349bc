"""Splits that failed for good although no job of theirs is left: a hook of theirs failed, or an earlier attempt did.

A fan-out that tolerates failures goes on without them, as it does on this machine.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import TYPE_CHECKING, Any

from laminar_runtime import progress
from laminar_runtime.configurations.failures import tolerable
from laminar_runtime.exceptions import ExecutionError, TaskError
from laminar_runtime.failures import reports
from laminar_runtime.storage.claims import note_begin
from laminar_runtime.tasks import failure_records

if TYPE_CHECKING:
    from laminar_runtime.execution import Execution

__all__ = ["find_losses", "most", "tolerate"]


def most(execution: Execution, name: str, splits: int) -> int:
    """Return how many splits of a layer may fail.

    Args:
        execution: The execution.
        name: The layer.
        splits: The number of its splits.
    """
    return tolerable(execution.layer(name).configuration.foreach.tolerated_failures, splits)


def find_losses(execution: Execution, name: str, splits: int, planned: Collection[int]) -> set[int]:
    """Return the splits that have not finished and do not run again: they failed for good in an earlier attempt.

    Args:
        execution: The execution.
        name: The layer.
        splits: The number of its splits.
        planned: Those that run again.
    """
    if not most(execution, name, splits):
        return set()
    done = execution.datastore.ledger.finished_splits(execution.key(execution.layer(name)), splits=splits)
    return {*range(splits)} - done - {*planned}


def tolerate(  # noqa: PLR0913, PLR0917 - what is known of the failures
    execution: Execution,
    name: str,
    splits: int,
    drive: str,
    lost: set[int],
    errors: Mapping[int, tuple[int, ExecutionError]],
) -> None:
    """Leave records of splits whose hooks failed for good, if the layer tolerates all splits that are lost.

    Args:
        execution: The execution.
        name: The layer.
        splits: The number of its splits.
        drive: The resume or redrive of the execution.
        lost: All splits that failed for good.
        errors: The last attempts of those whose hooks failed, with the errors.

    Raises:
        ExecutionError: If more splits failed than the layer tolerates.
    """
    if len(lost) > most(execution, name, splits):
        raise next(error for _, error in errors.values())
    layer = execution.layer(name)
    store, key = execution.datastore, execution.key(layer)
    for index, (attempt, error) in errors.items():
        note_begin(store.transport.put, key, drive, index)
        place = {"flow": key.flow, "execution": key.execution, "layer": name}
        known: dict[str, Any] = {**place, **reports.Report.of(error.__cause__ or error).facts}
        failed = TaskError(str(error), **known, index=index, splits=splits, attempt=attempt)
        failure_records.record(store, key, failed, 0)
        progress.logger().warning("%s", failed)
