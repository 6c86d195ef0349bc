"""Tasks as Docker containers, by the ``docker`` command."""

from __future__ import annotations

import os
from collections.abc import Iterable
from typing import TYPE_CHECKING, Literal

from laminar_runtime import _records, task_environment
from laminar_runtime.configurations import containers
from laminar_runtime.configurations.executors.base import Executor
from laminar_runtime.configurations.executors.tasks import Task
from laminar_runtime.exceptions import FlowError
from laminar_runtime.variables import text_of

if TYPE_CHECKING:
    from pathlib import Path

__all__ = ["Docker"]

#: The prefix of variables that a container needs to access AWS like this process.
_AWS = "AWS_"


@_records.define(eq=False)
class Docker(Executor):
    """Runs each task in a container of its own, with the processors and the memory of its `Container`.

    The options of the `Container` are those of ``docker run``, and an init process always runs first.

    Volumes are folders of this machine, at their mount points.

    The image has the flow and ``laminar-terraform``. A datastore on this machine is mounted with the same path. For a
    datastore in S3, the container gets the AWS variables of this process. It also gets the variables of the container's
    `secrets`. Values of variables are not on the command line.

    Args:
        concurrency: The maximum number of concurrent tasks.
        timeout: Seconds after which a task's container is removed.

    Example:
        >>> Docker(concurrency=2).concurrency
        2
    """

    def finds_volumes(self) -> Literal["folder", "mount", "aws"]:
        """Return that containers have mount points."""
        return "mount"

    def ignores(self) -> frozenset[str]:
        """Return the fields that ``docker`` does not read: it has a login of its own."""
        return frozenset({"properties", "registry_credentials"})

    async def run(self, task: Task) -> None:
        """Run a task in a container.

        Args:
            task: The task.

        Raises:
            FlowError: If its container has no image, or the image is a variable without a value.
            TaskError: If the task fails, or does not end in time.
        """
        if task.container.image is None:
            msg = f"layer '{task.context.layer}' of flow '{task.context.flow}' needs an image: Container(image=...)"
            raise FlowError(msg)
        import tempfile
        from pathlib import Path

        from laminar_runtime.configurations.executors import command
        from laminar_runtime.failures.tracebacks import FULL

        image, name = text_of(task.container.image), f"laminar-{os.urandom(16).hex()}"
        with tempfile.TemporaryDirectory(prefix="laminar-") as folder:
            errors = Path(folder, "error.json")
            variables = {
                **task.environment(),
                task_environment.FOLDERS: "datastore",
                task_environment.ERROR_FILE: str(errors),
            }
            variables |= task_environment.UNBUFFERED
            variables |= {key: value for key, value in os.environ.items() if key.startswith(_AWS) or key == FULL}
            variables |= containers.local_variables(task.container, os.environ)
            variables |= containers.volume_variables(task.container, mounted=True)
            options = _move_to_file(task.container.environment, variables, Path(folder, "variables"))
            options += [f"--env={variable}" for variable in sorted(variables)]
            words = _words(task, image, name, options, (folder, *_mounts(task)))
            environment = {**os.environ, **variables}
            try:
                await command.run(task, words, environment=environment, timeout=self.timeout, errors=errors)
            finally:
                # A container may continue after its client was stopped.
                await command.quietly(["docker", "rm", "--force", name])


def _mounts(task: Task) -> tuple[str, ...]:
    root = task.datastore_root
    if root.startswith("s3://"):
        return ()
    # Docker would create a missing folder with its own user as the owner.
    os.makedirs(root, exist_ok=True)  # noqa: PTH103 - pathlib is slow to load
    return (root,)


def _move_to_file(names: Iterable[str], variables: dict[str, str], file: Path) -> list[str]:
    """Move variables to a file, and return the option that names it: ``docker`` reads PATH, HOME and more itself.

    A variable with a line break stays, because such a file has one line for each:
    https://docs.docker.com/reference/cli/docker/container/run/#env
    """
    moved = {name: variables.pop(name) for name in names if not {"\n", "\r"} & {*variables[name]}}
    file.write_text("".join(f"{name}={text}\n" for name, text in moved.items()), "utf-8", "surrogateescape")
    return [f"--env-file={file}"] if moved else []


def _words(task: Task, image: str, name: str, variables: list[str], folders: tuple[str, ...]) -> list[str]:
    import shlex

    container = task.container
    words = ["docker", "run", "--rm", "--init", f"--name={name}"]
    words += containers.docker_options(container)
    words += [f"--mount=type=bind,source={folder},target={folder}" for folder in folders]
    return [*words, *variables, image, *shlex.split(container.command)]
