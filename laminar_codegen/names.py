"""The names of what is emitted, for people and for Terraform: readable, and the same at every compile.

A label of Terraform's says what a resource is, not which layer asked for it first, so that a change of one layer does
not rename what others use.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Sequence

import attrs

from laminar_codegen.graph import Container, Graph
from laminar_codegen.limits import STATE_NAME_LENGTH, fargate_size

__all__ = ["containers", "job_definition", "parallel", "planner", "planners"]


def job_definition(container: Container, graph: Graph) -> str:
    """The label of the job definition of a container.

    It names the size, and, if the flow has containers of that size that differ otherwise, a digest of the rest.
    """
    size = _size(container)
    others = {_rest(layer.container) for layer in graph.layers if _size(layer.container) == size}
    return size if len(others) == 1 else f"{size}_{_digest(_rest(container))}"


def planner(container: Container, graph: Graph) -> str:
    """The label of the planner's function for layers with a container: one for each image and command."""
    others = {_rest(layer.container) for layer in graph.layers if layer.foreach}
    return "planner" if len(others) == 1 else f"planner_{_digest(_rest(container))}"


def containers(graph: Graph) -> dict[str, Container]:
    """The containers of a graph by the label of their job definition, sorted."""
    found = {job_definition(layer.container, graph): layer.container for layer in graph.layers}
    return dict(sorted(found.items()))


def planners(graph: Graph) -> dict[str, Container]:
    """The containers whose image and command a planner needs, by the label of its function, sorted."""
    found = {planner(layer.container, graph): layer.container for layer in graph.layers if layer.foreach}
    return dict(sorted(found.items()))


def parallel(layers: Sequence[str]) -> str:
    """The name of the state that runs branches beside each other: the layers in it, or how many more there are.

    Args:
        layers: The layers in its branches.

    Example:
        >>> parallel(["Clean", "Train"])
        'Clean | Train'
    """
    text = " | ".join(layers)
    if len(text) <= STATE_NAME_LENGTH:
        return text
    # The digest tells apart states that begin with the same layers.
    end = f" | ... ({len(layers)} layers, {_digest(tuple(layers))})"
    shown = list(layers)
    while shown and len(" | ".join(shown)) + len(end) > STATE_NAME_LENGTH:
        shown.pop()
    return " | ".join(shown) + end


def _size(container: Container) -> str:
    cpu, memory = fargate_size(container.cpu, container.memory) or (container.cpu, container.memory)
    return f"vcpu_{cpu:g}_memory_{memory}".replace(".", "_")


def _rest(container: Container) -> tuple[object, ...]:
    return attrs.astuple(attrs.evolve(container, cpu=0, memory=0))


def _digest(value: object) -> str:
    return hashlib.sha256(json.dumps(value).encode()).hexdigest()[:8]
