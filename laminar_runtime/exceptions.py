"""Every error that this package raises on purpose, on one page.

::

    LaminarError
    ├── FlowError            a flow is declared or configured wrongly
    ├── LayerError           a layer is declared wrongly
    │   └── AssignmentError  a layer cannot have an artifact of that name; is an AttributeError too
    ├── SchedulerError       a scheduler cannot go on
    ├── ExecutionError       an execution failed, or is not known
    │   ├── TaskError        one layer (or one split of it) failed; is a LayerError too
    │   ├── UnsetError       a layer has no such attribute; is an AttributeError too
    │   ├── SubmissionError  a submission hook failed, and is called again
    │   ├── UnfinishedError  a layer's process ended as if it had finished, and it had not
    │   └── WaitTimeoutError an execution has not ended in time; is a TimeoutError too
    ├── DatastoreError       what is stored cannot be read or written
    │   ├── MissingError     nothing is stored there; is a FileNotFoundError too
    │   └── DamagedError     what is stored there is not what was written
    └── DeploymentError      a deployed flow cannot be found or started

Catch `LaminarError` to catch them all. Where tasks run within this process, as with `executors.Thread`, an error of the
user's own code is raised as it is, with a note that says where it happened. From other processes it comes as a
`TaskError`, which has the name of its class, its message and its traceback: errors travel as data.
"""

from __future__ import annotations

import functools
from typing import Any

__all__ = [
    "AssignmentError",
    "DamagedError",
    "DatastoreError",
    "DeploymentError",
    "ExecutionError",
    "FlowError",
    "LaminarError",
    "LayerError",
    "MissingError",
    "SchedulerError",
    "SubmissionError",
    "TaskError",
    "UnfinishedError",
    "UnsetError",
    "WaitTimeoutError",
]


#: What Python puts above a traceback.
_HEAD = "Traceback (most recent call last):\n"


class LaminarError(Exception):
    """The base of all errors of Laminar."""


class FlowError(LaminarError):
    """A flow is declared or configured wrongly."""


class LayerError(LaminarError):
    """A layer is declared wrongly."""


class AssignmentError(LayerError, AttributeError):
    """A layer cannot have an artifact of a name: it is reserved, or the layer's class has it for something else."""


class SchedulerError(LaminarError):
    """A scheduler cannot go on."""


class ExecutionError(LaminarError):
    """An execution failed, or is not known."""


def layer_place(layer: str, index: int | None, splits: int | None) -> str:
    """A layer, and which split of it, in words.

    Args:
        layer: The layer's name.
        index: The split's index, from 0.
        splits: The number of splits the layer has.

    Example:
        >>> layer_place("Each", 5, 6), layer_place("Load", 0, 1)
        ("layer 'Each' (split 5 of 0 to 5)", "layer 'Load'")
    """
    return f"layer '{layer}'" + (f" (split {index} of 0 to {splits - 1})" if splits and splits != 1 else "")


class TaskError(ExecutionError, LayerError):
    """One task, that is one layer or one split of it, failed.

    Args:
        reason: What happened, in a line.
        flow: The flow's name.
        execution: The execution's id.
        layer: The layer's name.
        index: The split's index, from 0.
        splits: The number of splits the layer has.
        attempt: The attempt that failed, from 1.
        traceback: The traceback of the error in the task, as text; empty if there is none.
        error_class: The name of the error's class with its module, as ``json.decoder.JSONDecodeError``; empty if no
            error was reported, as of a process that was killed.
        exit_code: The exit code of the task's process, negative for the signal that ended it; None if it is not known.

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
        super().__init__(reason)

    def __reduce__(self) -> tuple[Any, ...]:
        # Arguments by keyword are not what pickle gives an error back.
        place = {name: value for name, value in vars(self).items() if name not in {"reason", "__notes__"}}
        return functools.partial(type(self), **place), (self.reason,)

    @property
    def place(self) -> str:
        """Which task failed, in a line."""
        where = f"{layer_place(self.layer, self.index, self.splits)} of flow '{self.flow}'"
        return f"{where} failed on attempt {self.attempt} of execution {self.execution}"

    def __str__(self) -> str:
        if not self.traceback:
            return f"{self.place}: {self.reason}"
        # Below the line that runs the flow, a second head would look as if there were two errors; and what a short
        # traceback ends with stands in the first line.
        frames = self.traceback.removeprefix(_HEAD).rstrip()
        first, *more = self.reason.splitlines() or [""]
        if not more:
            frames = frames.removesuffix(f"\n{self.reason}")
        return f"{self.place}: {first}\n{frames}"


class WaitTimeoutError(ExecutionError, TimeoutError):
    """An execution has not ended in the time that was waited for it. It runs on."""


class SubmissionError(ExecutionError):
    """A submission hook failed where the layer's `Retry` has an attempt left."""


class UnfinishedError(ExecutionError):
    """A layer of a deployed flow ended without an error, and had not finished, as by ``exec``."""


class UnsetError(ExecutionError, AttributeError):
    """A layer has no such attribute in an execution: it did not assign it or did not finish, or there is none."""

    #: Of a fan-out of which some splits assigned it: those that did not.
    splits: tuple[int, ...] = ()


class DatastoreError(LaminarError):
    """What is stored cannot be read or written."""


class MissingError(DatastoreError, FileNotFoundError):
    """Nothing is stored under a key."""

    #: Of an attribute of a fan-out that some splits assigned: those that did not.
    splits: tuple[int, ...] = ()


class DamagedError(DatastoreError):
    """What is stored under a key is not what was written there."""


class DeploymentError(LaminarError):
    """A deployed flow cannot be found or started."""
