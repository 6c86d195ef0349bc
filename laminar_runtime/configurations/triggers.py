"""Triggers: what starts a deployed flow without a caller. `AWS.StepFunctions(triggers=[...])` takes them.

They have no effect where a flow runs on this machine: there a call of the flow starts it.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Any, ClassVar

from laminar_runtime import _records
from laminar_runtime.exceptions import SchedulerError
from laminar_runtime.variables import Text, Variable

if TYPE_CHECKING:
    from datetime import datetime

__all__ = [
    "EXECUTION_ID",
    "SCHEDULED_TIME",
    "After",
    "Event",
    "FromEvent",
    "ObjectCreated",
    "Placeholder",
    "Schedule",
    "Trigger",
]


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

#: The id of the execution after which `After` starts the flow.
EXECUTION_ID = Placeholder("the id of an execution")


@_records.frozen
class FromEvent(Placeholder):
    """A value of the event that starts the flow.

    Args:
        text: The path of the value, in the notation of EventBridge: names and indexes.
            https://docs.aws.amazon.com/eventbridge/latest/userguide/eb-transform-target-input.html

    Example:
        >>> FromEvent("$.detail.object.key").text
        '$.detail.object.key'
    """


class Trigger:
    """Base of all triggers.

    Attributes:
        kind: What one is called that has no name.
    """

    kind: ClassVar[str]
    name: str | None
    parameters: Mapping[str, Any]


class EventTrigger(Trigger):
    """Base of the triggers that an event of Amazon EventBridge starts."""


def _check_parameters(_: object, __: _records.Field, value: Any) -> None:
    if not (isinstance(value, Mapping) and all(isinstance(name, str) for name in value)):
        raise SchedulerError(f"the parameters of a trigger must be a mapping from names to values, not {value!r}")


def _check_window(_: object, __: _records.Field, value: Any) -> None:
    if value is not None and not (isinstance(value, int) and not isinstance(value, bool)):
        raise SchedulerError(f"the window of a Schedule must be whole minutes, not {value!r}")


def _check_text(_: object, attribute: _records.Field, value: Any) -> None:
    if not isinstance(value, (str, Variable)):
        raise SchedulerError(f"the {attribute.argument} of a trigger must be text, not {value!r}")


def _check_part(_: object, attribute: _records.Field, value: Any) -> None:
    if value is not None and not isinstance(value, (str, Variable)):
        raise SchedulerError(f"the {attribute.argument} of ObjectCreated must be text, not {value!r}")


def _check_pattern(_: object, __: _records.Field, value: Any) -> None:
    if not isinstance(value, Mapping):
        raise SchedulerError(f"the pattern of an Event must be a mapping, not {value!r}")


def _check_name(_: object, __: _records.Field, value: Any) -> None:
    if value is not None and not isinstance(value, str):
        raise SchedulerError(f"the name of a trigger must be text, not {value!r}")


def _check_time(_: object, attribute: _records.Field, value: Any) -> None:
    from datetime import datetime

    if value is not None and not isinstance(value, (str, datetime, Variable)):
        raise SchedulerError(
            f"the {attribute.argument} of a Schedule must be a datetime or text such as 2026-01-01T00:00:00Z, "
            f"not {value!r}"
        )


@_records.frozen
class Schedule(Trigger):
    """Starts the flow at the times of an expression of Amazon EventBridge Scheduler.

    A start that is delivered twice starts one execution: its id has the scheduled time.

    Args:
        expression: ``cron(0 6 * * ? *)``, ``rate(1 hour)``, or ``at(2026-12-24T18:00:00)`` for a single start.
            https://docs.aws.amazon.com/scheduler/latest/UserGuide/schedule-types.html
        timezone: The time zone of `expression`, by its IANA name, for example ``Europe/Berlin``.
        parameters: Parameters of the flow: JSON values, and `SCHEDULED_TIME`.
        start: The first time at which it starts executions: a `datetime` with a time zone, or its text in ISO 8601. The
            value of a variable is in UTC, as in ``2026-01-01T00:00:00Z``.
        end: The last time at which it starts executions.
        window: The minutes within which a start may be delayed, from 1 to 1,440. By default starts are on time.
        name: The name of the trigger among those of the flow: lower-case letters, digits and underscores.

    Raises:
        SchedulerError: If an argument has a wrong type.

    Example:
        >>> Schedule("cron(0 6 * * ? *)", timezone="Europe/Berlin", parameters={"day": SCHEDULED_TIME}).window
    """

    kind: ClassVar[str] = "schedule"
    expression: Text = _records.field(validator=_check_text)
    timezone: Text = _records.field(default="UTC", kw_only=True, validator=_check_text)
    parameters: Mapping[str, Any] = _records.field(factory=dict, kw_only=True, validator=_check_parameters)
    start: datetime | Text | None = _records.field(default=None, kw_only=True, validator=_check_time)
    end: datetime | Text | None = _records.field(default=None, kw_only=True, validator=_check_time)
    window: int | None = _records.field(default=None, kw_only=True, validator=_check_window)
    name: str | None = _records.field(default=None, kw_only=True, validator=_check_name)


def _deployment(flow: Any) -> Any:
    """Return the name of the deployment of a flow: of its class, of an instance, or as given."""
    if isinstance(flow, type):
        # Only the classes of flows register layers.
        return flow.__name__ if hasattr(flow, "register") else flow
    scheduler = getattr(getattr(flow, "configuration", None), "scheduler", None)
    return flow if scheduler is None else getattr(scheduler, "configured_name", None) or getattr(flow, "name", None)


def _statuses(status: Any) -> Any:
    return (status,) if isinstance(status, str) or not isinstance(status, Iterable) else tuple(status)


def _check_flow(_: object, __: _records.Field, value: Any) -> None:
    if not isinstance(value, (str, Variable)):
        raise SchedulerError(
            f"the flow of After must be a flow, its class or the name of its deployment, not {value!r}"
        )


def _check_statuses(_: object, __: _records.Field, value: Sequence[Any]) -> None:
    if not all(isinstance(status, str) for status in value):
        raise SchedulerError(f"the status of After must be text or a list of texts, not {', '.join(map(repr, value))}")


def _object_parameters() -> dict[str, Any]:
    return {"bucket": FromEvent("$.detail.bucket.name"), "key": FromEvent("$.detail.object.key")}


@_records.frozen
class ObjectCreated(EventTrigger):
    """Starts the flow when an object is created in a bucket. The bucket must send its events to EventBridge.

    An event that is delivered twice starts one execution: its id follows from the bucket, the key and the version.
    https://docs.aws.amazon.com/AmazonS3/latest/userguide/enable-event-notifications-eventbridge.html

    Args:
        bucket: The name of the bucket.
        prefix: The beginning of the keys of the objects.
        suffix: The end of the keys of the objects.
        parameters: Parameters of the flow: JSON values, and `FromEvent`. By default ``bucket`` and ``key``.
        name: The name of the trigger among those of the flow: lower-case letters, digits and underscores.

    Raises:
        SchedulerError: If an argument has a wrong type.

    Example:
        >>> ObjectCreated("uploads", prefix="in/", suffix=".csv").parameters["key"].text
        '$.detail.object.key'
    """

    kind: ClassVar[str] = "object_created"
    bucket: Text = _records.field(validator=_check_text)
    prefix: Text | None = _records.field(default=None, kw_only=True, validator=_check_part)
    suffix: Text | None = _records.field(default=None, kw_only=True, validator=_check_part)
    parameters: Mapping[str, Any] = _records.field(
        factory=_object_parameters, kw_only=True, validator=_check_parameters
    )
    name: str | None = _records.field(default=None, kw_only=True, validator=_check_name)


@_records.frozen
class Event(EventTrigger):
    """Starts the flow when an event on the default event bus matches a pattern.

    An event that is delivered twice starts one execution: its id has the id of the event.

    Args:
        pattern: The pattern. https://docs.aws.amazon.com/eventbridge/latest/userguide/eb-event-patterns.html
        parameters: Parameters of the flow: JSON values, and `FromEvent`.
        name: The name of the trigger among those of the flow: lower-case letters, digits and underscores.

    Raises:
        SchedulerError: If an argument has a wrong type.

    Example:
        >>> Event({"source": ["shop"]}, parameters={"order": FromEvent("$.detail.order")}).pattern
        {'source': ['shop']}
    """

    kind: ClassVar[str] = "event"
    pattern: Mapping[str, Any] = _records.field(validator=_check_pattern)
    parameters: Mapping[str, Any] = _records.field(factory=dict, kw_only=True, validator=_check_parameters)
    name: str | None = _records.field(default=None, kw_only=True, validator=_check_name)


@_records.frozen
class After(EventTrigger):
    """Starts the flow after an execution of another deployed flow has ended.

    Step Functions sends these events on a best-effort basis: an event may be missing.
    https://docs.aws.amazon.com/step-functions/latest/dg/eventbridge-integration.html

    Args:
        flow: The other flow: its class, the flow itself, or the name of its deployment in the same account and region.
        status: The status with which the execution ended: ``SUCCEEDED``, ``FAILED``, ``TIMED_OUT`` or ``ABORTED``, or a
            list of these.
        parameters: Parameters of this flow: JSON values, `EXECUTION_ID`, and `FromEvent`.
        name: The name of the trigger among those of the flow: lower-case letters, digits and underscores.

    Raises:
        SchedulerError: If an argument has a wrong type.

    Example:
        >>> After("Import", parameters={"imported": EXECUTION_ID}).status
        ('SUCCEEDED',)
    """

    kind: ClassVar[str] = "after"
    flow: Any = _records.field(converter=_deployment, validator=_check_flow)
    status: str | Sequence[str] = _records.field(
        default=("SUCCEEDED",), kw_only=True, converter=_statuses, validator=_check_statuses
    )
    parameters: Mapping[str, Any] = _records.field(factory=dict, kw_only=True, validator=_check_parameters)
    name: str | None = _records.field(default=None, kw_only=True, validator=_check_name)
