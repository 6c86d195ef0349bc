"""The names of what is emitted, for people and for Terraform: readable, and the same at every compile.

A label of Terraform's says what a resource is, not which layer asked for it first, so that a change of one layer does
not rename what others use.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Sequence

import attrs

from laminar_codegen.graph import Container, Graph
from laminar_codegen.limits import STATE_NAME_LENGTH
from laminar_codegen.values import Joined, Ref
from laminar_runtime.job_container import fargate_size

__all__ = ["MAIN", "containers", "job_definitions", "machine", "nested", "parallel", "planner_functions", "planners"]


#: The name of the flow's own machine; those of nested steps are named by the plan.
MAIN = "flow"


def job_definitions(graph: Graph) -> dict[Container, str]:
    """The label of the job definition of each container.

    It names the size, and, if the flow has containers of that size that differ otherwise, a digest of the rest.

    Args:
        graph: The graph.
    """
    return _labels([layer.container for layer in graph.layers], _size)


def planner_functions(graph: Graph) -> dict[Container, str]:
    """The label of the planner's function for each container of a planned layer: one for each image and command.

    Args:
        graph: The graph.
    """
    return _labels([layer.container for layer in graph.layers if layer.planned], lambda _: "planner")


def containers(graph: Graph) -> dict[str, Container]:
    """The containers of a graph by the label of their job definition, sorted."""
    return dict(sorted({label: container for container, label in job_definitions(graph).items()}.items()))


def planners(graph: Graph) -> dict[str, Container]:
    """The containers whose image and command a planner needs, by the label of its function, sorted."""
    return dict(sorted({label: container for container, label in planner_functions(graph).items()}.items()))


def _labels(containers: Sequence[Container], base: Callable[[Container], str]) -> dict[Container, str]:
    """Labels that begin with what `base` gives, and end with a digest where containers of one such base differ."""
    rests: dict[str, set[tuple[object, ...]]] = {}
    for container in dict.fromkeys(containers):
        rests.setdefault(base(container), set()).add(_rest(container))
    return {
        container: label if len(rests[label]) == 1 else f"{label}_{_digest(_rest(container))}"
        for container in dict.fromkeys(containers)
        if (label := base(container))
    }


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
    end = f"... ({len(layers)} layers, {_digest(tuple(layers))})"
    shown = list(layers[:STATE_NAME_LENGTH])
    while len(" | ".join([*shown, end])) > STATE_NAME_LENGTH:
        shown.pop()
    return " | ".join([*shown, end])


def machine(name: str) -> Ref | Joined:
    """The name of a state machine in its account: the deployment's, with that of the step behind it if it is nested.

    Args:
        name: Its name among those of the flow.
    """
    return Ref("var.name") if name == MAIN else Joined(Ref("var.name"), f"-{name.replace('_', '-')}")


def nested(name: str) -> str:
    """The name of the state that runs a nested step.

    Args:
        name: The name of its machine.

    Example:
        >>> nested("part_1")
        'Part 1'
    """
    return name.replace("_", " ").capitalize()


def _size(container: Container) -> str:
    cpu, memory = fargate_size(container.cpu, container.memory) or (container.cpu, container.memory)
    return f"vcpu_{cpu:g}_memory_{memory}".replace(".", "_")


def _rest(container: Container) -> tuple[object, ...]:
    return attrs.astuple(attrs.evolve(container, cpu=0, memory=0))


def _digest(value: object) -> str:
    return hashlib.sha256(json.dumps(value).encode()).hexdigest()[:8]
