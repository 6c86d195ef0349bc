"""Histories of executions of state machines: which task failed, and which tasks were running at the end.

https://docs.aws.amazon.com/step-functions/latest/apireference/API_HistoryEvent.html
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from laminar_runtime import _records
from laminar_runtime.causes.texts import parse_object

if TYPE_CHECKING:
    from mypy_boto3_stepfunctions.client import SFNClient

__all__ = ["ENDS", "History", "StateTask", "count_transitions"]

#: The most events of an execution that are read, from its end: some pages, and the events of one.
_PAGES, _PAGE = 10, 1_000
#: The types of events that end a task.
ENDS = ("TaskSucceeded", "TaskFailed", "TaskTimedOut", "TaskSubmitFailed", "TaskStartFailed")
#: The types of events that end an execution, until it is redriven.
_ENDS_OF_ALL = ("ExecutionSucceeded", "ExecutionFailed", "ExecutionTimedOut", "ExecutionAborted")


@_records.frozen(kw_only=True)
class StateTask:
    """A task of a state machine: its call of a service.

    Args:
        state: The name of its state.
        service: The service, such as ``batch`` or ``lambda``.
        request: What was requested.
        answer: What the service answered at once, such as the id of a job.
        output: What it answered in the end, if the task succeeded.
        error: The name of its error; empty if it was running.
        cause: The cause of its error.
        seconds: When it failed, or began, in seconds since the epoch.
        scheduled: When it was scheduled, in the same form; 0 if unknown.
        started: When its service began; 0 if it has not, or that is unknown.
        ended: When it ended; 0 if it has not.
    """

    state: str
    service: str = ""
    request: Mapping[str, Any] = _records.field(factory=dict)
    answer: Mapping[str, Any] = _records.field(factory=dict)
    output: Mapping[str, Any] = _records.field(factory=dict)
    error: str = ""
    cause: str = ""
    seconds: float = 0.0
    scheduled: float = 0.0
    started: float = 0.0
    ended: float = 0.0

    @property
    def payload(self) -> Mapping[str, Any]:
        """The input of a function; empty for another service."""
        found = self.request.get("Payload", {})
        return found if isinstance(found, Mapping) else {}


class History:
    """The last events of an execution.

    Args:
        events: The events by their ids.
    """

    def __init__(self, events: Mapping[int, Mapping[str, Any]]) -> None:
        self._events = events

    @classmethod
    def read(cls, client: SFNClient, arn: str, most: int = _PAGES * _PAGE) -> History:
        """Read the history of an execution, from its end.

        Args:
            client: The client of Step Functions.
            arn: The ARN of the execution.
            most: The most events that are read.
        """
        events: dict[int, Mapping[str, Any]] = {}
        more: dict[str, str] = {}
        while len(events) < most:
            page = client.get_execution_history(
                executionArn=arn,
                reverseOrder=True,
                maxResults=_PAGE,
                **more,  # type: ignore[arg-type]
            )
            events |= {event["id"]: event for event in page["events"]}
            if "nextToken" not in page:
                break
            more = {"nextToken": page["nextToken"]}
        return cls(events)

    @property
    def redrives(self) -> int:
        """How often the execution was redriven."""
        last = self._events.get(self._redriven, {})
        details = last.get("executionRedrivenEventDetails") or {}
        return int(details.get("redriveCount", 1 if last else 0))

    @property
    def _redriven(self) -> int:
        """The id of the event at which the last redrive began; 0 if there was none."""
        return max((at for at, event in self._events.items() if event["type"] == "ExecutionRedriven"), default=0)

    def failures(self) -> list[StateTask]:
        """Return the tasks, or other states, whose failures led to the end of the execution, the last one first.

        Later failures may be tasks that were stopped, and earlier ones may have been tried again.
        """
        redriven = self._redriven
        ordered = [event for at, event in sorted(self._events.items(), reverse=True) if at > redriven]
        failed = [event for event in ordered if _failure(event)]
        end = next((event for event in failed if str(event["type"]).startswith("Execution")), None)
        led = [event for event in self._predecessors(end) if _failure(event) and event["id"] > redriven] or failed
        # The failure of a task has more details than the failure of the Map or Parallel state around it.
        own = [event for event in led if not str(event["type"]).startswith(("Execution", "Map", "Parallel"))]
        return [self._task(event, _failure(event) or {}) for event in own or led[:1]]

    def end_after(self, seconds: float) -> float | None:
        """Return when the execution ended first after a time, in seconds since the epoch; None if it has not.

        Args:
            seconds: The time, in the same form.
        """
        ends = (_seconds(event) for event in self._events.values() if event["type"] in _ENDS_OF_ALL)
        return min((end for end in ends if end >= seconds), default=None)

    def running(self) -> list[StateTask]:
        """Return the tasks that had not ended at the end of the execution, the first one first.

        A redrive comes after such an end: what was running before it does not run any more.
        """
        redriven = self._redriven
        left = [one for one in self._last_events() if one["type"] not in ENDS and one["id"] > redriven]
        return [self._task(event, {}) for event in left]

    def tasks(self) -> list[StateTask]:
        """Return all tasks, the first one first."""
        return [self._task(event, _failure(event) or {}) for event in self._last_events()]

    def _last_events(self) -> list[Mapping[str, Any]]:
        """Return the last event of each task, in the order of their beginnings."""
        last: dict[int, Mapping[str, Any]] = {}
        for _, event in sorted(self._events.items()):
            last[self._scheduling(event)] = event
        last.pop(0, None)
        return [event for _, event in sorted(last.items())]

    @property
    def transitions(self) -> int:
        """The state transitions that AWS charges."""
        return count_transitions([str(event["type"]) for event in self._events.values()])

    def answers(self) -> Iterator[Mapping[str, Any]]:
        """Yield what services answered to tasks, such as the ids of jobs and executions."""
        for _, event in sorted(self._events.items()):
            for details in ("taskSubmittedEventDetails", "taskSucceededEventDetails"):
                if details in event:
                    yield parse_object(event[details].get("output", ""))

    def _of_task(self, event: Mapping[str, Any]) -> list[Mapping[str, Any]]:
        """Return an event of a task and those of the task before it, the scheduling last; none of another event."""
        found: list[Mapping[str, Any]] = []
        for before in self._predecessors(event):
            kind = str(before["type"])
            if kind.startswith("TaskState") or not kind.startswith("Task"):
                return []
            found.append(before)
            if before["type"] == "TaskScheduled":
                break
        return found

    def _scheduling(self, event: Mapping[str, Any]) -> int:
        """Return the id of the event that scheduled the task of an event; 0 if the event is of no task."""
        found = self._of_task(event)
        return int(found[-1]["id"]) if found else 0

    def _task(self, event: Mapping[str, Any], failure: Mapping[str, Any]) -> StateTask:
        details = {key: value for one in self._of_task(event) for key, value in one.items() if key.startswith("task")}
        scheduled, submitted = (
            details.get("taskScheduledEventDetails", {}),
            details.get("taskSubmittedEventDetails", {}),
        )
        times = {str(one["type"]): _seconds(one) for one in self._of_task(event)}
        entered = (one.get("stateEnteredEventDetails") for one in self._predecessors(event))
        return StateTask(
            state=next((found["name"] for found in entered if found), ""),
            service=scheduled.get("resourceType", ""),
            request=parse_object(scheduled.get("parameters", "")),
            answer=parse_object(submitted.get("output", "")),
            output=parse_object(details.get("taskSucceededEventDetails", {}).get("output", "")),
            error=str(failure.get("error", "an error" if failure else "")),
            cause=str(failure.get("cause", "")),
            seconds=_seconds(event),
            scheduled=times.get("TaskScheduled", 0.0),
            started=times.get("TaskStarted", 0.0),
            ended=next((times[kind] for kind in ENDS if kind in times), 0.0),
        )

    def _predecessors(self, event: Mapping[str, Any] | None) -> Iterator[Mapping[str, Any]]:
        """Yield an event and its predecessors, from the last to the first."""
        while event is not None:
            yield event
            event = self._events.get(event.get("previousEventId", 0))


def count_transitions(kinds: Sequence[str]) -> int:
    """Return the transitions of a history. A task that is tried again is one more, and enters no state.

    https://aws.amazon.com/step-functions/pricing/

    Args:
        kinds: The types of all its events.
    """
    entered = sum(kind.endswith("StateEntered") for kind in kinds)
    tried = sum(kind in {"TaskScheduled", "LambdaFunctionScheduled"} for kind in kinds)
    return entered + max(0, tried - kinds.count("TaskStateEntered"))


def _seconds(event: Mapping[str, Any]) -> float:
    return event["timestamp"].timestamp() if "timestamp" in event else 0.0


def _failure(event: Mapping[str, Any]) -> Mapping[str, Any] | None:
    found = (value for key, value in event.items() if key.endswith("EventDetails") and isinstance(value, dict))
    return next((value for value in found if "error" in value or "cause" in value), None)
