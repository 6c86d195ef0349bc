"""The note on the graph of an execution: its layers, and what they depend on, for readers without the flow's code.

The local scheduler, or on AWS a task or a planner, writes it when the first layer of an execution begins: so it is of
the code that runs.

``{"version": 1, "layers": {"Train": {"after": ["Load"], "over": ["Load.rows"], "fans_out": true}}}``
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING, Any

from laminar_runtime.exceptions import DamagedError, MissingError
from laminar_runtime.storage.layout import graph_key

if TYPE_CHECKING:
    from laminar_runtime.storage.failures import Readable

__all__ = ["VERSION", "Graph", "layers_from", "read_graph", "spell_graph"]

#: The version of the form that this release writes.
VERSION = 1

#: The facts about layers, by their names. ``after`` lists the layers that a layer depends on.
Graph = Mapping[str, Mapping[str, Any]]


def spell_graph(graph: Graph) -> bytes:
    """Return the note on a graph.

    Args:
        graph: The graph.
    """
    return json.dumps({"version": VERSION, "layers": graph}).encode()


def read_graph(objects: Readable, flow: str, execution: str) -> dict[str, dict[str, Any]] | None:
    """Read the note on the graph of an execution. Any code of a task may have written it, so its form is checked.

    Args:
        objects: The objects of the datastore.
        flow: The flow's name.
        execution: The execution's id.

    Returns:
        The graph; None if there is no note.

    Raises:
        DamagedError: If it is not a graph.
    """
    key = graph_key(flow, execution)
    try:
        content = objects.get(key)
    except MissingError:
        return None
    try:
        found = json.loads(content)["layers"]
        for facts in found.values():
            if not all(isinstance(name, str) for name in facts["after"]):
                raise TypeError("its layers depend on what is no layer")
    except (AttributeError, KeyError, RecursionError, TypeError, ValueError) as error:
        raise DamagedError(f"{key} is damaged: {error}") from error
    return dict(found)


def layers_from(dependencies: Mapping[str, Iterable[str]], layer: str) -> list[str]:
    """Return a layer and all layers after it, the last ones first.

    Args:
        dependencies: The layers that each layer depends on.
        layer: The layer.

    Example:
        >>> layers_from({"Load": [], "Train": ["Load"], "Score": ["Train"], "Plot": ["Load"]}, "Train")
        ['Score', 'Train']
    """
    import graphlib

    found = {layer}
    for name in graphlib.TopologicalSorter(dependencies).static_order():
        if not found.isdisjoint(dependencies.get(name, ())):
            found.add(name)
    ordered = [name for name in graphlib.TopologicalSorter(dependencies).static_order() if name in found]
    return ordered[::-1]
