"""Every error that this package raises on purpose, on one page.

::

    LaminarError
    ├── FlowError            a flow is declared or configured wrongly
    ├── LayerError           a layer is declared wrongly
    ├── SchedulerError       a scheduler cannot go on
    ├── ExecutionError       an execution failed, or is not known
    │   ├── TaskError        one layer (or one split of it) failed; is a LayerError too
    │   └── UnsetError       a layer has no such attribute; is an AttributeError too
    ├── DatastoreError       what is stored cannot be read or written
    │   ├── MissingError     nothing is stored there; is a FileNotFoundError too
    │   └── DamagedError     what is stored there is not what was written
    └── DeploymentError      a deployed flow cannot be found or started

Catch `LaminarError` to catch them all. Errors of the user's own code are never replaced: they are the
``__cause__`` of the `TaskError` that says where they happened.
"""

from __future__ import annotations

import functools
from typing import Any

__all__ = [
    "DamagedError",
    "DatastoreError",
    "DeploymentError",
    "ExecutionError",
    "FlowError",
    "LaminarError",
    "LayerError",
    "MissingError",
    "SchedulerError",
    "TaskError",
    "UnsetError",
]


class LaminarError(Exception):
    """The base of all errors of Laminar."""


class FlowError(LaminarError):
    """A flow is declared or configured wrongly."""


class LayerError(LaminarError):
    """A layer is declared wrongly."""


class SchedulerError(LaminarError):
    """A scheduler cannot go on."""


class ExecutionError(LaminarError):
    """An execution failed, or is not known."""


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
        traceback: The traceback of the task's process, empty if there is none.
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
    ) -> None:
        self.reason = reason
        self.flow = flow
        self.execution = execution
        self.layer = layer
        self.index = index
        self.splits = splits
        self.attempt = attempt
        self.traceback = traceback
        super().__init__(reason)

    def __reduce__(self) -> tuple[Any, ...]:
        # Arguments by keyword are not what pickle gives an error back.
        place = {name: value for name, value in vars(self).items() if name not in {"reason", "__notes__"}}
        return functools.partial(type(self), **place), (self.reason,)

    def __str__(self) -> str:
        where = f"layer '{self.layer}' (split {self.index} of {self.splits}) of flow '{self.flow}'"
        text = f"{where} failed on attempt {self.attempt} of execution {self.execution}: {self.reason}"
        return f"{text}\n\n{self.traceback.rstrip()}" if self.traceback else text


class UnsetError(ExecutionError, AttributeError):
    """A layer has no such attribute in an execution: it did not assign it or did not finish, or there is none."""


class DatastoreError(LaminarError):
    """What is stored cannot be read or written."""


class MissingError(DatastoreError, FileNotFoundError):
    """Nothing is stored under a key."""


class DamagedError(DatastoreError):
    """What is stored under a key is not what was written there."""


class DeploymentError(LaminarError):
    """A deployed flow cannot be found or started."""
