"""What an executor is given: one task, as a value."""

from __future__ import annotations

import contextlib
import sys
import threading
from collections.abc import Callable, Iterator

from laminar_runtime import _records, task_environment
from laminar_runtime.configurations.layers import DEFAULT_COMMAND, Container
from laminar_runtime.exceptions import FlowError
from laminar_runtime.programs import origins
from laminar_runtime.programs.origins import Origin
from laminar_runtime.task_environment import TaskContext

__all__ = ["Permit", "Task", "local_command"]


class Permit:
    """Whether a task of this process may finish: one that was given up runs on, and is not to end as if it had not."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._withdrawn = False

    def withdraw(self) -> None:
        """Have the task not finish any more. If it does at this moment, it has when this returns."""
        with self._lock:
            self._withdrawn = True

    @contextlib.contextmanager
    def used(self) -> Iterator[bool]:
        """Whether the task may finish, which does not change within the ``with`` block."""
        with self._lock:
            yield not self._withdrawn


@_records.frozen(kw_only=True)
class Task:
    """One task: a layer that is not a fan-out, or one split of one that is.

    Args:
        context: Which one.
        container: The container it wants.
        datastore_root: Where the flow's datastore is.
        origin: Where the flow is defined, None if a fresh process cannot get to it.
        run: Runs it in this process.
        finished: Tells whether it ran to its end.
        permit: Whether it may finish: to be withdrawn by an executor that gives it up, and cannot end it.
    """

    context: TaskContext
    container: Container
    datastore_root: str
    origin: Origin | None
    run: Callable[[], None]
    finished: Callable[[], bool]
    permit: Permit = _records.field(factory=Permit)

    @property
    def title(self) -> str:
        """The task's name for people."""
        context = self.context
        return context.layer if context.splits == 1 else f"{context.layer}/{context.index}"

    def environment(self) -> dict[str, str]:
        """The variables that ask a process for this task."""
        return {**self.context.environment(), task_environment.DATASTORE_ROOT: self.datastore_root}


def local_command(task: Task) -> list[str]:
    """The command that runs a task on a machine without containers.

    It is the container's, with the running interpreter for ``python``. The command that containers have unless they are
    told otherwise, ``python main.py``, runs the flow's own file: the image would hold it under that name.

    Args:
        task: The task.

    Returns:
        The words of the command.

    Raises:
        FlowError: If a fresh process cannot get to the flow, or to what was registered with its datastore.
    """
    import shlex

    origin = task.origin
    if origin is None:
        msg = (
            f"flow '{task.context.flow}' is defined inside a function or without a file, as by standard input, -c or a "
            "notebook, and a fresh process cannot get to it: define it at the top of a file, or use "
            "Flow(executor=Thread())"
        )
        raise FlowError(msg)
    if task.container.command != DEFAULT_COMMAND:
        words = shlex.split(task.container.command)
        return [
            sys.executable if word in {"python", "python3"} and not place else word for place, word in enumerate(words)
        ]
    return origins.words(origin, task.context.flow)
