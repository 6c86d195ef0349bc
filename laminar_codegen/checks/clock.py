"""The rule of times that are over.

It depends on the clock, so only ``laminar-codegen check`` has it: a flow compiles to the same bytes at any time, and
what is deployed already stays as it is.
"""

from __future__ import annotations

import datetime as dt
import zoneinfo
from collections.abc import Iterator, Sequence

from laminar_codegen.ir.expressions import Input
from laminar_codegen.ir.graph import Graph
from laminar_codegen.problems import Problem
from laminar_codegen.problems.rules import LAM077, LAM124
from laminar_codegen.triggers.expressions import find_flaw, find_once
from laminar_codegen.triggers.gaps import last_start
from laminar_codegen.triggers.registry import schedules_of
from laminar_codegen.triggers.timing import Timing, is_frequent, time_of
from laminar_runtime.variables import Variable

__all__ = ["check_times"]


def check_times(graphs: Sequence[Graph], now: dt.datetime) -> Iterator[Problem]:
    """Warn of schedules with times that are over, and of an alarm that expects successes before the first start.

    https://docs.aws.amazon.com/scheduler/latest/APIReference/API_CreateSchedule.html

    Args:
        graphs: The graphs of a flow and those that follow it.
        now: The time, with its zone.
    """
    for graph in graphs:
        yield from _early_alarm(graph, now)
        for timing in schedules_of(graph.triggers):
            for what, time, fix in _times(timing):
                if time is not None and time.tzinfo is not None and time < now:
                    which = (
                        f"the trigger '{timing.label}' of flow '{graph.flow}' {what} {time.isoformat()}, which is over"
                    )
                    yield Problem(graph.location, LAM077, which, fix)


def _early_alarm(graph: Graph, now: dt.datetime) -> Iterator[Problem]:
    seconds = graph.settings.no_success_in
    found = [_default_of(one.start) for one in schedules_of(graph.triggers) if seconds and is_frequent(one, seconds)]
    starts = [start for start in found if start is not None and start.tzinfo is not None and start > now]
    if seconds and starts and len(starts) == len(found):
        what = (
            f"flow '{graph.flow}' has an alarm if no execution succeeds in {seconds} seconds, and its schedule begins"
        )
        fix = "add the alarm later: until an execution succeeds it is raised"
        yield Problem(graph.location, LAM124, f"{what} at {min(starts).isoformat()}", fix)


def _times(timing: Timing) -> Iterator[tuple[str, dt.datetime | None, str]]:
    """Yield the times of a schedule: what each is, the time, and how to fix one that is over."""
    once = find_once(timing.expression)
    zone = timing.timezone.default if isinstance(timing.timezone, Input) else timing.timezone
    if once is not None and zone in zoneinfo.available_timezones():
        yield "starts an execution at", once.replace(tzinfo=zoneinfo.ZoneInfo(zone)), "choose a time to come"
    text = timing.expression.default if isinstance(timing.expression, Input) else timing.expression
    last = last_start(text) if isinstance(text, str) and not find_flaw(text) else None
    if last is not None and zone in zoneinfo.available_timezones():
        fix = "remove the trigger, or choose a year to come"
        yield "starts its last execution at", last.replace(tzinfo=zoneinfo.ZoneInfo(zone)), fix
    start, end = (_default_of(value) for value in (timing.start, timing.end))
    yield "begins at", start, "leave start out: AWS refuses to make a schedule that began before, and keeps one it has"
    yield "ends at", end, "remove the trigger, or choose an end to come"


def _default_of(value: dt.datetime | str | Variable | None) -> dt.datetime | None:
    return time_of(value.default if isinstance(value, Variable) else value)
