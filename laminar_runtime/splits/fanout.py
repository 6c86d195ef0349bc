"""The number of splits of a layer, the split of a task, and the elements of each split.

A layer with ``ForEach(parameters=[p, q])`` runs once for each element of the product of p and q. With 2 elements in p
and 3 in q, split 4 reads element 1 of p and element 1 of q: ``divmod(4, 3)``.
"""

from __future__ import annotations

from collections.abc import Sequence

from laminar_runtime.configurations.datastores import DataStore
from laminar_runtime.configurations.layers import ForEach, Parameter
from laminar_runtime.exceptions import ExecutionError, MissingError
from laminar_runtime.storage.archives import Archive, Artifact, Elements
from laminar_runtime.storage.commits import Record
from laminar_runtime.storage.layout import LayerKey
from laminar_runtime.task_environment import TaskContext

__all__ = ["archive_of", "count", "elements", "position", "resolve_index", "some_of"]


def position(index: int, widths: Sequence[int]) -> tuple[int, ...]:
    """Return the position of a split in the grid of the dimensions.

    Args:
        index: The split's index, from 0.
        widths: The number of elements of each dimension.

    Returns:
        The index of the element in each dimension. The last varies fastest.

    Example:
        >>> position(4, [2, 3])
        (1, 1)
    """
    places = []
    for width in reversed(widths):
        index, place = divmod(index, width)
        places.append(place)
    return tuple(reversed(places))


def count(datastore: DataStore, key: LayerKey, foreach: ForEach) -> int:
    """Return the number of splits of a layer in an execution.

    Args:
        datastore: The flow's datastore.
        key: The layer.
        foreach: Its fan-out.

    Returns:
        The number; 1 for a layer without a fan-out.

    Raises:
        ExecutionError: If the layer of a dimension has not finished, or did not write the attribute.
    """
    if not foreach:
        return 1
    if foreach.pipelined:
        return _read_record(datastore, key.of(foreach.parameters[0].name)).splits
    import math  # a task needs none of it

    return math.prod(len(dimension) for dimension in _dimensions(datastore, key, foreach))


def elements(
    datastore: DataStore, key: LayerKey, foreach: ForEach, index: int
) -> tuple[tuple[Parameter, Artifact], ...]:
    """Return the elements of a split.

    Args:
        datastore: The flow's datastore.
        key: The layer.
        foreach: Its fan-out.
        index: The split's index.

    Returns:
        Each dimension with its element.

    Raises:
        ExecutionError: If the layer of a dimension has not finished, or did not write the attribute. In a pipeline, if
            the split with the same index has not finished, or did not write exactly one element.
    """
    if foreach.pipelined:
        return (_own(datastore, key, foreach.parameters[0], index),)
    dimensions = _dimensions(datastore, key, foreach)
    places = position(index, [len(dimension) for dimension in dimensions])
    found = (dimension.read(place) for dimension, place in zip(dimensions, places, strict=True))
    return tuple(zip(foreach.parameters, found, strict=True))


def resolve_index(datastore: DataStore, context: TaskContext) -> TaskContext:
    """Return a task with its index, which may have to be read from the plan of its layer.

    Args:
        datastore: The flow's datastore.
        context: The task.
    """
    return context.resolve(lambda name: datastore.transport.get(context.key.index_list(name)).decode())


def archive_of(datastore: DataStore, key: LayerKey, attribute: str, *, index: int | None) -> Archive:
    """Return the archive of an attribute of a finished layer.

    Args:
        datastore: The flow's datastore.
        key: The layer.
        attribute: The attribute.
        index: The split that wrote it; None for all splits joined.

    Raises:
        ExecutionError: If the layer has not finished.
        MissingError: If the layer did not write the attribute.
    """
    return datastore.ledger.read_whole(key, record=_read_record(datastore, key), index=index, name=attribute)


def some_of(datastore: DataStore, key: LayerKey, attribute: str, *, index: int | None) -> tuple[Archive, int]:
    """Return the archive of an attribute of a finished layer, over the splits that assigned it.

    Args:
        datastore: The flow's datastore.
        key: The layer.
        attribute: The attribute.
        index: The split to read; None for all splits.

    Returns:
        The archive, which names the missing splits, and the number of splits that were read.

    Raises:
        ExecutionError: If the layer has not finished.
    """
    record = _read_record(datastore, key)
    if record.splits == 0:
        return Archive((), sharded=True), 0
    if index is None and record.splits != 1:
        return datastore.ledger.join_some(key, name=attribute, splits=record.splits), record.splits
    try:
        return datastore.ledger.read_whole(key, record=record, index=index, name=attribute), 1
    except MissingError:
        return Archive((), sharded=True, missing=(index or 0,)), 1


def _read_record(datastore: DataStore, key: LayerKey) -> Record:
    record = datastore.ledger.read_record(key)
    if record is None:
        msg = f"layer '{key.layer}' of flow '{key.flow}' has not finished in execution {key.execution}"
        raise ExecutionError(msg)
    return record


def _own(datastore: DataStore, key: LayerKey, parameter: Parameter, index: int) -> tuple[Parameter, Artifact]:
    """Return the element of a split of a pipelined fan-out: the one that the previous layer's split stored."""
    over = key.of(parameter.name)
    what = f"split {index} of layer '{over.layer}' of flow '{key.flow}'"
    commit = datastore.ledger.read_split(over, index=index) or datastore.ledger.read_commit(over, index=index)
    if commit is None:
        raise ExecutionError(f"{what} has not finished in execution {key.execution}: layer '{key.layer}' follows it")
    try:
        archive = datastore.ledger.read_of_commit(over, index=index, name=parameter.attribute, commit=commit)
    except MissingError:
        archive = Archive((), sharded=True)
    if len(archive) != 1:
        msg = (
            f"{what} stored {len(archive)} elements of '{parameter.attribute}', but split {index} of layer "
            f"'{key.layer}', which is pipelined over it, needs exactly one: store one element in each split, or remove "
            f"pipelined=True from the ForEach of layer '{key.layer}'"
        )
        raise ExecutionError(msg)
    return parameter, archive.artifacts[0]


def _dimensions(datastore: DataStore, key: LayerKey, foreach: ForEach) -> list[Elements]:
    return [_dimension(datastore, key, parameter) for parameter in foreach.parameters]


def _dimension(datastore: DataStore, key: LayerKey, parameter: Parameter) -> Elements:
    over = key.of(parameter.name)
    try:
        record = _read_record(datastore, over)
        return datastore.ledger.elements(over, record=record, index=parameter.index, name=parameter.attribute)
    except (ExecutionError, MissingError) as error:
        splits = "" if parameter.index is None else f", split {parameter.index}"
        what = f"'{parameter.attribute}' of layer '{parameter.name}'{splits}"
        raise ExecutionError(f"layer '{key.layer}' of flow '{key.flow}' cannot fan out over {what}: {error}") from error
