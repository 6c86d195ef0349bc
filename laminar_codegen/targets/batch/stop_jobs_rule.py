"""The rule of EventBridge that starts the machine of `laminar_codegen.targets.batch.stop_jobs`, and its role."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

from laminar_codegen.ir import labels
from laminar_codegen.ir.asl import submits_detached_jobs
from laminar_codegen.ir.deployment import Deployment, Role
from laminar_codegen.ir.expressions import Joined, Ref
from laminar_codegen.ir.graph import Graph
from laminar_codegen.ir.terraform import Block
from laminar_codegen.policies.sizes import Fitted
from laminar_codegen.policies.statement import Statement, states_arn
from laminar_codegen.targets.batch.stop_jobs import STOP_JOBS, emit_stop_jobs
from laminar_codegen.targets.companions.companion import Companion
from laminar_codegen.targets.companions.ended_executions import emit_rule, pattern, starts

__all__ = ["STOPPER", "emit_stop_rule", "ended_executions", "find_jobs", "for_stop_jobs"]

#: The local value with the pattern of the rule.
_ENDED = "ended_executions"
_NAME = Ref("var.name")


def ended_executions(deployment: Deployment) -> dict[str, Any]:
    """Return the pattern of events about executions that may have ended before all of their jobs.

    Args:
        deployment: The deployment.
    """
    return pattern(machine.name for machine in deployment.machines if submits_detached_jobs(machine))


def emit_stop_rule() -> tuple[Block, Block]:
    """Emit the rule that starts the state machine, and its target."""
    return emit_rule(STOP_JOBS, Joined("Has the jobs of executions of ", _NAME, " end with them"), _ENDED)


def find_jobs(deployment: Deployment, *, short: bool) -> Iterator[Statement]:
    """Yield the statements of the state machine to find the jobs of ended executions.

    https://docs.aws.amazon.com/service-authorization/latest/reference/list_awsbatch.html

    Args:
        deployment: The deployment.
        short: Whether to name machines by prefixes.
    """
    watched = tuple(machine.name for machine in deployment.machines if submits_detached_jobs(machine))
    if not watched:
        return
    if short and len(watched) > 1:
        watched = (labels.MAIN, *deployment.parts(short=short))
    executions = tuple(Joined(states_arn("execution", name), ":*") for name in watched)
    yield Statement("LookAtExecutions", ("states:DescribeExecution",), executions)
    # This action has no resource to name.
    yield Statement("FindJobs", ("batch:ListJobs",), ("*",))


def for_stop_jobs(deployment: Deployment) -> Fitted:
    """Return the permission to start the machine that terminates the jobs of executions.

    Args:
        deployment: The deployment.
    """
    return starts(deployment, "StartStops", STOP_JOBS)


def _is_needed(graphs: Sequence[Graph]) -> bool:
    return any(graph.pipelines for graph in graphs)


def _role(flows: str) -> Role:
    description = f"Has jobs of the {flows} end with executions"
    return Role(STOP_JOBS, "events.amazonaws.com", description, "has jobs end with their executions")


#: The state machine that ends jobs, with all that it needs.
STOPPER = Companion(
    label=STOP_JOBS,
    needed=_is_needed,
    machine=emit_stop_jobs,
    role=_role,
    permissions=for_stop_jobs,
    local_values=lambda deployment: {_ENDED: ended_executions(deployment)},
    emit=emit_stop_rule,
)
