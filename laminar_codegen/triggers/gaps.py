"""The longest time between two starts of a schedule.

Before: an expression of EventBridge Scheduler. After: seconds::

    rate(2 hours)               2 hours
    cron(0 6 ? * MON-FRI *)     3 days: from Friday to Monday

https://docs.aws.amazon.com/scheduler/latest/UserGuide/schedule-types.html
"""

from __future__ import annotations

import calendar
import datetime as dt
import itertools
import re
from collections.abc import Iterator, Sequence

from laminar_codegen.ir.expressions import Input

__all__ = ["has_years", "last_start", "longest_gap"]

_RATE = re.compile(r"rate\(([0-9]+) (minute|hour|day)s?\)", re.ASCII)
_SECONDS = {"minute": 60, "hour": 3600, "day": 86400}
_CRON = re.compile(r"cron\((\S+) (\S+) (\S+) (\S+) (\S+) (\S+)\)")
_MONTHS = tuple(name.upper() for name in calendar.month_abbr)
_DAYS = ("", "SUN", "MON", "TUE", "WED", "THU", "FRI", "SAT")
#: Nine years have every pattern of weekdays and leap days between two of them.
_FIRST, _LAST = dt.date(2024, 1, 1), dt.date(2032, 12, 31)


def longest_gap(expression: str | Input) -> int | None:
    """Return the most seconds between two starts of a schedule; None if that is not known.

    Whether clocks are set forward or back in between does not count.

    Args:
        expression: Its valid expression, or a variable of it.

    Example:
        >>> longest_gap("rate(2 hours)"), longest_gap("cron(0 6 ? * MON-FRI *)"), longest_gap("cron(0 6,18 * * ? *)")
        (7200, 259200, 43200)
    """
    text = expression.default or "" if isinstance(expression, Input) else expression
    rate, cron = _RATE.fullmatch(text), _CRON.fullmatch(text)
    if rate:
        return int(rate[1]) * _SECONDS[rate[2]]
    if cron is None:
        return None
    minute, hour, day, month, weekday, _ = cron.groups()
    times = sorted(60 * (60 * at + past) for at in _values(hour, 0, 23) for past in _values(minute, 0, 59))
    days = [*_matching(day, month, weekday)]
    if len(days) < 2:  # noqa: PLR2004 - a gap lies between two
        return None
    between = max((later - earlier).days for earlier, later in itertools.pairwise(days))
    across = between * _SECONDS["day"] - (times[-1] - times[0])
    return max(across, *(later - earlier for earlier, later in itertools.pairwise(times)), 0)


def has_years(expression: str | Input) -> bool:
    """Return whether a schedule names its years, so that it ends.

    Args:
        expression: Its valid expression, or a variable of it.

    Example:
        >>> has_years("cron(0 6 * * ? 2026-2027)"), has_years("rate(1 day)")
        (True, False)
    """
    text = expression.default or "" if isinstance(expression, Input) else expression
    cron = _CRON.fullmatch(text)
    return cron is not None and cron[6] != "*"


def last_start(expression: str | Input) -> dt.datetime | None:
    """Return the last start of a schedule that names its years, without its zone; None if it does not end.

    Args:
        expression: Its valid expression, or a variable of it.

    Example:
        >>> print(last_start("cron(30 6 L 2 ? 2023-2024)"))
        2024-02-29 06:30:00
    """
    text = expression.default or "" if isinstance(expression, Input) else expression
    cron = _CRON.fullmatch(text)
    if cron is None or not has_years(text):
        return None
    minute, hour, day, month, weekday, years = cron.groups()
    time = dt.time(max(_values(hour, 0, 23)), max(_values(minute, 0, 59)))
    for year in sorted(_values(years, 1970, 2199), reverse=True):
        days = [*_matching(day, month, weekday, dt.date(year, 1, 1), dt.date(year, 12, 31))]
        if days:
            return dt.datetime.combine(days[-1], time)
    return None


def _values(field: str, least: int, most: int, named: Sequence[str] = ()) -> set[int]:
    """Return the values that a field stands for: values, ranges and steps, separated by commas."""
    found: set[int] = set()
    for part in field.split(","):
        values, slash, step = part.partition("/")
        first, dash, last = ("*" if values in {"*", "?"} else values).partition("-")
        low = least if first == "*" else _value(first, named)
        high = most if first == "*" or (slash and not dash) else _value(last or first, named)
        # A range such as FRI-MON goes over the end.
        ring = range(low, high + 1) if low <= high else [*range(low, most + 1), *range(least, high + 1)]
        found.update(ring[:: int(step or 1)])
    return found


def _value(text: str, named: Sequence[str]) -> int:
    return named.index(text.upper()) if text.upper() in named else int(text)


def _matching(day: str, month: str, weekday: str, first: dt.date = _FIRST, last: dt.date = _LAST) -> Iterator[dt.date]:
    """Yield the days of some years on which a cron expression starts executions."""
    months = _values(month, 1, 12, _MONTHS)
    for number in range((last - first).days + 1):
        date = first + dt.timedelta(days=number)
        if date.month in months and (_is_weekday(date, weekday) if day == "?" else _is_day(date, day)):
            yield date


def _is_day(date: dt.date, field: str) -> bool:
    """Return whether a date is a day of the month."""
    last = calendar.monthrange(date.year, date.month)[1]
    if field == "L":
        return date.day == last
    if field.endswith("W"):
        wanted = last if field == "LW" else min(int(field[:-1]), last)
        return date.day == _nearest_weekday(date.replace(day=wanted), last)
    return date.day in _values(field, 1, 31)


def _nearest_weekday(date: dt.date, last: int) -> int:
    """Return the day of the month of the weekday that is nearest to a date, in its month."""
    match date.isoweekday():
        case 6:
            return date.day - 1 if date.day > 1 else 3
        case 7:
            return date.day + 1 if date.day < last else last - 2
        case _:
            return date.day


def _is_weekday(date: dt.date, field: str) -> bool:
    """Return whether a date is a day of the week: 1 is Sunday."""
    own = date.isoweekday() % 7 + 1
    name, numbered, number = field.partition("#")
    if numbered:
        return own == _value(name, _DAYS) and (date.day - 1) // 7 + 1 == int(number)
    if field.upper() == "L":
        return own == _value("SAT", _DAYS)
    if field.upper().endswith("L") and field.upper() not in _DAYS:
        in_a_week = (date + dt.timedelta(days=7)).month
        return own == _value(field[:-1], _DAYS) and in_a_week != date.month
    return own in _values(field, 1, 7, _DAYS)
