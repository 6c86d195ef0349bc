"""What jobs cost: seconds until a layer starts, and dollars."""

from __future__ import annotations

import attrs

from laminar_codegen.ir.structs import Struct
from laminar_codegen.planning.pack_schedule import Capacity
from laminar_runtime.prices import FARGATE, TRANSITION
from laminar_runtime.splits.packing import START_UP

__all__ = ["USUAL_COSTS", "Costs"]

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
    """

    start_up: float = START_UP
    billed_start_up: float = 15
    minimum: float = 60
    of_cpu: float = FARGATE["x86_64"][0]
    of_memory: float = FARGATE["x86_64"][1]
    of_job: float = TRANSITION

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


#: What jobs on Fargate cost if no profile says more: they start after 30 to 90 seconds.
USUAL_COSTS = Costs()
