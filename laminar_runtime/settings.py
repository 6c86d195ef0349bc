"""The running task, for user code: see `current`."""

from __future__ import annotations

from laminar_runtime.task_environment import TaskContext, task

__all__ = ["TaskContext", "current"]


class _CurrentExecution:
    """The execution of the running task."""

    @property
    def id(self) -> str | None:
        """The execution's id."""
        found = task()
        return found.execution if found else None

    @property
    def retry(self) -> bool | None:
        """Whether the execution was resumed."""
        found = task()
        return found.retry if found else None


class _CurrentFlow:
    """The flow of the running task."""

    @property
    def name(self) -> str | None:
        """The flow's name."""
        found = task()
        return found.flow if found else None


class _CurrentLayer:
    """The layer of the running task."""

    @property
    def name(self) -> str | None:
        """The layer's name."""
        found = task()
        return found.layer if found else None

    @property
    def index(self) -> int | None:
        """The split's index, from 0. None also until the task has read it from the plan of its layer."""
        found = task()
        return found.index if found and not (found.listed or found.claims) else None

    @property
    def splits(self) -> int | None:
        """The number of splits of the layer."""
        found = task()
        return found.splits if found else None

    @property
    def attempt(self) -> int | None:
        """The attempt, from 1."""
        found = task()
        return found.attempt if found else None


class _Current:
    """The running execution, flow and layer. Outside a task each of their attributes is None.

    Example:
        >>> from laminar_runtime.settings import current
        >>> current.layer.name is None
        True
    """

    execution = _CurrentExecution()
    flow = _CurrentFlow()
    layer = _CurrentLayer()


current = _Current()
