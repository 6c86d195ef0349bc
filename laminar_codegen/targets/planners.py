"""The settings of planners, which run layers' commands to plan the layers.

Before: the planner that the scheduler of a flow configures. After: frozen values.
"""

from __future__ import annotations

from laminar_codegen.ir.expressions import Input
from laminar_codegen.ir.placement import Network, PlannerSettings, network_of
from laminar_codegen.targets.batch.target import PLANNER_ROLE, BatchTarget
from laminar_runtime.configurations import planners
from laminar_runtime.variables import Text, Variable

__all__ = ["planner_of"]


def planner_of(planner: planners.Planner, network: Network | None) -> PlannerSettings:
    """Return the settings of the planners of a flow.

    Args:
        planner: The planner that its scheduler configures.
        network: The network of functions without another, None if they are in no VPC.
    """
    match planner:
        case planners.AWS.Lambda():
            own = network_of(planner.network) or network
            return PlannerSettings(planner.memory, planner.timeout, own, _image(planner.image))
        case planners.AWS.Batch():
            share = planner.share_identifier
            target = BatchTarget(
                planner.platform,
                planner.timeout,
                planner.queue,
                Input.of(share) if isinstance(share, Variable) else share,
                planner.priority or 0,
                PLANNER_ROLE,
            )
            return PlannerSettings(planner.memory, planner.timeout, network, cpu=planner.cpu, target=target)
        case _:
            return PlannerSettings(network=network)


def _image(image: Text | None) -> str | Input | None:
    return Input.of(image) if isinstance(image, Variable) else image
