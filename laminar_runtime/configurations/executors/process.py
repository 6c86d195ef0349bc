"""Tasks as processes of this machine, with the command and the environment of a container."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

from laminar_runtime import _records, task_environment
from laminar_runtime.configurations.containers import DEFAULT_COMMAND, OF_CONTAINERS, local_variables, volume_variables
from laminar_runtime.configurations.executors.base import Executor, positive
from laminar_runtime.configurations.executors.tasks import Task, local_command
from laminar_runtime.process import processors
from laminar_runtime.programs.origins import own_path

if TYPE_CHECKING:
    from pathlib import Path

__all__ = ["Process"]


@_records.define(eq=False)
class Process(Executor):
    """Runs each task in a new Python process. This is the default executor.

    If a layer has its own container command, it runs in the folder of the flow's file, or of its package, as in an
    image. The default command runs in the working directory of the launcher, with the launcher's arguments and Python
    options. The output of a task is printed with the name of its layer before each line. When a task ends, processes
    that it left running are stopped, as in a container. When this process ends, even by SIGKILL, its tasks end, too.

    Args:
        concurrency: The maximum number of concurrent tasks. The default is the number of processors of this process.
        timeout: Seconds after which a task's process, with all its child processes, is stopped.

    Example:
        >>> Process(concurrency=2, timeout=60).timeout
        60
    """

    concurrency: int = _records.field(factory=processors.available, validator=positive)

    def ignores(self) -> frozenset[str]:
        """Return the fields that only a container has."""
        return OF_CONTAINERS

    async def run(self, task: Task) -> None:
        """Run a task in a process.

        Args:
            task: The task.

        Raises:
            TaskError: If the task fails, or does not end in time.
            FlowError: If another process cannot load the flow.
        """
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
    # Imported here, as a task's process does without it.
    from laminar_runtime.failures import tracebacks

    inherited = {
        name: value for name, value in os.environ.items() if not name.startswith("LAMINAR_") or name == tracebacks.FULL
    }
    path = {}
    if task.origin and task.origin.module and task.container.command != DEFAULT_COMMAND:
        # The user's own command does not have our argument with the path.
        path = {"PYTHONPATH": os.pathsep.join(own_path())}
    # A task on this machine keeps its folders, unless this process is itself a task that does not.
    folders = {task_environment.FOLDERS: task_environment.folders(os.environ)}
    return {
        **task_environment.UNBUFFERED,
        **inherited,
        **local_variables(task.container, os.environ),
        **path,
        **volume_variables(task.container),
        **task.environment(),
        **folders,
        task_environment.ERROR_FILE: str(errors),
    }
