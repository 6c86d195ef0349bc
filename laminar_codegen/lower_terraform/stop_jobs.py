"""Declares the rule of EventBridge that starts `laminar_codegen.lower_states.stop_jobs` when an execution has ended."""

from __future__ import annotations

from typing import Any

from laminar_codegen.ir import labels
from laminar_codegen.ir.asl import submits_unawaited
from laminar_codegen.ir.deployment import Deployment
from laminar_codegen.ir.expressions import Joined, Ref, Value
from laminar_codegen.ir.terraform import Block
from laminar_codegen.policies.statement import regional

__all__ = ["ENDED", "emit_rule", "ended_executions"]

#: The local value with the pattern of the rule.
ENDED = "ended_executions"
_NAME = Ref("var.name")
#: The most attempts of a start, and the most seconds after which it is retried.
_ATTEMPTS, _SECONDS = 5, 3600


def ended_executions(deployment: Deployment) -> dict[str, Any]:
    """Return the pattern of events about executions that may have ended before all of their jobs.

    https://docs.aws.amazon.com/step-functions/latest/dg/eventbridge-integration.html

    Args:
        deployment: The deployment.
    """
    watched = [machine.name for machine in deployment.machines if submits_unawaited(machine)]
    arns: list[Value] = [regional("states", "stateMachine:", labels.machine(name)) for name in watched]
    return {
        "source": ["aws.states"],
        "detail-type": ["Step Functions Execution Status Change"],
        "detail": {"status": ["ABORTED", "FAILED", "TIMED_OUT"], "stateMachineArn": arns},
    }


def emit_rule() -> tuple[Block, Block]:
    """Emit the rule that starts the state machine, and its target."""
    rule: dict[str, Value] = {
        "name": labels.of_deployment(labels.STOP_JOBS.replace("_", "-")),
        "description": Joined("Has the jobs of executions of ", _NAME, " end with them"),
        "event_pattern": Ref(f"jsonencode(local.{ENDED})"),
        "tags": Ref("var.tags"),
        "depends_on": [labels.MADE_FIRST],
    }
    target: dict[str, Value] = {
        "rule": Ref(f"aws_cloudwatch_event_rule.{labels.STOP_JOBS}.name"),
        "target_id": "state-machine",
        "arn": Ref(f"aws_sfn_state_machine.{labels.STOP_JOBS}.arn"),
        "role_arn": labels.role(labels.STOP_JOBS),
        "input_path": "$.detail",
        "retry_policy": {"maximum_retry_attempts": _ATTEMPTS, "maximum_event_age_in_seconds": _SECONDS},
        # EventBridge needs the permissions of the role before the target.
        "depends_on": [f"aws_iam_role_policy.{labels.STOP_JOBS}"],
    }
    return (
        Block("aws_cloudwatch_event_rule", labels.STOP_JOBS, rule),
        Block("aws_cloudwatch_event_target", labels.STOP_JOBS, target, {"retry_policy": {}}),
    )
