"""The rules about the methods of layers, for ``laminar-codegen check``.

A method that is certain to fail is a problem. What is most often a mistake is a warning.
"""

from __future__ import annotations

import difflib
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence

from laminar_codegen.frontend.attribute_uses import Access
from laminar_codegen.frontend.method_bodies import Body
from laminar_codegen.ir.graph import Dimension, Graph, LayerNode
from laminar_codegen.problems import Location, Problem
from laminar_codegen.problems.rules import (
    LAM053,
    LAM061,
    LAM063,
    LAM064,
    LAM065,
    LAM066,
    LAM067,
    LAM068,
    LAM069,
    LAM099,
    Rule,
)
from laminar_runtime import Parameters
from laminar_runtime.layer import RESERVED

__all__ = ["check_bodies", "warnings_of"]

Bodies = Mapping[str, Body]
Check = Callable[[Graph, Bodies], Iterator[Problem]]


def check_bodies(graph: Graph, bodies: Bodies) -> list[Problem]:
    """Find the uses of attributes that are certain to fail when a layer runs.

    Args:
        graph: The flow.
        bodies: The bodies of its layers, by layer.

    Returns:
        The problems, sorted by their place.
    """
    return sorted({problem for check in _CHECKS for problem in check(graph, bodies)})


def warnings_of(graph: Graph, bodies: Bodies) -> list[Problem]:
    """Find the uses of attributes that are most often mistakes.

    Args:
        graph: The flow.
        bodies: The bodies of its layers, by layer.

    Returns:
        The warnings, sorted by their place.
    """
    return sorted({problem for check in _WARNINGS for problem in check(graph, bodies)})


def check_reserved_names(graph: Graph, bodies: Bodies) -> Iterator[Problem]:
    """Check that artifacts do not have reserved names."""
    for layer, body in _with_bodies(graph, bodies):
        for name, place in {**body.call.assigned, **body.call.sharded}.items():
            if name in RESERVED:
                what = f"layer '{layer.name}' assigns '{name}', which is reserved on layers"
                yield _problem(place, LAM061, what, f"rename the artifact, as in 'self.{name}_'", layer)


def check_dimensions(graph: Graph, bodies: Bodies) -> Iterator[Problem]:
    """Check that a layer fans out over an artifact of the layer that it names."""
    for layer in graph.layers:
        for item in layer.foreach:
            body = bodies.get(item.layer)
            if body is None or body.opaque or item.attribute in body.artifacts:
                continue
            what = f"layer '{layer.name}' fans out over '{item.attribute}', which layer '{item.layer}' never assigns"
            fix = f"let {item.layer} call self.shard({item.attribute}=[...])"
            yield Problem(layer.location, LAM063, what, fix + _suggestion(item.attribute, body.artifacts), _over(item))


def check_reads(graph: Graph, bodies: Bodies) -> Iterator[Problem]:
    """Check that each attribute that a layer reads is assigned: by a dependency, or by itself."""
    for layer, body in _with_bodies(graph, bodies):
        for access in (*body.call.reads, *body.hooks.reads):
            other = bodies.get(access.layer)
            if other is None or other.opaque or access.attribute in other.artifacts | other.known | RESERVED:
                continue
            what = f"layer '{layer.name}' reads '{access.attribute}', which layer '{access.layer}' never assigns"
            fix = f"assign it there, or read one of its artifacts{_list(other.artifacts)}"
            meant = _suggestion(access.attribute, other.artifacts)
            yield _problem(access.location, LAM065, what, fix + meant, layer)
        yield from _own_reads(layer, body)


def check_pipelined_reads(graph: Graph, bodies: Bodies) -> Iterator[Problem]:
    """Check that a layer that runs item by item reads only its own element of the layer that it follows."""
    for layer, body in _with_bodies(graph, bodies):
        for access in (*body.call.reads, *body.hooks.reads):
            if not layer.pipelined or access.layer != layer.foreach[0].layer or access.attribute in RESERVED:
                continue
            own = layer.foreach[0].attribute
            if access.attribute != own:
                what = (
                    f"layer '{layer.name}' is pipelined over '{own}' of layer '{access.layer}', and reads "
                    f"'{access.attribute}', which may not be there yet"
                )
                fix = f"drop pipelined=True, so that it waits for all of '{access.layer}', or read '{own}' only"
                yield _problem(access.location, LAM053, what, fix, layer)


def _own_reads(layer: LayerNode, body: Body) -> Iterator[Problem]:
    if body.opaque or body.hooks.opaque:
        return
    known = body.artifacts | body.known | body.hooks.assigned.keys() | RESERVED
    for name, place in body.call.own.items():
        if name not in known:
            what = f"layer '{layer.name}' reads its own '{name}', which it never assigns"
            fix = "assign it before, or read an attribute that the layer assigns"
            yield _problem(place, LAM065, what, fix + _suggestion(name, known - body.known), layer)


def warn_of_single_elements(graph: Graph, bodies: Bodies) -> Iterator[Problem]:
    """Check that a fan-out has elements: an attribute that is assigned, not sharded, is one element."""
    fan_outs = {layer.name for layer in graph.layers if layer.foreach}
    for layer in graph.layers:
        if layer.foreach and all(_is_single(item, fan_outs, bodies) for item in layer.foreach):
            over = " and ".join(f"'{item.attribute}' of layer '{item.layer}'" for item in layer.foreach)
            what = f"layer '{layer.name}' has one split: it fans out over {over}, assigned as a whole"
            yield Problem(layer.location, LAM064, what, _sharding(layer.foreach[0]))


def _sharding(item: Dimension) -> str:
    """Return how to store a value item by item, so that a layer fans out over the items.

    Parameters cannot be stored so: a layer in between does it.
    """
    if item.layer == Parameters.__name__:
        return f"let a layer call self.shard({item.attribute}=parameters.{item.attribute}), and fan out over that"
    return f"store each item on its own, as in self.shard({item.attribute}=self.{item.attribute})"


def _is_single(item: Dimension, fan_outs: set[str], bodies: Bodies) -> bool:
    if item.layer == Parameters.__name__:
        return True
    body = bodies.get(item.layer)
    single = item.layer not in fan_outs or item.index is not None
    whole = body is not None and not body.opaque and item.attribute in body.call.assigned.keys() - body.call.sharded
    return single and whole


def warn_of_writes(graph: Graph, bodies: Bodies) -> Iterator[Problem]:
    """Warn of assignments to a dependency, which are not stored."""
    for layer, body in _with_bodies(graph, bodies):
        for access in (*body.call.writes, *body.hooks.writes):
            what = f"layer '{layer.name}' assigns '{access.attribute}' to layer '{access.layer}', which is not stored"
            fix = f"assign to self, as in 'self.{access.attribute} = ...', or use a local name"
            yield _problem(access.location, LAM066, what, fix, layer)


def warn_of_returns(graph: Graph, bodies: Bodies) -> Iterator[Problem]:
    """Warn of values that ``__call__`` returns, which are dropped."""
    for layer, body in _with_bodies(graph, bodies):
        for place in body.call.returned:
            what = f"layer '{layer.name}' returns a value, which is dropped"
            yield _problem(place, LAM067, what, "assign it to self: what is assigned is stored", layer)


def warn_of_sequences(graph: Graph, bodies: Bodies) -> Iterator[Problem]:
    """Check that an attribute of a fan-out is used as a sequence only if there are several splits."""
    fan_outs = {layer.name for layer in graph.layers if layer.foreach}
    for layer, body in _with_bodies(graph, bodies):
        elements = {(item.layer, item.attribute) for item in layer.foreach}
        for access in body.call.sequences:
            if access.layer in fan_outs and (access.layer, access.attribute) not in elements:
                yield from _sequence(layer, access, bodies[access.layer])


def _sequence(layer: LayerNode, access: Access, over: Body) -> Iterator[Problem]:
    if over.opaque or access.attribute in over.call.sharded:
        return
    what = (
        f"layer '{layer.name}' uses '{access.attribute}' of fan-out '{access.layer}' as a sequence, but it is the "
        "plain value if there is one split"
    )
    fix = f"read it by each({access.parameter}, lambda one: one.{access.attribute}): always a sequence"
    yield _problem(access.location, LAM068, what, fix, layer)


def warn_of_constructors(graph: Graph, _: Bodies) -> Iterator[Problem]:
    """Warn of an ``__init__``, whose attributes are missing when a layer runs."""
    for layer in graph.layers:
        if layer.initialised:
            what = f"layer '{layer.name}' has an __init__, which no task calls"
            fix = "move the set-up into __call__ or an execution hook; make constants class attributes"
            yield Problem(layer.location, LAM069, what, fix)


def warn_of_hooks(graph: Graph, bodies: Bodies) -> Iterator[Problem]:
    """Warn of hooks that change what a deployed task cannot override: it then fails, here it does not."""
    for layer, body in _with_bodies(graph, bodies):
        allowed = layer.executor.overridable
        for name, place in body.hooks.container.items() if layer.sized else ():
            if name not in allowed:
                what = f"a hook of layer '{layer.name}' changes {name} of its container: it fails when it is deployed"
                may = f"on {layer.executor.service} hooks may change {_all(allowed)}"
                fix = f"set it where the layer is registered: {may}"
                yield _problem(place, LAM099, what, fix, layer)


def _all(names: Sequence[str]) -> str:
    return f"only {', '.join(names)}" if names else "nothing"


_CHECKS: tuple[Check, ...] = (check_reserved_names, check_dimensions, check_reads, check_pipelined_reads)
_WARNINGS: tuple[Check, ...] = (
    warn_of_single_elements,
    warn_of_writes,
    warn_of_returns,
    warn_of_sequences,
    warn_of_constructors,
    warn_of_hooks,
)


def _with_bodies(graph: Graph, bodies: Bodies) -> Iterator[tuple[LayerNode, Body]]:
    return ((layer, bodies[layer.name]) for layer in graph.layers if layer.name in bodies)


def _problem(place: Location, rule: Rule, what: str, fix: str, layer: LayerNode) -> Problem:
    return Problem(place, rule, what, fix, layer.name)


def _over(item: Dimension) -> str:
    return f"ForEach({item.layer}.{item.attribute})"


def _suggestion(name: str, known: Iterable[str]) -> str:
    """Return a question that suggests the nearest known name, '' if none is near."""
    near = difflib.get_close_matches(name, sorted(known), n=1)
    return f"; did you mean '{near[0]}'?" if near else ""


def _list(names: Iterable[str]) -> str:
    found = sorted(names)
    return f" ({', '.join(found)})" if found else ""
