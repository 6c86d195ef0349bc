"""What the tasks of an execution would cost: by how long layers take on AWS, as a profile says, and AWS's prices.

How long tasks take here says nothing of that. Spot capacity and EC2 have no fixed prices, and are left out; so are the
start of a container and the disks.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping

import attrs

from laminar_codegen.ir.graph import Graph, LayerNode
from laminar_codegen.targets.aws_lambda.target import LambdaTarget
from laminar_codegen.targets.batch.target import BatchTarget, job_size, on_ec2

__all__ = ["ComputeCost", "estimate_compute"]

#: Dollars for a second of a virtual CPU and of a GB on Fargate, by the processors, in us-east-1, in 2026:
#: https://aws.amazon.com/fargate/pricing/
_FARGATE = {"x86_64": (0.04048 / 3600, 0.004445 / 3600), "arm64": (0.03238 / 3600, 0.00356 / 3600)}
#: For a GB-second on AWS Lambda, and for an invocation: https://aws.amazon.com/lambda/pricing/
_LAMBDA, _INVOCATION = {"x86_64": 0.0000166667, "arm64": 0.0000133334}, 0.2 / 1_000_000
_MIB = 1024


@attrs.frozen
class ComputeCost:
    """The cost of the tasks of an execution.

    Args:
        dollars: The cost of those whose price and duration are known.
        unknown: The layers for which one of them is not.
    """

    dollars: float
    unknown: tuple[str, ...] = ()

    def __str__(self) -> str:
        """Return what is shown of it.

        Example:
            >>> print(ComputeCost(0.01, ("Train",)))
            $0.010000 for the compute, by the profile, without Train
        """
        without = f", without {', '.join(self.unknown)}" if self.unknown else ""
        return f"${self.dollars:,.6f} for the compute, by the profile{without}"


def estimate_compute(graphs: Iterable[Graph], runs: Mapping[str, int], durations: Mapping[str, float]) -> ComputeCost:
    """Estimate the cost of the tasks of an execution.

    Args:
        graphs: The graphs of its flows.
        runs: How many tasks of each layer ran.
        durations: How many seconds a task of each layer takes on AWS.
    """
    dollars, unknown = 0.0, []
    for layer in (layer for graph in graphs for layer in graph.layers if runs.get(layer.name)):
        price = _price(layer, durations.get(layer.name))
        if price is None:
            unknown.append(layer.name)
        else:
            dollars += price * runs[layer.name]
    return ComputeCost(dollars, tuple(unknown))


def _price(layer: LayerNode, seconds: float | None) -> float | None:
    """Return the dollars for a task of a layer, None if they are not known."""
    container, target = layer.container, layer.executor
    if seconds is None or container.spot:
        return None
    if isinstance(target, LambdaTarget):
        return seconds * container.memory / _MIB * _LAMBDA[container.architecture] + _INVOCATION
    if isinstance(target, BatchTarget) and not on_ec2(layer.placement):
        cpu, memory = job_size(layer.placement)
        of_cpu, of_memory = _FARGATE[container.architecture]
        return seconds * (cpu * of_cpu + memory / _MIB * of_memory)
    return None
