"""Expressions of EventBridge Scheduler: when a schedule starts executions, and whether that is valid."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import TYPE_CHECKING

import attrs

from laminar_codegen.ir.expressions import Input, Ref
from laminar_codegen.ir.graph import Graph
from laminar_codegen.ir.structs import Struct
from laminar_codegen.ir.terraform import Validation
from laminar_codegen.limits import TIMEZONE_LENGTH
from laminar_codegen.problems import Problem
from laminar_codegen.problems.rules import LAM050, LAM051
from laminar_runtime.configurations.triggers import Schedule
from laminar_runtime.variables import Text, Variable

if TYPE_CHECKING:
    import datetime as dt

__all__ = [
    "EXPRESSION",
    "ExpressionInZone",
    "check_expressions",
    "check_timezones",
    "expression_condition",
    "find_flaw",
    "find_once",
    "is_once",
    "is_timezone",
    "validations",
]


@attrs.frozen(eq=False, repr=False)
class ExpressionInZone(Struct):
    """When a flow is started: an expression of EventBridge Scheduler, and its time zone."""

    expression: str | Input
    timezone: str | Input

    @classmethod
    def of(cls, schedule: Schedule) -> ExpressionInZone:
        """Return the expression and the time zone of a schedule, which may be variables.

        Args:
            schedule: The schedule.
        """
        return cls(_input(schedule.expression), _input(schedule.timezone))

    def __str__(self) -> str:
        return " ".join(text if isinstance(text, str) else text.expression for text in (self.expression, self.timezone))


def _input(text: Text) -> str | Input:
    return Input.of(text) if isinstance(text, Variable) else text


_RATE = re.compile(r"rate\(([1-9][0-9]{0,8}) (minute|hour|day)s?\)", re.ASCII)
_AT = re.compile(r"at\((\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d)\)", re.ASCII)
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
    expression = _find_text(schedule.expression)
    reason = "" if expression is None else find_flaw(expression)
    if reason:
        what = f"flow '{graph.flow}' is scheduled by {expression!r}: {reason}"
        fix = "write it as in schedule='cron(0 6 * * ? *)', every day at six, or schedule='rate(1 hour)'"
        yield Problem(graph.location, LAM050, what, fix)


def _find_text(text: str | Input) -> str | None:
    """Return a text, or the default of a variable; None without one."""
    return text.default if isinstance(text, Input) else text


def find_flaw(expression: str) -> str:
    """Return why an expression is invalid, or '' if it is valid.

    Args:
        expression: The expression.
    """
    if _RATE.fullmatch(expression):
        return ""
    if expression.startswith("at("):
        return "" if is_once(expression) else "at() takes a valid time without a zone, as in at(2026-12-24T18:00:00)"
    cron = _CRON.fullmatch(expression)
    if cron is None:
        return "it is neither rate(value unit) nor cron() of six fields with a space between two, nor at(time)"
    fields = cron[1].split(" ")
    wrong = [f"{field.name} '{text}'" for field, text in zip(_FIELDS, fields, strict=True) if not field.takes(text)]
    if wrong:
        return f"cron has no {', '.join(wrong)}"
    if [fields[2], fields[4]].count("?") != 1:
        return "one of the day of the month and the day of the week must be ?, and the other not"
    return ""


def is_once(expression: str | Input) -> bool:
    """Return whether a schedule starts one execution: at a time.

    Args:
        expression: Its expression.

    Example:
        >>> is_once("at(2026-12-24T18:00:00)"), is_once("at(2026-02-30T00:00:00)"), is_once("rate(1 day)")
        (True, False, False)
    """
    return find_once(expression) is not None


def find_once(expression: str | Input) -> dt.datetime | None:
    """Return the time of a schedule that starts one execution, without its zone; None of another schedule.

    Args:
        expression: Its expression.
    """
    import datetime as dt  # slow to load, and few flows start at one time

    found = _AT.fullmatch(_find_text(expression) or "")
    try:
        return None if found is None else dt.datetime.fromisoformat(found[1])
    except ValueError:
        return None


def validations(schedule: ExpressionInZone) -> Iterator[tuple[Ref, Validation]]:
    """Yield the variables of a schedule, and their validations: Terraform knows no more than the form.

    Args:
        schedule: The schedule.
    """
    expression, timezone = schedule.expression, schedule.timezone
    if isinstance(expression, Input):
        yield expression, Validation(expression_condition(expression), EXPRESSION)
    if isinstance(timezone, Input):
        condition = f'can(regex("^{_TIMEZONE.pattern}$", {timezone.expression}))'
        length = f"length({timezone.expression}) <= {TIMEZONE_LENGTH}"
        yield (
            timezone,
            Validation(f"{condition} && {length}", "A time zone is a name of the IANA database, as in Europe/Berlin."),
        )


#: What a variable of a schedule must be.
EXPRESSION = "A schedule is written cron(...), rate(...) or at(...)."


def expression_condition(expression: Ref) -> str:
    """Return the Terraform expression for whether a schedule has a valid form.

    Args:
        expression: The reference to its expression.
    """
    return f'can(regex("^(at|cron|rate)[(].+[)]$", {expression.expression}))'


def check_timezones(graph: Graph, schedule: ExpressionInZone) -> Iterator[Problem]:
    """Check that the time zone of a schedule exists."""
    name = _find_text(schedule.timezone)
    if name is not None and not is_timezone(name):
        what = f"the schedule of flow '{graph.flow}' has the unknown time zone {name!r}"
        yield Problem(graph.location, LAM051, what, "use a name of the IANA database, as in timezone='Europe/Berlin'")


def is_timezone(name: str) -> bool:
    """Return whether a time zone exists. A machine without a time zone database checks the form only.

    Args:
        name: Its name.

    Example:
        >>> is_timezone("Europe/Berlin"), is_timezone("Mars")
        (True, False)
    """
    import zoneinfo

    known = zoneinfo.available_timezones() or {name}
    return len(name) <= TIMEZONE_LENGTH and _TIMEZONE.fullmatch(name) is not None and name in known
