"""The output of a layer of a deployed flow, as far as it is there, or until the layer has ended."""

from __future__ import annotations

import time
from collections.abc import Iterator
from typing import TYPE_CHECKING

from laminar_runtime.causes import logs
from laminar_runtime.causes.objects import S3Objects
from laminar_runtime.deployed.descriptions import describe, is_running, starts
from laminar_runtime.deployed.restarting import find_flows
from laminar_runtime.exceptions import MissingError, NotFoundError
from laminar_runtime.storage.graphs import read_graph
from laminar_runtime.storage.layout import LayerKey
from laminar_runtime.storage.outputs import explain_range

if TYPE_CHECKING:
    from laminar_runtime.deployed.execution import DeployedExecution

__all__ = ["read_lines"]

#: Seconds between two looks for more lines, and after the end: CloudWatch Logs shows lines some seconds late.
_PAUSE = 2.0


def read_lines(execution: DeployedExecution, layer: str, index: int, flow: str, *, follow: bool) -> Iterator[str]:
    """Yield the output of a layer, or of one split of it, of all attempts.

    Args:
        execution: The execution.
        layer: The layer's name.
        index: The index of the split, from 0.
        flow: The flow's name; empty if it does not matter.
        follow: Whether to wait for more lines until the layer, or the split, has finished, or the execution ended.

    Raises:
        NotFoundError: If the execution has no such layer, or no task of it has run.
    """
    tails: dict[logs.Stream, logs.Tail] = {}
    ended = not follow
    while True:
        yield from _new_lines(execution, (flow, layer), index, tails)
        splits = None if tails or not index else _count_splits(execution, layer)
        if splits is not None and index >= splits:
            raise NotFoundError(explain_range(layer, index, splits, execution.title))
        if not tails and (ended or not _may_come(execution, layer, flow)):
            msg = (
                f"there is no output of {layer}[{index}] in {execution.title}: it has no such layer or split, the task "
                "has not run, or AWS Batch has forgotten its job"
            )
            raise NotFoundError(msg)
        if ended:
            return
        ended = _has_ended(execution, layer, index, flow)
        time.sleep(_PAUSE)


def _new_lines(
    execution: DeployedExecution, named: tuple[str, str], index: int, tails: dict[logs.Stream, logs.Tail]
) -> Iterator[str]:
    clients, objects = execution.deployment.clients, execution.objects
    for arn in starts(execution.deployment, execution.id):
        for stream in logs.find_streams(clients, arn, named, index, objects):
            tail = tails.setdefault(stream, logs.Tail(clients("logs"), stream, named[1], index))
            yield from tail.read()


def _count_splits(execution: DeployedExecution, layer: str) -> int | None:
    """Return how many splits a layer has, by the last start that began them; None if they are not known."""
    for arn in reversed(starts(execution.deployment, execution.id)):
        count = logs.count_splits(execution.deployment.clients, arn, layer)
        if count is not None:
            return count
    return None


def _may_come(execution: DeployedExecution, layer: str, flow: str) -> bool:
    """Return whether a layer may still run: unless the execution has noted its graph, and the layer is not in it."""
    objects = execution.objects
    flows = (flow,) if flow else find_flows(execution.deployment, objects, execution.id)
    graphs = [read_graph(objects, name, execution.id) for name in flows]
    return any(graph is None or layer in graph for graph in graphs) or not graphs


def _has_ended(execution: DeployedExecution, layer: str, index: int, flow: str) -> bool:
    """Return whether a layer, or a split of it, has finished, or will not, as its execution has ended."""
    if not is_running(describe(execution.deployment, execution.id)):
        return True
    objects = execution.objects
    flows = (flow,) if flow else find_flows(execution.deployment, objects, execution.id)
    keys = [LayerKey(name, execution.id, layer) for name in flows]
    return any(_exists(objects, one) for key in keys for one in (key.record, key.split(index)))


def _exists(objects: S3Objects, key: str) -> bool:
    try:
        objects.get(key)
    except MissingError:
        return False
    return True
