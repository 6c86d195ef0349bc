"""What an executor is given: one task, as a value."""

from __future__ import annotations

import sys
from collections.abc import Callable
from typing import TYPE_CHECKING

from laminar_runtime import settings, values
from laminar_runtime.configurations.layers import DEFAULT_COMMAND, Container
from laminar_runtime.exceptions import FlowError
from laminar_runtime.settings import TaskContext

if TYPE_CHECKING:
    from pathlib import Path

__all__ = ["Origin", "Task", "local_command", "origin_of"]


@values.frozen
class Origin:
    """Where a flow is defined, and so how a fresh process gets to it.

    Args:
        file: The flow's file.
        module: The name by which a fresh process imports the file, None if it runs the file as a script.
        attribute: The name of the flow in the module.
        as_module: Whether the script was itself started by ``python -m``.
    """

    file: Path
    module: str | None
    attribute: str
    as_module: str | None = None


@values.frozen(kw_only=True)
class Task:
    """One task: a layer that is not a fan-out, or one split of one that is.

    Args:
        context: Which one.
        container: The container it wants.
        datastore_root: Where the flow's datastore is.
        origin: Where the flow is defined, None if a fresh process cannot get to it.
        run: Runs it in this process.
        finished: Tells whether it ran to its end.
    """

    context: TaskContext
    container: Container
    datastore_root: str
    origin: Origin | None
    run: Callable[[], None]
    finished: Callable[[], bool]

    @property
    def title(self) -> str:
        """The task's name for people."""
        context = self.context
        return context.layer if context.splits == 1 else f"{context.layer}/{context.index}"

    def environment(self) -> dict[str, str]:
        """The variables that ask a process for this task."""
        return {**self.context.environment(), settings.DATASTORE_ROOT: self.datastore_root}


def origin_of(flow: type) -> Origin | None:
    """Find out how a fresh process gets to a flow.

    Args:
        flow: The flow's class.

    Returns:
        Where it is, None if it is inside a function or has no file.
    """
    from pathlib import Path

    module = sys.modules.get(flow.__module__)
    file = getattr(module, "__file__", None)
    if file is None:
        return None
    if flow.__module__ == "__main__":
        spec = getattr(module, "__spec__", None)
        return Origin(Path(file).absolute(), None, flow.__name__, as_module=spec.name if spec else None)
    if "<locals>" in flow.__qualname__:
        return None
    return Origin(Path(file).absolute(), flow.__module__, flow.__qualname__)


def local_command(task: Task) -> list[str]:
    """The command that runs a task on a machine without containers.

    It is the container's, with the running interpreter for ``python``. The command that containers have unless they are
    told otherwise, ``python main.py``, runs the flow's own file: the image would hold it under that name.

    Args:
        task: The task.

    Returns:
        The words of the command.

    Raises:
        FlowError: If a fresh process cannot get to the flow.
    """
    import shlex

    origin = task.origin
    if origin is None:
        msg = (
            f"flow '{task.context.flow}' is defined inside a function or without a file, and a fresh process cannot "
            "get to it: define it at the top of a module, or use Flow(executor=Thread())"
        )
        raise FlowError(msg)
    if task.container.command != DEFAULT_COMMAND:
        words = shlex.split(task.container.command)
        return [
            sys.executable if word in {"python", "python3"} and not place else word for place, word in enumerate(words)
        ]
    if origin.module is not None:
        return [sys.executable, "-m", "laminar_runtime", origin.module, origin.attribute]
    if origin.as_module is not None:
        return [sys.executable, "-m", origin.as_module]
    return [sys.executable, str(origin.file)]
