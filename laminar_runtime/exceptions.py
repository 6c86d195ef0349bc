"""All errors that this package raises on purpose.

::

    LaminarError
    ├── FlowError            a flow is declared or configured incorrectly
    ├── LayerError           a layer is declared incorrectly
    │   └── AssignmentError  a layer cannot have an artifact with this name; also an AttributeError
    ├── SchedulerError       a scheduler cannot continue
    ├── ExecutionError       an execution failed or does not exist
    │   ├── ExecutionFailedError  a deployed execution ended, but not well; it has the `failures`
    │   │   └── AbortedError      it was stopped
    │   ├── TaskError        a layer, or one split of it, failed; also a LayerError
    │   ├── UnsetError       a layer does not have an attribute; also an AttributeError
    │   ├── SubmissionError  a submission hook failed and will be called again
    │   ├── UnfinishedError  a layer's process ended without an error, but the layer did not finish
    │   ├── TimeLimitError   an execution ran longer than its flow may, and was ended
    │   ├── StartedBeforeError  an id was used before, with other parameters
    │   └── StillRunningError an execution runs, but must have ended
    │       └── WaitTimeoutError  it did not end in time; also a TimeoutError
    ├── DatastoreError       a stored value cannot be read or written
    │   ├── MissingError     nothing is stored under a key; also a FileNotFoundError
    │   └── DamagedError     a stored value was changed after it was written
    └── DeploymentError      a deployed flow cannot be found or started
        ├── NotFoundError    a deployment, or an execution of it, does not exist; also an ExecutionError
        ├── AccessDeniedError  a permission is missing; also an ExecutionError
        └── ThrottledError   AWS takes no more calls for a while; also an ExecutionError

Catch `LaminarError` to catch all of them. If a task runs in this process, as with `executors.Thread`, an error of the
user's own code is raised unchanged, with a note that names the task. If a task runs in another process, its error is
raised as a `TaskError`, with the name of the error's class, its message and its traceback.
"""

from __future__ import annotations

import functools
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from laminar_runtime.failures.record import Failures

__all__ = [
    "AbortedError",
    "AccessDeniedError",
    "AssignmentError",
    "DamagedError",
    "DatastoreError",
    "DeploymentError",
    "ExecutionError",
    "ExecutionFailedError",
    "FlowError",
    "LaminarError",
    "LayerError",
    "MissingError",
    "NotFoundError",
    "SchedulerError",
    "StartedBeforeError",
    "StillRunningError",
    "SubmissionError",
    "TaskError",
    "ThrottledError",
    "TimeLimitError",
    "UnfinishedError",
    "UnsetError",
    "WaitTimeoutError",
]


#: The line that Python prints above a traceback.
_HEAD = "Traceback (most recent call last):\n"


class LaminarError(Exception):
    """The base of all errors that Laminar raises."""


class FlowError(LaminarError):
    """A flow is declared or configured incorrectly."""


class LayerError(LaminarError):
    """A layer is declared incorrectly."""


class AssignmentError(LayerError, AttributeError):
    """A layer cannot have an artifact with this name: it is reserved, or the layer's class uses it."""


class SchedulerError(LaminarError):
    """A scheduler cannot continue."""


class ExecutionError(LaminarError):
    """An execution failed or does not exist."""


def layer_place(layer: str, index: int | None, splits: int | None) -> str:
    """Describe a layer, or one split of it, for a message.

    Args:
        layer: The layer's name.
        index: The split's index, from 0.
        splits: The number of splits of the layer.

    Example:
        >>> layer_place("Each", 5, 6), layer_place("Load", 0, 1)
        ("layer 'Each' (split 5 of 0 to 5)", "layer 'Load'")
    """
    return f"layer '{layer}'" + (f" (split {index} of 0 to {splits - 1})" if splits and splits != 1 else "")


class TaskError(ExecutionError, LayerError):
    """A task failed: a layer, or one split of it.

    Args:
        reason: What happened, in one line.
        flow: The flow's name.
        execution: The execution's id.
        layer: The layer's name.
        index: The split's index, from 0.
        splits: The number of splits of the layer.
        attempt: The attempt that failed, from 1.
        traceback: The traceback of the error in the task, as text; empty if unknown.
        error_class: The name of the error's class with its module, for example ``json.decoder.JSONDecodeError``; empty
            if the task reported no error, for example because its process was killed.
        exit_code: The exit code of the task's process, negative for the signal that ended it; None if unknown.
        ending: The reason by which it was ended from outside, as `Retry` names it, such as ``timed out``; empty if
            it was not, or that is unknown.
        message: The message of the error in the task; empty if unknown.
        frame: The user's last frame, as ``file:line in function``; empty if unknown.

    Example:
        >>> place = {"flow": "F", "execution": "e1", "layer": "L", "index": 1, "splits": 3, "attempt": 1}
        >>> print(TaskError("ValueError: no luck", **place, error_class="ValueError"))
        layer 'L' (split 1 of 0 to 2) of flow 'F' failed on attempt 1 of execution e1: ValueError: no luck
    """

    def __init__(
        self,
        reason: str,
        *,
        flow: str,
        execution: str,
        layer: str,
        index: int,
        splits: int,
        attempt: int,
        traceback: str = "",
        error_class: str = "",
        exit_code: int | None = None,
        ending: str = "",
        message: str = "",
        frame: str = "",
    ) -> None:
        self.reason = reason
        self.flow = flow
        self.execution = execution
        self.layer = layer
        self.index = index
        self.splits = splits
        self.attempt = attempt
        self.traceback = traceback
        self.error_class = error_class
        self.exit_code = exit_code
        self.ending = ending
        self.message = message
        self.frame = frame
        super().__init__(reason)

    def __reduce__(self) -> tuple[Any, ...]:
        # By default, pickle restores an error from positional arguments only.
        place = {name: value for name, value in vars(self).items() if name not in {"reason", "__notes__"}}
        return functools.partial(type(self), **place), (self.reason,)

    @property
    def place(self) -> str:
        """The flow, execution, layer, split and attempt that failed, in one line."""
        where = f"{layer_place(self.layer, self.index, self.splits)} of flow '{self.flow}'"
        return f"{where} failed on attempt {self.attempt} of execution {self.execution}"

    def __str__(self) -> str:
        if not self.traceback:
            return f"{self.place}: {self.reason}"
        # This stands below a traceback of the program: a second head would look like a second error. The last line of
        # the task's traceback is left out if it equals the reason, which is in the first line.
        frames = self.traceback.removeprefix(_HEAD).rstrip()
        first, *more = self.reason.splitlines() or [""]
        if not more:
            frames = frames.removesuffix(f"\n{self.reason}")
        return f"{self.place}: {first}\n{frames}"


class ExecutionFailedError(ExecutionError):
    """An execution of a deployed flow ended, but did not succeed.

    Args:
        message: What happened, for people.
        execution: The execution's id.
        status: How it ended: ``FAILED``, ``TIMED_OUT`` or ``ABORTED``.
        failures: Why: the first failed layers and splits, and how many there are.
        link: The address of the execution in the console of AWS.
    """

    def __init__(self, message: str, *, execution: str, status: str, failures: Failures, link: str = "") -> None:
        self.execution = execution
        self.status = status
        self.failures = failures
        self.link = link
        super().__init__(message)

    def __reduce__(self) -> tuple[Any, ...]:
        # By default, pickle restores an error from positional arguments only.
        named = {name: vars(self)[name] for name in ("execution", "status", "failures", "link")}
        return functools.partial(type(self), **named), self.args


class AbortedError(ExecutionFailedError):
    """An execution of a deployed flow was stopped."""


class StartedBeforeError(ExecutionError):
    """An execution with this id was started before: with other parameters, which it keeps, or it has results."""


class StillRunningError(ExecutionError):
    """An execution runs, but what was asked for needs its end."""


class WaitTimeoutError(StillRunningError, TimeoutError):
    """An execution did not end before the timeout of the wait. It continues to run."""


class TimeLimitError(ExecutionError):
    """An execution ran longer than the time limit of its flow, `Flow(timeout=...)`, and was ended.

    Unlike a `WaitTimeoutError` it is no `TimeoutError`: the execution does not run any more.
    """

    #: Of a deployed execution: what was running then.
    failures: Failures | None = None


class SubmissionError(ExecutionError):
    """A submission hook failed, and the layer's `Retry` has an attempt left."""


class UnfinishedError(ExecutionError):
    """A task of a deployed flow ended without an error, but did not finish its layer, for example after ``exec``."""


class UnsetError(ExecutionError, AttributeError):
    """A layer does not have an attribute in an execution: the layer did not assign it, or did not finish."""

    #: If only some splits of a fan-out assigned the attribute: the indexes of the others.
    splits: tuple[int, ...] = ()


class DatastoreError(LaminarError):
    """A stored value cannot be read or written."""


class MissingError(DatastoreError, FileNotFoundError):
    """Nothing is stored under a key."""

    #: If only some splits of a fan-out assigned an attribute: the indexes of the others.
    splits: tuple[int, ...] = ()


class DamagedError(DatastoreError):
    """The value under a key was changed after it was written."""


class DeploymentError(LaminarError):
    """A deployed flow cannot be found or started."""


class NotFoundError(DeploymentError, ExecutionError):
    """A deployment, or an execution of it, does not exist."""


class AccessDeniedError(DeploymentError, ExecutionError):
    """A permission is missing.

    Args:
        message: What was tried.
        action: The action that is missing, such as ``states:StartExecution``.
    """

    def __init__(self, message: str, *, action: str = "") -> None:
        self.action = action
        super().__init__(message)

    def __reduce__(self) -> tuple[Any, ...]:
        return functools.partial(type(self), action=self.action), self.args


class ThrottledError(DeploymentError, ExecutionError):
    """AWS takes no more calls for a while."""
