"""The functions that run layers, as values and as resources."""

from __future__ import annotations

from collections.abc import Iterator

from laminar_codegen.ir import labels
from laminar_codegen.ir.deployment import TaskResource
from laminar_codegen.ir.expressions import Joined, Ref, Value, merge
from laminar_codegen.ir.graph import Graph
from laminar_codegen.ir.terraform import Block
from laminar_codegen.targets.aws_lambda.labels import task_functions as labels_of_functions
from laminar_codegen.targets.aws_lambda.named_failures import time_limit
from laminar_codegen.targets.aws_lambda.options import arguments
from laminar_codegen.targets.aws_lambda.volumes import arguments_of, variables_of
from laminar_codegen.targets.functions import emit_function, environment_of, in_network, of_image

__all__ = ["TaskFunction", "configuration", "emit_task_function", "task_functions"]


class TaskFunction(TaskResource):
    """A function of AWS Lambda that runs a layer."""

    __slots__ = ()


def task_functions(graph: Graph) -> Iterator[TaskFunction]:
    """Yield the functions of a flow that run layers, sorted by label.

    Args:
        graph: The graph of the flow.
    """
    flow = labels.flow(graph)
    layers = {layer.name: layer for layer in graph.layers}
    for name, label in sorted(labels_of_functions(graph).items(), key=lambda item: item[1]):
        layer = layers[name]
        yield TaskFunction(label, flow, layer.placement, time_limit(graph, layer))


def emit_task_function(function: TaskFunction) -> Block:
    """Emit the resource of a function.

    Args:
        function: The function.
    """
    description = Joined("Runs a layer of the flow ", function.flow)
    tags = Ref(f"merge(var.tags, local.function_tags.{function.label})")
    return emit_function(function, _role(function), description, configuration(function), tags)


def _role(function: TaskFunction) -> str:
    return function.placement.target.role or "function"


def configuration(function: TaskFunction) -> dict[str, Value]:
    """Return the role, the code, the environment and the size of a function.

    Args:
        function: The function.
    """
    own: dict[str, Value] = {
        "role": labels.role(_role(function)),
        **of_image(function.container, "laminar_runtime.run_task.handler"),
        "memory_size": function.container.memory,
        "timeout": int(function.timeout),
        **in_network(function.network),
    }
    folders = variables_of(function.placement)
    environment: dict[str, Value] = {"environment": environment_of(function.flow, function.container, folders)}
    return merge(merge(own, {**arguments(function.container), **arguments_of(function.placement)}), environment)
