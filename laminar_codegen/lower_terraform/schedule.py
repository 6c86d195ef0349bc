"""Turns a schedule into what starts the state machine by it, and keeps what could not be started.

Before: a cron or rate expression in a time zone. After: a schedule of Amazon EventBridge Scheduler, and the queue of
its failures. The role is one of `laminar_codegen.lower_terraform.iam_roles`.
"""

from __future__ import annotations

from laminar_codegen.ir import labels
from laminar_codegen.ir.expressions import Joined, Ref, Value
from laminar_codegen.ir.graph import Schedule
from laminar_codegen.ir.terraform import Block

__all__ = ["emit_schedule"]

_NAME = Ref("var.name")
_KMS_KEY = Ref("var.kms_key_arn")

#: How often, and for how many seconds, a start is tried again: a start that is hours late is rather missed.
_ATTEMPTS = 5
_SECONDS = 3600
#: How many seconds the queue keeps a failure: the most that SQS offers.
_KEPT = 1_209_600


def emit_schedule(schedule: Schedule) -> tuple[Block, ...]:
    """Emit the resources that start the state machine of a deployment on a schedule.

    https://docs.aws.amazon.com/scheduler/latest/UserGuide/managing-targets-templated.html

    Args:
        schedule: The schedule.
    """
    queue: dict[str, Value] = {
        "name": labels.of_deployment(labels.FAILED_STARTS),
        "message_retention_seconds": _KEPT,
        "kms_master_key_id": _KMS_KEY,
        "sqs_managed_sse_enabled": Ref("var.kms_key_arn == null ? true : null"),
        "tags": Ref("var.tags"),
        "depends_on": [labels.MADE_FIRST],
    }
    target: dict[str, Value] = {
        "arn": Ref("aws_sfn_state_machine.flow.arn"),
        "role_arn": labels.role("schedule"),
        "input": "{}",
        "retry_policy": {"maximum_retry_attempts": _ATTEMPTS, "maximum_event_age_in_seconds": _SECONDS},
        "dead_letter_config": {"arn": Ref("aws_sqs_queue.schedule.arn")},
    }
    started: dict[str, Value] = {
        "name": _NAME,
        "description": Joined("Starts the state machine ", _NAME),
        "schedule_expression": schedule.expression,
        "schedule_expression_timezone": schedule.timezone,
        "state": Ref('var.schedule_enabled ? "ENABLED" : "DISABLED"'),
        "flexible_time_window": {"mode": "OFF"},
        "kms_key_arn": _KMS_KEY,
        "target": target,
        # EventBridge Scheduler does not wait for what its role may do.
        "depends_on": ["aws_iam_role_policy.schedule"],
    }
    return Block("aws_sqs_queue", "schedule", queue), Block("aws_scheduler_schedule", "flow", started)
