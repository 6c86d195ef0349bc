"""A schedule: starts the state machine by a cron or rate expression, and keeps the starts that failed.

Before: a cron or rate expression in a time zone. After: a schedule of Amazon EventBridge Scheduler, its role, the queue
of its failures, an alarm on that queue, and a variable that switches it off.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import TypeGuard

import attrs

from laminar_codegen.ir import labels
from laminar_codegen.ir.deployment import Alarm, Deployment, Role
from laminar_codegen.ir.expressions import Joined, Ref, Value
from laminar_codegen.ir.terraform import Block, Nested, Validation, Variable
from laminar_codegen.policies.sizes import Fitted, fit
from laminar_codegen.policies.statement import Statement, key, regional, states_arn
from laminar_codegen.triggers.expressions import ExpressionInZone, check_expressions, check_timezones
from laminar_codegen.triggers.kind import InModule, TriggerKind
from laminar_runtime.configurations.schedulers.step_functions import StepFunctions
from laminar_runtime.configurations.triggers import Schedule, Trigger

__all__ = ["ATTEMPTS", "KEPT", "SCHEDULE", "SECONDS", "is_plain"]

_NAME = Ref("var.name")
_KMS_KEY = Ref("var.kms_key_arn")
_IS_ENABLED = Ref("var.schedule_enabled")

#: The end of the name of the queue of failed starts.
_FAILED_STARTS = "schedule-failures"
#: The most attempts of a start, and the most seconds after which it is retried: hours later, no start is better.
ATTEMPTS = 5
SECONDS = 3600
#: The seconds for which the queue keeps a failure: the most that Amazon SQS offers.
KEPT = 1_209_600


def _find(scheduler: StepFunctions) -> Iterator[ExpressionInZone]:
    found = scheduler.started_without_caller
    if is_plain(found):
        yield ExpressionInZone.of(found[0])


def is_plain(found: Sequence[Trigger]) -> TypeGuard[Sequence[Schedule]]:
    """Return whether triggers are one schedule, by its expression and its time zone alone.

    Args:
        found: The triggers of a flow.
    """
    one = found[0] if len(found) == 1 else None
    return isinstance(one, Schedule) and one == Schedule(one.expression, timezone=one.timezone)


def _emit(schedule: ExpressionInZone) -> tuple[Block, ...]:
    return _resources(schedule.expression, schedule.timezone, _IS_ENABLED)


def _resources(expression: Value, timezone: Value, enabled: Ref) -> tuple[Block, ...]:
    """Return the resources that start the state machine of a deployment on a schedule.

    https://docs.aws.amazon.com/scheduler/latest/UserGuide/managing-targets-templated.html

    Args:
        expression: The expression of the schedule.
        timezone: Its time zone.
        enabled: Whether it starts executions.
    """
    queue: dict[str, Value] = {
        "name": labels.of_deployment(_FAILED_STARTS),
        "message_retention_seconds": KEPT,
        "kms_master_key_id": _KMS_KEY,
        "sqs_managed_sse_enabled": Ref("var.kms_key_arn == null ? true : null"),
        "tags": Ref("var.tags"),
        "depends_on": [labels.MADE_FIRST],
    }
    target: dict[str, Value] = {
        "arn": Ref("aws_sfn_state_machine.flow.arn"),
        "role_arn": labels.role("schedule"),
        "input": "{}",
        "retry_policy": {"maximum_retry_attempts": ATTEMPTS, "maximum_event_age_in_seconds": SECONDS},
        "dead_letter_config": {"arn": Ref("aws_sqs_queue.schedule.arn")},
    }
    started: dict[str, Value] = {
        "name": _NAME,
        "description": Joined("Starts the state machine ", _NAME),
        "schedule_expression": expression,
        "schedule_expression_timezone": timezone,
        "state": Ref(f'{enabled.expression} ? "ENABLED" : "DISABLED"'),
        "flexible_time_window": {"mode": "OFF"},
        "kms_key_arn": _KMS_KEY,
        "target": target,
        # EventBridge Scheduler needs the permissions of the role before the schedule.
        "depends_on": ["aws_iam_role_policy.schedule"],
    }
    nested: Nested = {"flexible_time_window": {}, "target": {"dead_letter_config": {}, "retry_policy": {}}}
    return Block("aws_sqs_queue", "schedule", queue), Block("aws_scheduler_schedule", "flow", started, nested)


def _roles(_: ExpressionInZone, flows: str) -> Iterator[Role]:
    description = f"Starts the {flows} on schedule"
    yield Role("schedule", "scheduler.amazonaws.com", description, "starts executions on schedule")


def _permissions(deployment: Deployment) -> Fitted:
    """Return the permissions to start executions and to keep failed starts. A start does not use the machine's key.

    https://docs.aws.amazon.com/scheduler/latest/UserGuide/setting-up.html
    https://docs.aws.amazon.com/scheduler/latest/UserGuide/encryption-rest.html
    https://docs.aws.amazon.com/AWSSimpleQueueService/latest/SQSDeveloperGuide/sqs-key-management.html
    """
    return fit(deployment, lambda _: _statements())


def _statements() -> tuple[Statement, ...]:
    queue = regional("sqs", labels.of_deployment(_FAILED_STARTS))
    # The group of a schedule without a group.
    schedule = regional("scheduler", "schedule/default/", _NAME)
    encrypted = key(
        "DecryptSchedule", ("StringEquals", "kms:EncryptionContext:aws:scheduler:schedule:arn", (schedule,))
    )
    return (
        Statement("StartExecutions", ("states:StartExecution",), (states_arn("stateMachine", labels.MAIN),)),
        Statement("KeepFailures", ("sqs:SendMessage",), (queue,)),
        attrs.evolve(encrypted, actions=("kms:Decrypt",)),
        key("EncryptFailures", ("StringEquals", "kms:EncryptionContext:aws:sqs:arn", (queue,))),
    )


_NOT_STARTED = Alarm(
    label="not_started",
    description=Joined("The state machine ", _NAME, " was not started on schedule"),
    namespace="AWS/SQS",
    metric="ApproximateNumberOfMessagesVisible",
    statistic="Maximum",
    dimensions={"QueueName": Ref("aws_sqs_queue.schedule.name")},
)


_ENABLED = Variable(
    name="schedule_enabled",
    type="bool",
    description="Whether the schedule starts executions.",
    default=(True,),
)


def _argument(schedule: ExpressionInZone) -> dict[str, Value]:
    return {"expression": schedule.expression, "timezone": schedule.timezone, "enabled": _IS_ENABLED}


_IN_MODULE = InModule(
    variable=Variable(
        name="schedule",
        type="""\
object({
  expression = string
  timezone   = optional(string, "UTC")
  enabled    = optional(bool, true)
})""",
        description=(
            "When executions are started, without parameters: a cron(), rate() or at() expression, its time zone, and "
            "whether it is enabled. Null for never."
        ),
        default=(None,),
        validation=(
            Validation(
                'var.schedule == null ? true : can(regex("^(at|cron|rate)[(].+[)]$", var.schedule.expression))',
                "A schedule is written cron(...), rate(...) or at(...).",
            ),
            Validation(
                'var.schedule == null ? true : contains(keys(var.roles), "schedule")',
                "A schedule needs a role of its label: roles = { schedule = { ... } }.",
            ),
        ),
        nullable=True,
    ),
    argument=_argument,
    resources=_resources(Ref("var.schedule.expression"), Ref("var.schedule.timezone"), Ref("var.schedule.enabled")),
    alarms=(_NOT_STARTED,),
)


#: The kind of trigger.
SCHEDULE = TriggerKind(
    name="schedule",
    find=_find,
    parameters=lambda _: (("schedule", {}),),
    emit=_emit,
    rules=(check_expressions, check_timezones),
    roles=_roles,
    permissions={"schedule": _permissions},
    alarms=lambda _: (_NOT_STARTED,),
    variables=lambda _: (_ENABLED,),
    in_module=_IN_MODULE,
)
