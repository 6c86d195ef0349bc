"""A schedule: starts the state machine by a cron or rate expression, and keeps the starts that failed.

Before: a cron or rate expression in a time zone. After: a schedule of Amazon EventBridge Scheduler, its role, the queue
of its failures, an alarm on that queue, and a variable that switches it off.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from typing import TypeGuard

import attrs

from laminar_codegen.ir import labels
from laminar_codegen.ir.deployment import Alarm, Deployment, Role
from laminar_codegen.ir.expressions import Joined, Ref, Value
from laminar_codegen.ir.graph import Graph
from laminar_codegen.ir.terraform import Block, Nested, Validation, Variable
from laminar_codegen.limits import TIMEZONE_LENGTH
from laminar_codegen.policies.sizes import Fitted, fit
from laminar_codegen.policies.statement import Statement, key, regional, states_arn
from laminar_codegen.problems import Problem
from laminar_codegen.problems.rules import LAM050, LAM051
from laminar_codegen.triggers.kind import InModule, TriggerKind
from laminar_runtime.configurations.schedulers.step_functions import StepFunctions
from laminar_runtime.configurations.triggers import Schedule, Trigger

__all__ = [
    "ATTEMPTS",
    "KEPT",
    "SCHEDULE",
    "SECONDS",
    "ExpressionInZone",
    "check_expressions",
    "check_timezones",
    "is_plain",
]

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


@attrs.frozen
class ExpressionInZone:
    """When a flow is started: an expression of EventBridge Scheduler, and its time zone."""

    expression: str
    timezone: str

    def __str__(self) -> str:
        return f"{self.expression} {self.timezone}"


def _find(scheduler: StepFunctions) -> Iterator[ExpressionInZone]:
    found = scheduler.started_without_caller
    if is_plain(found):
        yield ExpressionInZone(found[0].expression, found[0].timezone)


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


_RATE = re.compile(r"rate\(([1-9][0-9]{0,8}) (?:minute|hour|day)s?\)", re.ASCII)
_CRON = re.compile(r"cron\(([!-'*-~]+(?: [!-'*-~]+){5})\)")
_TIMEZONE = re.compile(r"[A-Za-z][A-Za-z0-9_+-]*(?:/[A-Za-z0-9_+-]+)*", re.ASCII)


@attrs.frozen(eq=False, repr=False)
class _Field:
    """A field of a cron expression: its name, least and most value, names of values, and further forms."""

    name: str
    least: int
    most: int
    named: tuple[str, ...] = ()
    special: str = ""

    def takes(self, text: str) -> bool:
        """Return whether the field accepts a text: values, ranges and steps, separated by commas."""
        return bool(re.fullmatch(self.special, text)) or all(map(self._takes_part, text.split(",")))

    def _takes_part(self, part: str) -> bool:
        values, slash, step = part.partition("/")
        if slash and not (step.isdecimal() and int(step) > 0):
            return False
        if values == "*":
            return True
        first, dash, last = values.partition("-")
        return self._takes_value(first) and (not dash or self._takes_value(last))

    def _takes_value(self, value: str) -> bool:
        return value.upper() in self.named or (value.isdecimal() and self.least <= int(value) <= self.most)


_MONTHS = ("JAN", "FEB", "MAR", "APR", "MAY", "JUN", "JUL", "AUG", "SEP", "OCT", "NOV", "DEC")
_DAYS = ("SUN", "MON", "TUE", "WED", "THU", "FRI", "SAT")
#: https://docs.aws.amazon.com/scheduler/latest/UserGuide/schedule-types.html
_FIELDS = (
    _Field("minutes", 0, 59),
    _Field("hours", 0, 23),
    _Field("day of the month", 1, 31, special=r"\?|L|LW|(?:[1-9]|[12][0-9]|3[01])W"),
    _Field("month", 1, 12, _MONTHS),
    _Field("day of the week", 1, 7, _DAYS, special=rf"\?|L|(?:[1-7]|(?i:{'|'.join(_DAYS)}))(?:L|#[1-5])"),
    _Field("year", 1970, 2199),
)


def check_expressions(graph: Graph, schedule: ExpressionInZone) -> Iterator[Problem]:
    """Check that EventBridge Scheduler accepts the schedule."""
    reason = _wrong(schedule.expression)
    if reason:
        what = f"flow '{graph.flow}' is scheduled by {schedule.expression!r}: {reason}"
        fix = "write it as in schedule='cron(0 6 * * ? *)', every day at six, or schedule='rate(1 hour)'"
        yield Problem(graph.location, LAM050, what, fix)


def _wrong(expression: str) -> str:
    """Return why the expression is invalid, or '' if it is valid or empty."""
    if _RATE.fullmatch(expression):
        return ""
    cron = _CRON.fullmatch(expression)
    if cron is None:
        return "it is neither rate(value unit) nor cron() of six fields with a space between two"
    fields = cron[1].split(" ")
    wrong = [f"{field.name} '{text}'" for field, text in zip(_FIELDS, fields, strict=True) if not field.takes(text)]
    if wrong:
        return f"cron has no {', '.join(wrong)}"
    if [fields[2], fields[4]].count("?") != 1:
        return "one of the day of the month and the day of the week must be ?, and the other not"
    return ""


def check_timezones(graph: Graph, schedule: ExpressionInZone) -> Iterator[Problem]:
    """Check that the time zone of a schedule exists."""
    import zoneinfo

    name = schedule.timezone
    # A machine without a time zone database checks the form only.
    known = zoneinfo.available_timezones() or {name}
    if len(name) > TIMEZONE_LENGTH or not _TIMEZONE.fullmatch(name) or name not in known:
        what = f"the schedule of flow '{graph.flow}' has the unknown time zone {name!r}"
        yield Problem(graph.location, LAM051, what, "use a name of the IANA database, as in timezone='Europe/Berlin'")


#: The kind of trigger.
SCHEDULE = TriggerKind(
    name="schedule",
    find=_find,
    emit=_emit,
    rules=(check_expressions, check_timezones),
    roles=_roles,
    permissions={"schedule": _permissions},
    alarms=lambda _: (_NOT_STARTED,),
    variables=lambda _: (_ENABLED,),
    in_module=_IN_MODULE,
)
