"""The labels of the functions that run layers."""

from __future__ import annotations

from collections import Counter

from laminar_codegen.ir.graph import Graph
from laminar_codegen.ir.labels import RUN, digest, prefix
from laminar_codegen.limits import FUNCTION_NAME_LENGTH, NAME_LENGTH
from laminar_codegen.targets.aws_lambda.target import LambdaTarget

__all__ = ["task_functions"]

#: The greatest length of the label of a function: the name of the function is that of the deployment, and the label.
_LABEL = FUNCTION_NAME_LENGTH - NAME_LENGTH - 1


def task_functions(graph: Graph) -> dict[str, str]:
    """Return the label of the function of each layer on AWS Lambda, by the layer's name.

    An invocation has the size of its function, so each layer has a function of its own: a new size is a change in
    place, which removes nothing that running executions use.

    Args:
        graph: The graph.
    """
    layers = [layer.name for layer in graph.layers if isinstance(layer.executor, LambdaTarget)]
    short = {layer: f"{RUN}{prefix(layer).rstrip('_')}" for layer in layers}
    taken = Counter(short.values())
    return {
        layer: f"{graph.prefix}{label if taken[label] == 1 and len(label) <= _LABEL else _shorten(label, layer)}"
        for layer, label in short.items()
    }


def _shorten(label: str, layer: str) -> str:
    """Return a prefix of a label, followed by a digest."""
    end = f"_{digest(layer)}"
    return f"{label[: _LABEL - len(end)]}{end}"
