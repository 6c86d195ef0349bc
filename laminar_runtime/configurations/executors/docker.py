"""Tasks as containers of a Docker engine, by the ``docker`` command."""

from __future__ import annotations

import os

from laminar_runtime import _records, task_environment
from laminar_runtime.configurations import layers
from laminar_runtime.configurations.executors.base import Executor
from laminar_runtime.configurations.executors.tasks import Task
from laminar_runtime.exceptions import FlowError

__all__ = ["Docker"]

#: Variables by which a task in a container reaches AWS as this process does.
_AWS = "AWS_"


@_records.define(eq=False)
class Docker(Executor):
    """Runs each task in a container of its own, with the processors and the memory that its `Container` asks for.

    The image holds the flow, and ``laminar-terraform``. A datastore on this machine is mounted in it as it is here. To
    reach one in S3, the AWS variables of this process are passed on, and so are those that the container's `secrets`
    name. No value of a variable stands on a command line.

    Args:
        concurrency: How many tasks run at once.
        timeout: Seconds after which a task's container is removed.

    Example:
        >>> Docker(concurrency=2).concurrency
        2
    """

    async def run(self, task: Task) -> None:
        """Run a task in a container.

        Raises:
            FlowError: If its container names no image.
        """
        if task.container.image is None:
            msg = f"layer '{task.context.layer}' of flow '{task.context.flow}' needs an image: Container(image=...)"
            raise FlowError(msg)
        import tempfile
        from pathlib import Path

        from laminar_runtime.configurations.executors import command

        name = f"laminar-{os.urandom(16).hex()}"
        with tempfile.TemporaryDirectory(prefix="laminar-") as folder:
            errors = Path(folder, "error.json")
            variables = {
                **task.environment(),
                task_environment.FOLDERS: "datastore",
                task_environment.ERROR_FILE: str(errors),
            }
            variables |= task_environment.UNBUFFERED
            variables |= {key: value for key, value in os.environ.items() if key.startswith(_AWS)}
            variables |= layers.local_variables(task.container, os.environ)
            words = _words(task, name, sorted(variables), (folder, *_mounted(task)))
            environment = {**os.environ, **variables}
            try:
                await command.run(task, words, environment=environment, timeout=self.timeout, errors=errors)
            finally:
                # The client may be stopped while its container runs on.
                await command.quietly(["docker", "rm", "--force", name])


def _mounted(task: Task) -> tuple[str, ...]:
    root = task.datastore_root
    if root.startswith("s3://"):
        return ()
    # The engine would make a missing folder as its own user.
    os.makedirs(root, exist_ok=True)  # noqa: PTH103 - pathlib is not needed for that
    return (root,)


def _words(task: Task, name: str, variables: list[str], folders: tuple[str, ...]) -> list[str]:
    import shlex

    container = task.container
    words = ["docker", "run", "--rm", "--init", f"--name={name}"]
    words += layers.docker_options(container)
    words += [f"--mount=type=bind,source={folder},target={folder}" for folder in folders]
    words += [f"--env={variable}" for variable in variables]
    return [*words, str(container.image), *shlex.split(container.command)]
