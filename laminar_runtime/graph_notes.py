"""Writes the note on the graph of an execution: see `laminar_runtime.storage.graphs`."""

from __future__ import annotations

import contextlib
from collections.abc import Collection
from typing import TYPE_CHECKING, Any

from laminar_runtime import types
from laminar_runtime.layer import Parameters
from laminar_runtime.storage.graphs import spell_graph
from laminar_runtime.storage.layout import graph_key

if TYPE_CHECKING:
    from laminar_runtime.execution import Execution
    from laminar_runtime.flow import Flow

__all__ = ["write_graph"]

_PARAMETERS = Parameters.__name__


def write_graph(execution: Execution) -> None:
    """Write the note on the graph of an execution. It is for readers: if it cannot be written, the execution goes on.

    Args:
        execution: The execution.
    """
    key = execution.key("")
    # Whatever is wrong with another layer, this one may run.
    with contextlib.suppress(Exception):
        execution.datastore.transport.put(graph_key(key.flow, key.execution), spell_graph(_graph_of(execution.flow)))


def _graph_of(flow: Flow) -> dict[str, dict[str, Any]]:
    """Return the facts about the layers of a flow. Those that are usual are left out."""
    from laminar_runtime.configurations.hooks import annotation
    from laminar_runtime.configurations.layers import ForEach

    found: dict[str, dict[str, Any]] = {}
    registry, classes = flow.registry, flow.classes
    usual = ForEach()
    place = {name: number for number, name in enumerate(registry)}
    of_flow = annotation.collect(type(flow))
    for name, definition in registry.items():
        if name == _PARAMETERS:
            continue
        given, layer = definition.given, definition.layer
        fan_out = usual if given is None else given.foreach
        hooks = (*of_flow, *annotation.collect(layer))
        if hooks or fan_out.parameters:
            depends: Collection[str] = flow.dependencies_of(name)
        else:
            depends = types.names(layer.__call__, classes, layer=name, flow=flow.name)
        after = [parent for parent in depends if parent != _PARAMETERS]
        ordered = sorted({*after}, key=place.__getitem__) if len(after) > 1 else after
        facts: dict[str, Any] = {"after": ordered}
        if fan_out.parameters:
            facts |= {"over": [f"{one.name}.{one.attribute}" for one in fan_out.parameters], "fans_out": True}
        if fan_out.pipelined:
            facts["pipelined"] = True
        if hooks and any(annotation.kind_of(hook) == "entry" for hook in hooks):
            facts["optional"] = True
        if layer.__doc__ and (summary := layer.__doc__.strip().partition("\n")[0]):
            facts["summary"] = summary
        found[name] = facts
    return found
