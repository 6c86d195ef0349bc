"""The variables that flows declare: where they stand, and their declarations in the document.

Before: containers, targets and triggers with references to variables in them, wherever the flow has a `Variable` for a
text. After: each variable once, with the places that it has in the flows.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

import attrs

from laminar_codegen.ir.expressions import Input
from laminar_codegen.ir.graph import Graph
from laminar_codegen.ir.placement import USUAL_PLANNER
from laminar_codegen.ir.structs import Struct
from laminar_codegen.problems import Location
from laminar_runtime import _records
from laminar_runtime.variables import ListVariable, Variable

__all__ = ["Use", "uses_of", "variables_in", "variables_of"]


@attrs.frozen(eq=False, repr=False)
class Use(Struct):
    """A variable in a flow.

    Args:
        variable: The variable.
        who: The part of the flow that has it, as in "layer 'Load'".
        location: Its place.
    """

    variable: Variable | ListVariable
    who: str
    location: Location


def uses_of(graphs: Sequence[Graph]) -> tuple[Use, ...]:
    """Return the variables of flows, in the order of the flows and their layers.

    Args:
        graphs: The graphs of the flows.
    """
    return tuple(use for graph in graphs for use in _uses(graph))


def _uses(graph: Graph) -> Iterator[Use]:
    known: dict[Any, tuple[Variable | ListVariable, ...]] = {}
    # A flow whose layers need no planner has none, whatever its settings.
    settings = graph.planner if graph.with_planner else USUAL_PLANNER
    if settings.target is not None:
        # Jobs are in no network of functions.
        settings = attrs.evolve(settings, network=None)
    for variable in dict.fromkeys(variables_in(attrs.evolve(graph, layers=(), planner=settings))):
        yield Use(variable, f"flow '{graph.flow}'", graph.location)
    for layer in graph.layers:
        # Most layers of large flows have the same placement.
        if layer.placement not in known:
            known[layer.placement] = tuple(dict.fromkeys(variables_in(layer.placement)))
        for variable in known[layer.placement]:
            yield Use(variable, f"layer '{layer.name}'", layer.location)


def variables_of(graphs: Sequence[Graph]) -> tuple[Variable | ListVariable, ...]:
    """Return the variables of flows, each once, sorted by name.

    Args:
        graphs: The graphs of the flows. Those of one name are equal.
    """
    found = {use.variable.name: use.variable for use in uses_of(graphs)}
    return tuple(found[name] for name in sorted(found))


def variables_in(value: Any) -> Iterator[Variable | ListVariable]:
    """Yield the variables in a value, which may have values in it.

    Args:
        value: The value: text, a map, a list, or an object of attrs or of the runtime's own kind.
    """
    if isinstance(value, (Variable, ListVariable, Input)):
        yield value.variable if isinstance(value, Input) else value
        return
    for item in _parts(value):
        yield from variables_in(item)


def _parts(value: Any) -> Iterable[Any]:
    """Return the values in a value."""
    match value:
        case Mapping():
            return value.values()
        case list() | tuple():
            return value
        case _ if attrs.has(type(value)):
            return [getattr(value, field.name) for field in attrs.fields(type(value))]
        case _ if _records.has_fields(type(value)):
            return _records.plain(value).values()
        case _:
            return ()
