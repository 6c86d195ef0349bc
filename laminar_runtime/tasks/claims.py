"""The task that this process was started for: who takes it, and whether it runs.

The environment of a process asks for a task. A file that calls its flow may be read several times there, and processes
that a task starts inherit the environment. So one call of the flow claims the task, and notes that in the environment.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Callable, Iterator, Mapping
from typing import NoReturn

from laminar_runtime import task_environment
from laminar_runtime.blocks import block
from laminar_runtime.configurations.datastores import DataStore, Local
from laminar_runtime.exceptions import FlowError
from laminar_runtime.layer import Layer, Parameters
from laminar_runtime.programs import importing
from laminar_runtime.task_environment import TaskContext

__all__ = ["check_datastore", "check_layer", "claim", "is_task_process", "underway"]

#: Whether this process runs the task that it claimed.
_underway = False


def claim(flow: str, *, linking: bool = False) -> TaskContext | None:
    """Take the task that this process was started for, if it is one of a flow and was not taken before.

    To make the parameters of a flow that follows another one is a task too: that of its `Parameters`.

    Args:
        flow: The flow's name.
        linking: Whether the caller can make these parameters.

    Returns:
        The task, None if there is nothing to run.
    """
    context = TaskContext.parse(os.environ)
    if context is None or context.flow != flow or task_environment.TAKEN in os.environ:
        return None
    if importing.runs_no_task(sys._getframe(1)):  # noqa: SLF001 - the frame of the call
        return None
    if context.layer == Parameters.__name__ and not linking:
        return None
    os.environ[task_environment.TAKEN] = str(os.getpid())
    return context


def is_task_process() -> bool:
    """Return whether this process was started for a task and does not run it now.

    A process that a task starts inherits its environment, but has no task: it may launch flows, as the task's layer
    may.
    """
    taken = os.environ.get(task_environment.TAKEN, "")
    return not _underway and taken in {"", str(os.getpid())} and TaskContext.parse(os.environ) is not None


@block
def underway() -> Iterator[None]:
    """Run the task in the ``with`` block: there, calls of flows launch them, in whatever thread."""
    global _underway  # noqa: PLW0603 - the layer's threads are not ours
    _underway = True
    try:
        with _no_exit():
            yield
    finally:
        _underway = False


@block
def _no_exit() -> Iterator[None]:
    """Make ``os._exit(0)`` fail the process: the task has not ended, and whoever started it takes 0 for success.

    Processes that are forked from this one may end in any way.
    """
    leave, process = os._exit, os.getpid()

    def fail(status: int) -> NoReturn:
        if status == 0 and os.getpid() == process:
            sys.stderr.write("a layer called os._exit(0), which fails its task: return from the layer instead\n")
            sys.stderr.flush()
            status = 1
        leave(status)

    os._exit = fail
    try:
        yield
    finally:
        os._exit = leave


def check_layer(context: TaskContext, classes: Mapping[str, type[Layer]]) -> None:
    """Refuse a task of a layer that the flow does not have.

    Args:
        context: The task.
        classes: The flow's layers.

    Raises:
        FlowError: If the layer is not among them.
    """
    if context.layer not in classes:
        msg = f"flow '{context.flow}' has no layer '{context.layer}': deploy the same code for this task and its caller"
        raise FlowError(msg)


def check_datastore(flow: str, datastore: Callable[[], DataStore]) -> None:
    """Refuse to launch a flow in a task if its artifacts would end with the task.

    Args:
        flow: The flow's name.
        datastore: Returns its datastore.

    Raises:
        FlowError: If it keeps artifacts in the memory of the task's process, or in a folder of the task's container.
    """
    context = TaskContext.parse(os.environ)
    if context is None:
        return
    store, own = datastore(), os.environ.get(task_environment.DATASTORE_ROOT, "")
    lost = isinstance(store, Local) and task_environment.folders(os.environ) != "all" and not _inside(store.root, own)
    if not lost and not (store.in_process and _underway):
        return
    raise FlowError(
        f"layer '{context.layer}' of flow '{context.flow}' calls flow '{flow}', whose artifacts in {store.root} would "
        f"be lost at the end of the layer's task: use the layer's datastore, {flow}(datastore=self.execution.datastore)"
        ", or datastores.AWS.S3(...)"
    )


def _inside(folder: str, root: str) -> bool:
    return folder == root or folder.startswith(f"{root}{os.sep}")
