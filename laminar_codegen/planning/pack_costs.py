"""What jobs cost: seconds until a layer starts, and dollars."""

from __future__ import annotations

from collections.abc import Mapping

import attrs

from laminar_codegen.ir.graph import Graph
from laminar_codegen.ir.placement import Placement
from laminar_codegen.ir.structs import Struct
from laminar_codegen.planning.pack_schedule import Capacity
from laminar_codegen.planning.profile import Profile, StartUp
from laminar_codegen.targets.aws_lambda.target import LambdaTarget
from laminar_codegen.targets.batch.target import batch_target
from laminar_runtime.prices import FARGATE, TRANSITION
from laminar_runtime.splits.packing import START_UP

__all__ = ["USUAL_COSTS", "Costs", "start_ups", "target_of"]

#: How much later than the fastest option a cheaper one may be: a share of it, or a share of a start-up if
#: that is more, as start-ups differ by more.
_TOLERANCE, _OF_START_UP = 0.10, 0.25


@attrs.frozen(eq=False, repr=False)
class Costs(Struct):
    """What a job costs besides the work of its layers.

    Args:
        start_up: Seconds from its submission to the start of its first layer.
        billed_start_up: The last seconds of these, which are billed: Fargate bills from the pull of the image on.
        minimum: The least seconds that are billed.
        of_cpu: Dollars for a second of a virtual CPU.
        of_memory: Dollars for a second of a GiB.
        of_job: Dollars for its state.
        profile: The profile, which may say how long jobs of a target and an image take to start. None without one.
    """

    start_up: float = START_UP
    billed_start_up: float = 15
    minimum: float = 60
    of_cpu: float = FARGATE["x86_64"][0]
    of_memory: float = FARGATE["x86_64"][1]
    of_job: float = TRANSITION
    profile: Profile | None = None

    def start_of(self, placement: Placement) -> StartUp | None:
        """Return how long a placement took to start in past executions, None if that was not measured.

        Args:
            placement: The placement.
        """
        target = target_of(placement)
        if self.profile is None or target is None:
            return None
        image = placement.container.image
        return self.profile.start_up(target, image if isinstance(image, str) else None)

    def at(self, placement: Placement) -> Costs:
        """Return the costs with the start-up of a placement, if that was measured.

        How much of a start-up is billed is not measured, as AWS Batch does not say when the pull of the image began. It
        is as usual, unless the profile says more.

        Args:
            placement: The placement.
        """
        found = self.start_of(placement)
        if found is None:
            return self
        billed = min(self.billed_start_up, found.seconds) if found.billed is None else found.billed
        return attrs.evolve(self, start_up=found.seconds, billed_start_up=billed)

    def bill(self, size: Capacity, seconds: float) -> float:
        """Return the dollars for a job.

        Args:
            size: Its size.
            seconds: The seconds of its layers.

        Example:
            >>> Costs(of_cpu=1, of_memory=0, of_job=0).bill(Capacity(2, 4096), 100)
            230.0
        """
        rate = size.cpu * self.of_cpu + size.memory / 1024 * self.of_memory
        return rate * max(self.minimum, self.billed_start_up + seconds) + self.of_job

    def latest(self, shortest: float) -> float:
        """Return when an option may end at the latest to be preferred for its price.

        Args:
            shortest: The seconds of the fastest option.

        Example:
            >>> Costs(start_up=40).latest(30), Costs(start_up=40).latest(1000)
            (40.0, 1100.0)
        """
        return shortest + max(_TOLERANCE * shortest, _OF_START_UP * self.start_up)


def target_of(placement: Placement) -> str | None:
    """Return where a placement runs, as profiles name it; None if they do not.

    Args:
        placement: The placement.

    Example:
        ``"FARGATE_SPOT"`` for a job of AWS Batch on the spot capacity of Fargate.
    """
    spot = placement.container.spot
    if isinstance(placement.target, LambdaTarget):
        return "LAMBDA"
    batch = batch_target(placement)
    if batch is None:
        return None
    if batch.platform == "EC2":
        return "SPOT" if spot else "EC2"
    return "FARGATE_SPOT" if spot else "FARGATE"


def start_ups(graph: Graph, costs: Costs) -> Mapping[str, float]:
    """Return the seconds until a job of each layer has started; 0 for layers that have no job.

    Args:
        graph: The graph.
        costs: What jobs cost.
    """
    return {
        layer.name: costs.at(layer.placement).start_up if batch_target(layer.placement) else 0.0
        for layer in graph.layers
    }


#: What jobs on Fargate cost if no profile says more: they start after 30 to 90 seconds.
USUAL_COSTS = Costs()
