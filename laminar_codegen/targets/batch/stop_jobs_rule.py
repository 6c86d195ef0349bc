"""The rule of EventBridge that starts the machine of `laminar_codegen.targets.batch.stop_jobs`, and its role."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

from laminar_codegen.ir import labels
from laminar_codegen.ir.asl import submits_detached_jobs
from laminar_codegen.ir.deployment import Deployment, Role
from laminar_codegen.ir.expressions import Joined, Ref, Value
from laminar_codegen.ir.graph import Graph
from laminar_codegen.ir.terraform import Block
from laminar_codegen.policies.sizes import Fitted, fit
from laminar_codegen.policies.statement import Statement, regional, states_arn
from laminar_codegen.targets.batch.stop_jobs import STOP_JOBS, emit_stop_jobs
from laminar_codegen.targets.kind import Companion

__all__ = ["STOPPER", "emit_rule", "ended_executions", "find_jobs", "for_stop_jobs"]

#: The local value with the pattern of the rule.
_ENDED = "ended_executions"
_NAME = Ref("var.name")
#: The most attempts of a start, and the most seconds after which it is retried.
_ATTEMPTS, _SECONDS = 5, 3600


def ended_executions(deployment: Deployment) -> dict[str, Any]:
    """Return the pattern of events about executions that may have ended before all of their jobs.

    https://docs.aws.amazon.com/step-functions/latest/dg/eventbridge-integration.html

    Args:
        deployment: The deployment.
    """
    watched = [machine.name for machine in deployment.machines if submits_detached_jobs(machine)]
    arns: list[Value] = [regional("states", "stateMachine:", labels.machine(name)) for name in watched]
    return {
        "source": ["aws.states"],
        "detail-type": ["Step Functions Execution Status Change"],
        "detail": {"status": ["ABORTED", "FAILED", "TIMED_OUT"], "stateMachineArn": arns},
    }


def emit_rule() -> tuple[Block, Block]:
    """Emit the rule that starts the state machine, and its target."""
    rule: dict[str, Value] = {
        "name": labels.of_deployment(STOP_JOBS.replace("_", "-")),
        "description": Joined("Has the jobs of executions of ", _NAME, " end with them"),
        "event_pattern": Ref(f"jsonencode(local.{_ENDED})"),
        "tags": Ref("var.tags"),
        "depends_on": [labels.MADE_FIRST],
    }
    target: dict[str, Value] = {
        "rule": Ref(f"aws_cloudwatch_event_rule.{STOP_JOBS}.name"),
        "target_id": "state-machine",
        "arn": Ref(f"aws_sfn_state_machine.{STOP_JOBS}.arn"),
        "role_arn": labels.role(STOP_JOBS),
        "input_path": "$.detail",
        "retry_policy": {"maximum_retry_attempts": _ATTEMPTS, "maximum_event_age_in_seconds": _SECONDS},
        # EventBridge needs the permissions of the role before the target.
        "depends_on": [f"aws_iam_role_policy.{STOP_JOBS}"],
    }
    return (
        Block("aws_cloudwatch_event_rule", STOP_JOBS, rule),
        Block("aws_cloudwatch_event_target", STOP_JOBS, target, {"retry_policy": {}}),
    )


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

    https://docs.aws.amazon.com/eventbridge/latest/userguide/eb-use-identity-based.html

    Args:
        deployment: The deployment.
    """
    machine = (states_arn("stateMachine", STOP_JOBS),)
    return fit(deployment, lambda _: (Statement("StartStops", ("states:StartExecution",), machine),))


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
    emit=emit_rule,
)
