"""Attempts at a layer on AWS Lambda whose `Retry` names failures: the function says which are repeated.

Step Functions decides by the name of an error. The class of an error of the layer says too little: a subclass has
another name, and an exit code has none. So a failed attempt that is followed by another one ends with the name
`FAILED_ATTEMPT`, which the retrier of the state lists, and the last one with the name of its own error.

A function that AWS Lambda stops cannot say why: Step Functions has one name for a timeout and for a lack of memory. So
the function stops its task by itself, shortly before.

The payload of the invocation has ``"retry": {"attempts": number, "on": failures, "timeout": seconds}``. The failures
are those of `Retry.on`, with the exit code 1 for all classes: the process of the task decides about these, and ends
with 1 or with `FINAL`.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from laminar_runtime import _records, container_command
from laminar_runtime.configurations.datastores import DataStore
from laminar_runtime.configurations.layers import Retry
from laminar_runtime.container_command import Ended
from laminar_runtime.task_environment import TaskContext
from laminar_runtime.tasks import attempts, worker

__all__ = ["FAILED_ATTEMPT", "MARGIN", "count_attempt", "repeats", "time_limit"]

#: The name of the error of an attempt that is followed by another one. No class of Python has a name with a dot.
FAILED_ATTEMPT = "Laminar.FailedAttempt"
#: Seconds that a function keeps to stop its task, and to record and report that.
_RESERVE = container_command.GRACE + 2.0
#: Seconds that a function has besides those of its task: also for what it does before that begins.
MARGIN = _RESERVE + 6.0
#: The shortest time of a task, in seconds, whatever is left of its function's.
_LEAST = 0.5


def time_limit(retry: Mapping[str, Any], context: Any) -> float:
    """Return the seconds after which a function stops its task.

    Args:
        retry: What the state machine says of the layer's retry.
        context: The context of the invocation, which knows how long it may still run.
    """
    seconds: float = retry["timeout"]
    remaining = getattr(context, "get_remaining_time_in_millis", None)
    return seconds if remaining is None else max(_LEAST, min(seconds, remaining() / 1000 - _RESERVE))


def count_attempt(ended: Ended, store: DataStore, task: TaskContext) -> Ended:
    """Return how a task ended with the number of its attempt, which a process that was killed did not report.

    Args:
        ended: How it ended.
        store: The flow's datastore.
        task: The task, with its run.
    """
    if ended.attempt or not task.run:
        return ended
    return _records.copy(ended, attempt=attempts.count(store, task.key, task))


def repeats(retry: Mapping[str, Any], ended: Ended) -> bool:
    """Return whether another attempt follows a failed one.

    Args:
        retry: What the state machine says of the layer's retry.
        ended: How the task ended, with the number of its attempt.
    """
    named = Retry(attempts=retry["attempts"], on=tuple(retry["on"]))
    ending = worker.Ending(ended.code, ended.limit is not None, ended.limit)
    return ended.attempt < named.attempts and worker.repeats(named, ending)
