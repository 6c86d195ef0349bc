"""The argument of an executor: one task, as a value."""

from __future__ import annotations

import sys
from _thread import allocate_lock
from collections.abc import Callable, Iterator

from laminar_runtime import _records, task_environment
from laminar_runtime.blocks import block
from laminar_runtime.configurations.containers import DEFAULT_COMMAND, Container
from laminar_runtime.exceptions import FlowError
from laminar_runtime.process.tail import Tail
from laminar_runtime.programs import origins
from laminar_runtime.programs.origins import Origin
from laminar_runtime.task_environment import TaskContext

__all__ = ["Permit", "Task", "local_command"]


class Permit:
    """The permission of a task in this process to finish. A task that was given up continues, but must not finish."""

    def __init__(self) -> None:
        self._lock = allocate_lock()
        self._withdrawn = False

    def withdraw(self) -> None:
        """Withdraw the permission. A task that is just finishing has finished when this returns."""
        with self._lock:
            self._withdrawn = True

    @block
    def hold(self) -> Iterator[bool]:
        """Yield whether the task may finish. It does not change in the ``with`` block."""
        with self._lock:
            yield not self._withdrawn


@_records.frozen(kw_only=True)
class Task:
    """One task: a layer without a fan-out, or one split of a fan-out.

    Args:
        context: The execution, the layer, the split and the attempt.
        container: The container for the task.
        datastore_root: The root of the flow's datastore.
        origin: The place where the flow is defined; None if another process cannot load it.
        run: Runs the task in this process.
        finished: Returns whether the task finished.
        permit: The permission to finish. An executor withdraws it if it gives up a task that it cannot stop.
        output: What the task printed last, if its executor reads that.
    """

    context: TaskContext
    container: Container
    datastore_root: str
    origin: Origin | None
    run: Callable[[], None]
    finished: Callable[[], bool]
    permit: Permit = _records.field(factory=Permit)
    output: Tail = _records.field(factory=Tail)

    @property
    def title(self) -> str:
        """The task's name for messages."""
        context = self.context
        return context.layer if context.splits == 1 else f"{context.layer}/{context.index}"

    def environment(self) -> dict[str, str]:
        """Return the environment variables by which a process runs this task."""
        return {**self.context.environment(), task_environment.DATASTORE_ROOT: self.datastore_root}


def local_command(task: Task) -> list[str]:
    """Return the command that runs a task on a machine without containers.

    It is the container's command, with the running interpreter for ``python``. The default command of containers,
    ``python main.py``, runs the flow's own file, which has this name in an image.

    Args:
        task: The task.

    Returns:
        The words of the command.

    Raises:
        FlowError: If another process cannot load the flow, or a protocol of its datastore.
    """
    import shlex

    origin = task.origin
    if origin is None:
        msg = (
            f"flow '{task.context.flow}' is defined inside a function or without a file (standard input, -c, a "
            "notebook), so another process cannot load it: define it at the top level of a file, or use "
            "Flow(executor=Thread())"
        )
        raise FlowError(msg)
    if task.container.command != DEFAULT_COMMAND:
        words = shlex.split(task.container.command)
        return [
            sys.executable if word in {"python", "python3"} and not place else word for place, word in enumerate(words)
        ]
    return origins.words(origin, task.context.flow)
