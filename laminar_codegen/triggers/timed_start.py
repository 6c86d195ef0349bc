"""A schedule among the triggers of a flow: a schedule of Amazon EventBridge Scheduler that calls the starter."""

from __future__ import annotations

import datetime as dt
import re
from collections.abc import Iterator

from laminar_codegen.ir import labels
from laminar_codegen.ir.expressions import Input, Joined, Ref, Value
from laminar_codegen.ir.graph import Graph
from laminar_codegen.ir.terraform import Block, Nested, Validation
from laminar_codegen.limits import SCHEDULE_INPUT_BYTES, SCHEDULE_WINDOW
from laminar_codegen.problems import Problem
from laminar_codegen.problems.rules import LAM076, LAM110, LAM111, Rule
from laminar_codegen.triggers.expressions import ExpressionInZone, check_expressions, check_timezones, is_once
from laminar_codegen.triggers.start import FAILED, Start
from laminar_codegen.triggers.start_input import find_placeholders, write_input
from laminar_codegen.triggers.starter import STARTER
from laminar_codegen.triggers.timing import time_of
from laminar_runtime.configurations.triggers import SCHEDULED_TIME, Schedule
from laminar_runtime.variables import Text, Variable

__all__ = ["check_schedule", "emit_schedule", "times_in_utc"]

#: https://docs.aws.amazon.com/scheduler/latest/UserGuide/managing-schedule-context-attributes.html. It has no character
#: that JSON escapes.
_SCHEDULED_TIME = '"<aws.scheduler.scheduled-time>"'


#: The pattern of a time in UTC, for Terraform and for Python.
_UTC = "[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}:[0-9]{2}Z"


def emit_schedule(start: Start, schedule: Schedule) -> Block:
    """Emit a schedule that starts the flow.

    https://docs.aws.amazon.com/scheduler/latest/UserGuide/managing-targets-templated.html

    Args:
        start: The start.
        schedule: Its schedule.
    """
    target: dict[str, Value] = {
        "arn": Ref(f"aws_sfn_state_machine.{STARTER}.arn"),
        "role_arn": labels.role("schedule"),
        "input": _input(start, schedule),
        **FAILED.delivery,
    }
    window: dict[str, Value] = (
        {"mode": "OFF"}
        if schedule.window is None
        else {"mode": "FLEXIBLE", "maximum_window_in_minutes": schedule.window}
    )
    zoned = ExpressionInZone.of(schedule)
    times = {f"{name}_date": time for name, value in _times(schedule) if (time := _text_of(value)) is not None}
    body: dict[str, Value] = {
        "name": start.resource,
        "description": Joined("Starts the state machine ", Ref("var.name")),
        "schedule_expression": zoned.expression,
        "schedule_expression_timezone": zoned.timezone,
        **times,
        "state": start.state,
        "flexible_time_window": window,
        "kms_key_arn": Ref("var.kms_key_arn"),
        "target": target,
        # EventBridge Scheduler needs the permissions of the role before the schedule.
        "depends_on": ["aws_iam_role_policy.schedule"],
    }
    nested: Nested = {"flexible_time_window": {}, "target": {"dead_letter_config": {}, "retry_policy": {}}}
    return Block("aws_scheduler_schedule", start.label, body, nested)


def _input(start: Start, schedule: Schedule) -> Joined:
    return write_input(start.label, "schedule", SCHEDULED_TIME, schedule.parameters, lambda _: _SCHEDULED_TIME)


def check_schedule(graph: Graph, start: Start, schedule: Schedule) -> Iterator[Problem]:
    """Check that EventBridge Scheduler accepts a schedule, and that its parameters are known when it starts the flow.

    https://docs.aws.amazon.com/scheduler/latest/APIReference/API_CreateSchedule.html

    Args:
        graph: The graph of the flow.
        start: The start.
        schedule: Its schedule.
    """
    zoned = ExpressionInZone.of(schedule)
    yield from check_expressions(graph, zoned)
    yield from check_timezones(graph, zoned)
    for rule, what, fix in _flaws(schedule):
        yield Problem(graph.location, rule, f"the trigger '{start.label}' of flow '{graph.flow}' {what}", fix)
    for placeholder in find_placeholders(schedule.parameters):
        if placeholder != SCHEDULED_TIME:
            what = f"the schedule '{start.label}' of flow '{graph.flow}' has a parameter with {placeholder.text}"
            yield Problem(graph.location, LAM111, what, "use SCHEDULED_TIME: a schedule has no event")
            return
    known = "".join(part for part in _input(start, schedule).parts if isinstance(part, str))
    if len(known.encode()) > SCHEDULE_INPUT_BYTES:
        what = f"the parameters of the trigger '{start.label}' of flow '{graph.flow}' are too long"
        yield Problem(graph.location, LAM111, what, f"use less than {SCHEDULE_INPUT_BYTES:,} bytes of JSON")


def _flaws(schedule: Schedule) -> Iterator[tuple[Rule, str, str]]:
    """Yield the rules that the times of a schedule break, what is wrong, and how to fix it."""
    for name, value in _times(schedule):
        if value is not None and is_once(ExpressionInZone.of(schedule).expression):
            yield LAM076, f"has a time for {name}=, which EventBridge ignores beside at()", f"leave {name} out"
    least, most = SCHEDULE_WINDOW
    if schedule.window is not None and not least <= schedule.window <= most:
        yield LAM110, f"has a window of {schedule.window} minutes", f"use {least} to {most:,} minutes"
    known: dict[str, dt.datetime] = {}
    for name, value in _times(schedule):
        text = value.default if isinstance(value, Variable) else value
        time = time_of(text)
        if isinstance(value, Variable) and text == "":
            continue
        if isinstance(value, Variable) and isinstance(text, str) and not re.fullmatch(_UTC, text):
            fix = f"write it in UTC, as in Variable({value.name!r}, default='2026-01-01T00:00:00Z'), or '' for none"
            yield LAM110, f"has no valid {name}: the Variable {value.name!r} has the default {text!r}", fix
        elif text is not None and (time is None or time.tzinfo is None):
            fix = f"write it with its time zone, as in {name}='2026-01-01T00:00:00Z'"
            yield LAM110, f"has no valid {name}: {text!r}", fix
        elif time is not None:
            known[name] = time
    if len(known) > 1 and known["start"] >= known["end"]:
        yield LAM110, "ends before it starts", "use a start before the end"


def _times(schedule: Schedule) -> tuple[tuple[str, dt.datetime | Text | None], ...]:
    return ("start", schedule.start), ("end", schedule.end)


def _text_of(value: dt.datetime | Text | None) -> str | Ref | None:
    """Return a time as EventBridge Scheduler takes it, None if it is none. An empty variable is none."""
    if isinstance(value, Variable):
        return Ref(f'var.{value.name} == "" ? null : var.{value.name}')
    time = time_of(value)
    return None if time is None else time.astimezone(dt.UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def times_in_utc(schedule: Schedule) -> Iterator[tuple[Ref, Validation]]:
    """Yield the variables of the first and the last time of a schedule, and their validations.

    Args:
        schedule: The schedule.
    """
    for name, value in _times(schedule):
        if isinstance(value, Variable):
            reference = Input.of(value)
            message = (
                f"The {name} of the schedule must be a time in UTC, as in 2026-01-01T00:00:00Z, or empty for none."
            )
            yield reference, Validation(f'can(regex("^({_UTC})?$", {reference.expression}))', message)
