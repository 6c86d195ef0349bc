"""Triggers: what starts a deployed flow without a caller. `AWS.StepFunctions(triggers=[...])` takes them.

They have no effect where a flow runs on this machine: there a call of the flow starts it.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from laminar_runtime import _records
from laminar_runtime.exceptions import SchedulerError

if TYPE_CHECKING:
    from datetime import datetime

__all__ = ["SCHEDULED_TIME", "Placeholder", "Schedule", "Trigger"]


@_records.frozen
class Placeholder:
    """A value of a parameter that is known when a trigger starts the flow.

    Args:
        text: Its name.
    """

    text: str


#: The time for which a schedule planned the start, as text in UTC: ``2026-03-22T18:59:43Z``.
#: https://docs.aws.amazon.com/scheduler/latest/UserGuide/managing-schedule-context-attributes.html
SCHEDULED_TIME = Placeholder("the scheduled time")


class Trigger:
    """Base of all triggers."""


def _check_parameters(_: object, __: _records.Field, value: Any) -> None:
    if not (isinstance(value, Mapping) and all(isinstance(name, str) for name in value)):
        raise SchedulerError(f"the parameters of a trigger must be a mapping from names to values, not {value!r}")


def _check_window(_: object, __: _records.Field, value: Any) -> None:
    if value is not None and not (isinstance(value, int) and not isinstance(value, bool)):
        raise SchedulerError(f"the window of a Schedule must be whole minutes, not {value!r}")


def _check_text(_: object, attribute: _records.Field, value: Any) -> None:
    if not isinstance(value, str):
        raise SchedulerError(f"the {attribute.argument} of a trigger must be text, not {value!r}")


def _check_name(_: object, __: _records.Field, value: Any) -> None:
    if value is not None and not isinstance(value, str):
        raise SchedulerError(f"the name of a trigger must be text, not {value!r}")


def _check_time(_: object, attribute: _records.Field, value: Any) -> None:
    from datetime import datetime

    if value is not None and not isinstance(value, (str, datetime)):
        raise SchedulerError(
            f"the {attribute.argument} of a Schedule must be a datetime or text such as 2026-01-01T00:00:00Z, "
            f"not {value!r}"
        )


@_records.frozen
class Schedule(Trigger):
    """Starts the flow at the times of an expression of Amazon EventBridge Scheduler.

    A start that is delivered twice starts one execution: its id has the scheduled time.

    Args:
        expression: ``cron(0 6 * * ? *)`` or ``rate(1 hour)``.
            https://docs.aws.amazon.com/scheduler/latest/UserGuide/schedule-types.html
        timezone: The time zone of `expression`, by its IANA name, for example ``Europe/Berlin``.
        parameters: Parameters of the flow: JSON values, and `SCHEDULED_TIME`.
        start: The first time at which it starts executions: a `datetime` with a time zone, or its text in ISO 8601.
        end: The last time at which it starts executions.
        window: The minutes within which a start may be delayed, from 1 to 1,440. By default starts are on time.
        name: The name of the trigger among those of the flow: lower-case letters, digits and underscores.

    Raises:
        SchedulerError: If an argument has a wrong type.

    Example:
        >>> Schedule("cron(0 6 * * ? *)", timezone="Europe/Berlin", parameters={"day": SCHEDULED_TIME}).window
    """

    expression: str = _records.field(validator=_check_text)
    timezone: str = _records.field(default="UTC", kw_only=True, validator=_check_text)
    parameters: Mapping[str, Any] = _records.field(factory=dict, kw_only=True, validator=_check_parameters)
    start: datetime | str | None = _records.field(default=None, kw_only=True, validator=_check_time)
    end: datetime | str | None = _records.field(default=None, kw_only=True, validator=_check_time)
    window: int | None = _records.field(default=None, kw_only=True, validator=_check_window)
    name: str | None = _records.field(default=None, kw_only=True, validator=_check_name)
