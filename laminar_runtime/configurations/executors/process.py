"""Tasks as processes of this machine, by the command and the environment that a container would get."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

from laminar_runtime import _records, task_environment
from laminar_runtime.configurations.executors.base import Executor, positive
from laminar_runtime.configurations.executors.tasks import Task, local_command
from laminar_runtime.configurations.layers import DEFAULT_COMMAND, local_variables
from laminar_runtime.process import processors
from laminar_runtime.programs.origins import own_path

if TYPE_CHECKING:
    from pathlib import Path

__all__ = ["Process"]


@_records.define(eq=False)
class Process(Executor):
    """Runs each task in a fresh Python process. This is the default.

    A container's own command runs in the folder of the flow's file, or of its package, as in an image. The default
    command runs where the flow was launched, with the arguments and the options of Python that it was launched with.
    What a task prints is printed on, each line behind the name of its layer. What a task started and left running is
    stopped when the task ends, as at the end of a container. All of it ends with this process, however that dies.

    Args:
        concurrency: How many tasks run at once: the number of processors that this process may use unless given.
        timeout: Seconds after which a task's process, and all that it started, is stopped.

    Example:
        >>> Process(concurrency=2, timeout=60).timeout
        60
    """

    concurrency: int = _records.field(factory=processors.available, validator=positive)

    async def run(self, task: Task) -> None:
        """Run a task in a process."""
        import tempfile
        from pathlib import Path

        from laminar_runtime.configurations.executors import command

        words = local_command(task)
        with tempfile.TemporaryDirectory(prefix="laminar-") as folder:
            errors = Path(folder, "error.json")
            environment = _environment(task, errors)
            await command.run(
                task, words, environment=environment, timeout=self.timeout, errors=errors, folder=_directory(task)
            )


def _directory(task: Task) -> Path | None:
    own = task.container.command != DEFAULT_COMMAND
    return task.origin.folder if own and task.origin else None


def _environment(task: Task, errors: Path) -> dict[str, str]:
    inherited = {name: value for name, value in os.environ.items() if not name.startswith("LAMINAR_")}
    path = {}
    if task.origin and task.origin.module and task.container.command != DEFAULT_COMMAND:
        # What it runs is not ours to be told by an argument.
        path = {"PYTHONPATH": os.pathsep.join(own_path())}
    # A task of this machine leaves its folders, unless this process is a task that does not.
    folders = {task_environment.FOLDERS: task_environment.folders(os.environ)}
    return {
        **task_environment.UNBUFFERED,
        **inherited,
        **local_variables(task.container, os.environ),
        **path,
        **task.environment(),
        **folders,
        task_environment.ERROR_FILE: str(errors),
    }
