"""When a schedule starts executions: its expression, and the times between which it does."""

from __future__ import annotations

from typing import TYPE_CHECKING

import attrs

from laminar_codegen.ir.expressions import Input
from laminar_codegen.ir.structs import Struct
from laminar_codegen.triggers.expressions import is_once
from laminar_runtime.variables import Text

if TYPE_CHECKING:
    import datetime as dt

__all__ = ["Timing", "is_frequent", "time_of"]


@attrs.frozen(eq=False, repr=False)
class Timing(Struct):
    """When a schedule starts executions.

    Args:
        expression: Its expression.
        timezone: The time zone of its expression.
        switch: The variable that switches it off.
        label: Its name among the triggers of a flow.
        start: The first time, None for no such limit.
        end: The last time.
    """

    expression: str | Input
    timezone: str | Input
    switch: str
    label: str
    start: dt.datetime | Text | None = None
    end: dt.datetime | Text | None = None

    @property
    def repeats(self) -> bool:
        """Whether it starts more than one execution."""
        return not is_once(self.expression)

    @property
    def lasts(self) -> bool:
        """Whether it starts executions again and again, without an end."""
        from laminar_codegen.triggers.gaps import has_years  # slow to load, and most flows have no schedule

        return self.repeats and self.end is None and not has_years(self.expression)


def time_of(value: dt.datetime | str | None) -> dt.datetime | None:
    """Return a time, None if a text is none.

    Args:
        value: The time, or its text in ISO 8601.
    """
    if not isinstance(value, str):
        return value
    import datetime as dt

    try:
        return dt.datetime.fromisoformat(value)
    except ValueError:
        return None


def is_frequent(timing: Timing, seconds: int) -> bool:
    """Return whether a schedule starts an execution in each period of some length, as far as that is known.

    Args:
        timing: When it starts executions.
        seconds: The length of the period.
    """
    from laminar_codegen.triggers.gaps import longest_gap

    gap = longest_gap(timing.expression)
    return timing.lasts and (gap is None or gap < seconds)
