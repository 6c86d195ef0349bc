"""Writes the note on the graph of an execution: see `laminar_runtime.storage.graphs`."""

from __future__ import annotations

import contextlib
from typing import TYPE_CHECKING, Any

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
    # Imported here, as few layers have hooks.
    from laminar_runtime.configurations.hooks import annotation

    found: dict[str, dict[str, Any]] = {}
    registry = flow.registry
    place = {name: number for number, name in enumerate(registry)}
    for name, definition in registry.items():
        if name == _PARAMETERS:
            continue
        fan_out = definition.configuration.foreach
        facts = {
            "over": [f"{one.name}.{one.attribute}" for one in fan_out.parameters],
            "fans_out": bool(fan_out.parameters),
            "pipelined": fan_out.pipelined,
            "optional": any(annotation.kind_of(hook) == "entry" for hook in definition.hooks),
            "summary": (definition.layer.__doc__ or "").strip().partition("\n")[0],
        }
        known = {fact: value for fact, value in facts.items() if value}
        depends = flow.dependencies_of(name) - {_PARAMETERS}
        found[name] = {"after": sorted(depends, key=place.__getitem__), **known}
    return found
