"""The attributes of a layer of an execution, read from the datastore on use.

layer.attribute -> element of the split | record, or commit -> archive -> value
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from laminar_runtime import task_environment
from laminar_runtime.exceptions import ExecutionError, MissingError, UnsetError
from laminar_runtime.introspection.attributes import quote
from laminar_runtime.splits import fanout
from laminar_runtime.storage.archives import Archive
from laminar_runtime.storage.commits import Record

if TYPE_CHECKING:
    from laminar_runtime.layer import Layer

__all__ = ["read", "read_record", "unset_error"]


def read(layer: Layer, name: str) -> Any:
    """Read an attribute of a layer of an execution.

    Args:
        layer: The layer, of an execution.
        name: The attribute.

    Returns:
        Its value.

    Raises:
        UnsetError: If it cannot be read; the message says why.
    """
    private, execution, store = layer._private, layer.execution, layer.execution.datastore  # noqa: SLF001 - the layer's own
    if name in private.elements:
        return store.read_artifact(execution.flow_name, private.elements[name])
    key = execution.key(layer, read=name)
    if layer.index is not None and layer.state.running:
        raise UnsetError(f"layer '{layer.name}' has no attribute '{name}': it has not assigned it")
    try:
        archive = _read_archive_or_input(layer, name)
    except (ExecutionError, MissingError) as error:
        raise unset_error(layer, name, error) from None  # its message has the cause
    return store.read(key.flow, archive)


def _read_archive_or_input(layer: Layer, name: str) -> Archive:
    try:
        return _read_archive(layer, name)
    except MissingError:
        if not _has_parameters(layer):
            raise
        # Another task may have stored them since they were looked for.
        layer.execution.take_input()
        return _read_archive(layer, name)


def _read_archive(layer: Layer, name: str) -> Archive:
    key, store, record = layer.execution.key(layer), layer.execution.datastore, read_record(layer)
    if record is not None:
        return store.ledger.read_whole(key, record=record, index=layer.index, name=name)
    if layer.index is None and layer.configuration.foreach:
        return fanout.archive_of(store, key, name, index=None)
    index = layer.index or 0
    commit = store.ledger.read_split(key, index=index)
    if commit is not None:
        return store.ledger.read_of_commit(key, index=index, name=name, commit=commit)
    # Users who debug a failed split can read what its last attempt assigned. Tasks cannot. Parameters without a record
    # may be those of a start that came second.
    if task_environment.task() is not None or _has_parameters(layer):
        raise MissingError(f"split {index} did not finish: it has no commit at {store.uri(path=key.archives)}")
    return store.ledger.read_without_commit(key, index=index, name=name)


def read_record(layer: Layer, *, read: str = "") -> Record | None:
    """Return the record of a layer of an execution, which is read once.

    Args:
        layer: The layer, of an execution.
        read: The attribute that is read, for the error if a running task must not read the layer.

    Returns:
        The record; None if the layer has not finished.
    """
    private, key = layer._private, layer.execution.key(layer, read=read)  # noqa: SLF001 - the layer's own
    if private.record is None:
        private.record = layer.execution.datastore.ledger.read_record(key)
    return private.record


def unset_error(layer: Layer, name: str, error: ExecutionError | MissingError) -> UnsetError:
    """Return the error for an attribute that cannot be read.

    Args:
        layer: The layer, of an execution.
        name: The attribute.
        error: The error of the datastore.
    """
    execution, key = layer.execution, layer.execution.key(layer)
    if not execution.known:
        return UnsetError(f"flow '{key.flow}' has no execution {key.execution} in {execution.datastore.root}")
    if _has_parameters(layer):
        return UnsetError(
            f"flow '{key.flow}' was called without the parameter {quote(name)} in execution {execution.id}"
        )
    if isinstance(error, MissingError) and error.splits:
        others = f"each(layer, lambda layer: layer.{name}) reads what the others assigned"
        found = UnsetError(f"in execution {execution.id} {error}: {others}")
        found.splits = error.splits
        return found
    return UnsetError(
        f"layer '{layer.name}' has no attribute {quote(name)} in execution {execution.id}. {_ending(layer)}"
    )


def _ending(layer: Layer) -> str:
    """Return a sentence about the end of a layer, or of a split, that did not assign an attribute."""
    if not layer.state.finished:
        return "It did not finish."
    record = read_record(layer)
    if record is None or not record.failed or len(record.failed) < record.splits:
        return "It finished, but did not assign it."
    which = "Its only split" if record.splits == 1 else f"Each of its {record.splits} splits"
    return f"{which} failed, which tolerated_failures allows: each(layer, ...) has no values."


def _has_parameters(layer: Layer) -> bool:
    return hasattr(type(layer), "__laminar_parameters__")
