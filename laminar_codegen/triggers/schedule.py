"""A schedule: starts the state machine by a cron or rate expression, and keeps the starts that failed.

Before: a cron or rate expression in a time zone. After: a schedule of Amazon EventBridge Scheduler, its role, the queue
of its failures, an alarm on that queue, and a variable that switches it off.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from typing import TypeGuard

from laminar_codegen.ir import labels
from laminar_codegen.ir.deployment import Deployment, Role
from laminar_codegen.ir.expressions import Joined, Ref, Value
from laminar_codegen.ir.terraform import Block, Nested, Validation, Variable
from laminar_codegen.policies.sizes import Fitted, fit
from laminar_codegen.triggers.expressions import (
    EXPRESSION,
    ExpressionInZone,
    check_expressions,
    check_timezones,
    expression_condition,
    validations,
)
from laminar_codegen.triggers.failed_starts import FailedStarts
from laminar_codegen.triggers.kind import InModule, TriggerKind
from laminar_codegen.triggers.timing import Timing
from laminar_runtime.configurations.schedulers.step_functions import StepFunctions
from laminar_runtime.configurations.triggers import Schedule, Trigger
from laminar_runtime.storage.layout import STARTED_BY

__all__ = ["SCHEDULE", "is_plain"]

_NAME = Ref("var.name")
_IS_ENABLED = Ref("var.schedule_enabled")

#: The queue of failed starts.
_FAILED = FailedStarts("schedule", "schedule-failures")


#: The input of an execution: what started it.
_INPUT = json.dumps({STARTED_BY: "schedule"})


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
    target: dict[str, Value] = {
        "arn": Ref("aws_sfn_state_machine.flow.arn"),
        "role_arn": labels.role("schedule"),
        "input": _INPUT,
        **_FAILED.delivery,
    }
    started: dict[str, Value] = {
        "name": _NAME,
        "description": Joined("Starts the state machine ", _NAME),
        "schedule_expression": expression,
        "schedule_expression_timezone": timezone,
        "state": Ref(f'{enabled.expression} ? "ENABLED" : "DISABLED"'),
        "flexible_time_window": {"mode": "OFF"},
        "kms_key_arn": Ref("var.kms_key_arn"),
        "target": target,
        # EventBridge Scheduler needs the permissions of the role before the schedule.
        "depends_on": ["aws_iam_role_policy.schedule"],
    }
    nested: Nested = {"flexible_time_window": {}, "target": {"dead_letter_config": {}, "retry_policy": {}}}
    return _FAILED.emit(), Block("aws_scheduler_schedule", "flow", started, nested)


def _roles(_: ExpressionInZone, flows: str) -> Iterator[Role]:
    description = f"Starts the {flows} on schedule"
    yield Role("schedule", "scheduler.amazonaws.com", description, "starts executions on schedule")


def _permissions(deployment: Deployment) -> Fitted:
    return fit(deployment, lambda _: _FAILED.schedule_statements(labels.MAIN, (_NAME,)))


_NOT_STARTED = _FAILED.alarm(Joined("The state machine ", _NAME, " was not started on schedule"))


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
                f"var.schedule == null ? true : {expression_condition(Ref('var.schedule.expression'))}", EXPRESSION
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
    schedules=lambda schedule: (Timing(schedule.expression, schedule.timezone, _ENABLED.name, "schedule"),),
    validations=validations,
    in_module=_IN_MODULE,
)
