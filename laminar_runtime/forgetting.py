"""Forgets that layers of an execution finished, so that a resume on this machine runs them again.

A resume that only forgot the record of one layer would keep what others made of its old results. So the layers after it
lose theirs, the last ones first: whatever ends this process in between, no layer without a record has one after it with
a record.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from laminar_runtime.exceptions import DatastoreError, ExecutionError, NotFoundError
from laminar_runtime.layer import Parameters
from laminar_runtime.storage.graphs import layers_from
from laminar_runtime.storage.layout import LayerKey

if TYPE_CHECKING:
    from laminar_runtime.configurations.datastores import DataStore
    from laminar_runtime.execution import Execution

__all__ = ["forget"]


def forget(execution: Execution, layer: str) -> None:
    """Forget that a layer finished, and all layers after it. Nobody may run the execution meanwhile.

    Args:
        execution: The execution.
        layer: The layer's name.

    Raises:
        NotFoundError: If the flow has no such layer.
        DatastoreError: If the datastore cannot delete.
    """
    key = execution.key("")
    graph = {name: after - {Parameters.__name__} for name, after in execution.flow.dependencies.items()}
    del graph[Parameters.__name__]
    if layer not in graph:
        known = ", ".join(sorted(graph))
        raise NotFoundError(f"flow '{key.flow}' has no layer '{layer}' to resume from. Its layers: {known}")
    for one in (LayerKey(key.flow, key.execution, name) for name in layers_from(graph, layer)):
        for prefix in (one.notes, one.failures, one.outputs):
            _delete(execution.datastore, prefix)


def _delete(store: DataStore, prefix: str) -> None:
    delete = getattr(store.transport, "delete", None)  # a transport of a user need not have it
    if delete is not None:
        delete(prefix)
        return
    if not store.root.startswith("s3://"):
        msg = f"{type(store.transport).__name__} cannot delete: an execution in it cannot be resumed from a layer"
        raise DatastoreError(msg)
    from laminar_runtime.causes.objects import S3Objects
    from laminar_runtime.deployed.clients import Clients, calls

    with calls(f"the records at {store.root}/{prefix} cannot be deleted", ExecutionError):
        S3Objects(Clients()("s3"), store.root).delete(prefix)
