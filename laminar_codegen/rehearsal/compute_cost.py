"""What the tasks of an execution would cost: by how long they take, and AWS's prices.

A profile says how long layers take on AWS. Without one, the tasks are priced as if they took as long as here. Spot
capacity and EC2 have no fixed prices, and are left out; so are the start of a container and the disks.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import attrs

from laminar_codegen.ir.graph import Graph, LayerNode
from laminar_codegen.targets.aws_lambda.target import LambdaTarget
from laminar_codegen.targets.batch.target import BatchTarget, job_size, on_ec2
from laminar_runtime import prices

__all__ = ["ComputeCost", "estimate_compute"]


@attrs.frozen
class ComputeCost:
    """The cost of the tasks of an execution.

    Args:
        dollars: The cost of those whose price and duration are known.
        unknown: The layers for which one of them is not.
        basis: Where the durations are from.
    """

    dollars: float
    unknown: tuple[str, ...] = ()
    basis: str = "by the profile"

    def __str__(self) -> str:
        """Return what is shown of it.

        Example:
            >>> print(ComputeCost(0.01, ("Train",)))
            $0.010000 for the compute, by the profile, without Train
        """
        without = f", without {', '.join(self.unknown)}" if self.unknown else ""
        return f"${self.dollars:,.6f} for the compute, {self.basis}{without}"


def estimate_compute(
    graphs: Sequence[Graph],
    runs: Mapping[str, int],
    durations: Mapping[str, float] | None,
    here: Mapping[str, float] | None = None,
) -> ComputeCost:
    """Estimate the cost of the tasks of an execution.

    Args:
        graphs: The graphs of its flows.
        runs: How many tasks of each layer ran, by the layer's name; in the flows that follow the first one, by the name
            of the flow, a hyphen, and that of the layer.
        durations: How many seconds a task of each layer takes on AWS, None if nothing says so.
        here: How many seconds all tasks of each layer took here, by the names of `runs`.
    """
    dollars, unknown = 0.0, []
    prefixes = ["", *(f"{graph.flow}-" for graph in graphs[1:])]
    named = [
        (f"{prefix}{layer.name}", layer)
        for prefix, graph in zip(prefixes, graphs, strict=True)
        for layer in graph.layers
    ]
    for name, layer in named:
        if not (tasks := runs.get(name, 0)):
            continue
        seconds = durations.get(layer.name) if durations is not None else (here or {}).get(name, 0.0) / tasks
        price = _price(layer, seconds)
        if price is None:
            unknown.append(layer.name)
        else:
            dollars += price * tasks
    basis = {} if durations is not None else {"basis": "if tasks take as long as here"}
    return ComputeCost(dollars, tuple(unknown), **basis)


def _price(layer: LayerNode, seconds: float | None) -> float | None:
    """Return the dollars for a task of a layer, None if they are not known."""
    container, target = layer.container, layer.executor
    if seconds is None or container.spot:
        return None
    if isinstance(target, LambdaTarget):
        return prices.function(seconds, memory_mib=container.memory, architecture=container.architecture)
    if isinstance(target, BatchTarget) and not on_ec2(layer.placement):
        cpu, memory = job_size(layer.placement)
        return prices.fargate(seconds, vcpus=cpu, memory_mib=memory, architecture=container.architecture)
    return None
