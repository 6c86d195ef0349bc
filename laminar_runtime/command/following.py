"""The progress of a deployed execution, from the newest events of its history, in the display of local runs."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Mapping
from typing import Any

from laminar_runtime import progress
from laminar_runtime.deployed import DeployedExecution
from laminar_runtime.deployed.clients import calls
from laminar_runtime.exceptions import ExecutionError
from laminar_runtime.progress import Progress

__all__ = ["Follower", "follow"]

#: Seconds between two looks at the history: the first, and the longest.
_POLL = (0.2, 5.0)
#: How many of the newest events are read: one request.
_NEWEST = 1000
_ENDS = frozenset({"ExecutionSucceeded", "ExecutionFailed", "ExecutionAborted", "ExecutionTimedOut"})
#: The state that stores the parameters, which is no layer.
_PARAMETERS = "Parameters"


class Follower:
    """Turns events of an execution into its progress: the states with a layer's name are its tasks.

    Args:
        view: The progress.

    Example:
        >>> view = Progress(say=print, clock=lambda: 0.0)
        >>> entered = {"id": 1, "type": "TaskStateEntered", "stateEnteredEventDetails": {"name": "Load"}}
        >>> Follower(view).take([entered, {"id": 2, "type": "ExecutionAborted"}])
        layer Load: began
        layer Load: stopped after 0.0 s
        True
    """

    def __init__(self, view: Progress) -> None:
        self._view, self._seen = view, 0
        self._running: dict[str, int] = {}

    def take(self, events: Iterable[Mapping[str, Any]]) -> bool:
        """Show events, the oldest first, and return whether the execution has ended. Known events are left out.

        Args:
            events: The events, as Step Functions describes them.
        """
        ended = False
        for event in (event for event in events if event["id"] > self._seen):
            self._seen = event["id"]
            ended = event["type"] in _ENDS
            if event["type"] == "TaskStateEntered":
                self._enter(event["stateEnteredEventDetails"]["name"])
            elif event["type"] == "TaskStateExited":
                self._exit(event["stateExitedEventDetails"]["name"])
            if ended:
                self._end("failed" if event["type"] == "ExecutionFailed" else "stopped")
        return ended

    def _enter(self, name: str) -> None:
        if not name.isidentifier() or name == _PARAMETERS:
            return  # a state of ours: a plan, a record, a barrier
        if not self._running.get(name):
            self._view.begin(name, 1)
        self._running[name] = self._running.get(name, 0) + 1

    def _exit(self, name: str) -> None:
        if not self._running.get(name):
            return
        self._running[name] -= 1
        if not self._running[name]:
            self._view.end_split(name)
            self._view.end(name, "finished")

    def _end(self, how: str) -> None:
        for name in [name for name, jobs in self._running.items() if jobs]:
            self._view.end(name, how)
        self._running.clear()


def follow(execution: DeployedExecution, title: str, sleep: Callable[[float], None] = time.sleep) -> None:
    """Show the progress of an execution until its end. Its id is shown first.

    Args:
        execution: The execution.
        title: The name of its deployment.
        sleep: Waits between two looks.
    """
    client, pause = execution.deployment.client(), _POLL[0]
    with progress.showing(f"deployment {title}: execution {execution.id}") as view:
        follower = Follower(view)
        while True:
            arn = execution.describe()["executionArn"]  # that of its last resume
            with calls(f"the history of execution {execution.id} of '{title}' cannot be read", ExecutionError):
                page = client.get_execution_history(
                    executionArn=arn, reverseOrder=True, maxResults=_NEWEST, includeExecutionData=False
                )
            if follower.take(reversed(page["events"])):
                return
            sleep(pause)
            pause = min(pause * 1.5, _POLL[1])
