"""What must hold of schedules: one function for each rule, as in `laminar_codegen.checks`.

Terraform does not look into a schedule, and EventBridge Scheduler refuses a wrong one only when it is applied.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator

import attrs

from laminar_codegen.ir.graph import Graph
from laminar_codegen.limits import TIMEZONE_LENGTH
from laminar_codegen.problems import Problem

__all__ = ["SCHEDULE_RULES"]

_RATE = re.compile(r"rate\(([1-9][0-9]{0,8}) (?:minute|hour|day)s?\)", re.ASCII)
_CRON = re.compile(r"cron\(([!-'*-~]+(?: [!-'*-~]+){5})\)")
_TIMEZONE = re.compile(r"[A-Za-z][A-Za-z0-9_+-]*(?:/[A-Za-z0-9_+-]+)*", re.ASCII)


@attrs.frozen
class _Field:
    """A field of a cron expression: its name, least and most value, names of values, and what else it may be."""

    name: str
    least: int
    most: int
    named: tuple[str, ...] = ()
    special: str = ""

    def takes(self, text: str) -> bool:
        """Whether the field may be a text: values, ranges and steps, with commas between them."""
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


def check_expressions(graph: Graph) -> Iterator[Problem]:
    """A schedule is one that EventBridge Scheduler takes."""
    if graph.schedule is None:
        return
    expression = graph.schedule.expression
    reason = _wrong(expression)
    if reason:
        what = f"flow '{graph.flow}' is scheduled by {expression!r}: {reason}"
        fix = "write it as in schedule='cron(0 6 * * ? *)', every day at six, or schedule='rate(1 hour)'"
        yield Problem(graph.location, "LAM050", what, fix)


def _wrong(expression: str) -> str:
    """What is wrong with an expression, nothing if it is empty."""
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


def check_timezones(graph: Graph) -> Iterator[Problem]:
    """The time zone of a schedule is one."""
    if graph.schedule is None:
        return
    import zoneinfo

    name = graph.schedule.timezone
    # A machine without time zones knows the form only; one that has them knows a misspelt one.
    known = zoneinfo.available_timezones() or {name}
    if len(name) > TIMEZONE_LENGTH or not _TIMEZONE.fullmatch(name) or name not in known:
        what = f"the schedule of flow '{graph.flow}' is in the time zone {name!r}, which there is not"
        yield Problem(graph.location, "LAM051", what, "name one of IANA's, as in timezone='Europe/Berlin'")


def check_followers(graph: Graph) -> Iterator[Problem]:
    """A flow that follows another has no schedule of its own."""
    if graph.linked and graph.schedule is not None:
        what = f"flow '{graph.flow}' follows another flow, and has a schedule of its own"
        yield Problem(graph.location, "LAM052", what, "give the schedule to the first flow, whose deployment it starts")


#: The rules, in the order in which they are told of.
SCHEDULE_RULES: tuple[Callable[[Graph], Iterator[Problem]], ...] = (
    check_expressions,
    check_timezones,
    check_followers,
)
