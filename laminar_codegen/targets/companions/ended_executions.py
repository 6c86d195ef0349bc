"""Rules of EventBridge for executions that failed, were aborted or timed out, and what starts a machine for them."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

from laminar_codegen.ir import labels
from laminar_codegen.ir.deployment import Deployment
from laminar_codegen.ir.expressions import Joined, Ref, Value
from laminar_codegen.ir.terraform import Block
from laminar_codegen.policies.sizes import Fitted, fit
from laminar_codegen.policies.statement import Statement, regional, states_arn

__all__ = ["STATUSES", "emit_rule", "pattern", "starts"]

#: The statuses of executions that did not succeed.
STATUSES = ("ABORTED", "FAILED", "TIMED_OUT")
#: The most attempts of a start, and the most seconds after which it is retried.
_ATTEMPTS, _SECONDS = 5, 3600


def pattern(machines: Iterable[str], statuses: Sequence[str] = STATUSES) -> dict[str, Any]:
    """Return the pattern of the events about executions that ended.

    https://docs.aws.amazon.com/step-functions/latest/dg/eventbridge-integration.html

    Args:
        machines: The names of their state machines.
        statuses: The statuses of the executions.
    """
    arns: list[Value] = [regional("states", "stateMachine:", labels.machine(name)) for name in machines]
    return {
        "source": ["aws.states"],
        "detail-type": ["Step Functions Execution Status Change"],
        "detail": {"status": [*statuses], "stateMachineArn": arns},
    }


def emit_rule(label: str, description: Joined, local: str) -> tuple[Block, Block]:
    """Emit the rule that starts a state machine with the detail of such an event, and its target.

    Args:
        label: The label of the state machine, the rule, and the role that starts it.
        description: What it is for.
        local: The local value with the pattern.
    """
    rule: dict[str, Value] = {
        "name": labels.of_deployment(label.replace("_", "-")),
        "description": description,
        "event_pattern": Ref(f"jsonencode(local.{local})"),
        "tags": Ref("var.tags"),
        "depends_on": [labels.MADE_FIRST],
    }
    target: dict[str, Value] = {
        "rule": Ref(f"aws_cloudwatch_event_rule.{label}.name"),
        "target_id": "state-machine",
        "arn": Ref(f"aws_sfn_state_machine.{label}.arn"),
        "role_arn": labels.role(label),
        "input_path": "$.detail",
        "retry_policy": {"maximum_retry_attempts": _ATTEMPTS, "maximum_event_age_in_seconds": _SECONDS},
        # EventBridge needs the permissions of the role before the target.
        "depends_on": [f"aws_iam_role_policy.{label}"],
    }
    return (
        Block("aws_cloudwatch_event_rule", label, rule),
        Block("aws_cloudwatch_event_target", label, target, {"retry_policy": {}}),
    )


def starts(deployment: Deployment, sid: str, label: str) -> Fitted:
    """Return the permission of a rule to start a state machine.

    https://docs.aws.amazon.com/eventbridge/latest/userguide/eb-use-identity-based.html

    Args:
        deployment: The deployment.
        sid: The name of the statement.
        label: The label of the state machine.
    """
    machine = (states_arn("stateMachine", label),)
    return fit(deployment, lambda _: (Statement(sid, ("states:StartExecution",), machine),))
