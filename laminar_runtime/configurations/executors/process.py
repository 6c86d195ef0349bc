"""Tasks as processes of this machine, by the command and the environment that a container would get."""

from __future__ import annotations

import base64
import json
import os
import pickle
import signal
import sys
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING, TextIO

import attrs

from laminar_runtime import settings
from laminar_runtime.configurations.executors.base import Executor, failure
from laminar_runtime.configurations.layers import DEFAULT_COMMAND
from laminar_runtime.exceptions import TaskError
from laminar_runtime.tasks import Task, local_command

if TYPE_CHECKING:
    import asyncio

__all__ = ["Process"]

#: Seconds that a process has to end by itself after it was told to.
_GRACE = 2.0


@attrs.define(slots=False, eq=False)
class Process(Executor):
    """Runs each task in a fresh Python process. This is the default.

    A container's own command runs in the folder of the flow's file, the default command where the flow was launched.
    What a task prints is printed on, each line behind the name of its layer.

    Args:
        concurrency: How many tasks run at once: the number of processors unless given.
        timeout: Seconds after which a task's process, and all that it started, is stopped.

    Example:
        >>> Process(concurrency=2, timeout=60).timeout
        60
    """

    concurrency: int = attrs.field(factory=lambda: os.cpu_count() or 1, validator=attrs.validators.gt(0))

    async def run(self, task: Task) -> None:
        """Run a task in a process."""
        import asyncio

        command = local_command(task)
        with tempfile.TemporaryDirectory(prefix="laminar-") as folder:
            errors = Path(folder, "error.json")
            process = await asyncio.create_subprocess_exec(
                *command,
                cwd=_directory(task),
                env=_environment(task, errors),
                stdin=asyncio.subprocess.DEVNULL,
                stdout=asyncio.subprocess.PIPE,
                stderr=asyncio.subprocess.PIPE,
                start_new_session=True,
                limit=2**20,
            )
            try:
                await asyncio.wait_for(_end(process, task), self.timeout)
            except TimeoutError as error:
                raise failure(task, f"it did not end within {self.timeout:g} seconds and was stopped") from error
            finally:
                await _stop(process)
            _check(task, command, process.returncode or 0, errors)


def _directory(task: Task) -> Path | None:
    own = task.container.command != DEFAULT_COMMAND
    return task.origin.file.parent if own and task.origin else None


def _environment(task: Task, errors: Path) -> dict[str, str]:
    inherited = {name: value for name, value in os.environ.items() if not name.startswith("LAMINAR_")}
    path = {}
    if task.origin and task.origin.module:
        path = {"PYTHONPATH": os.pathsep.join(entry or str(Path.cwd()) for entry in sys.path)}
    return {**inherited, **path, **task.environment(), settings.ERROR_FILE: str(errors)}


async def _end(process: asyncio.subprocess.Process, task: Task) -> None:
    """Wait until a process ended and all that it printed is passed on."""
    import asyncio

    await asyncio.gather(
        _pass_on(process.stdout, sys.stdout, task.title),
        _pass_on(process.stderr, sys.stderr, task.title),
        process.wait(),
    )


async def _pass_on(source: asyncio.StreamReader | None, target: TextIO, title: str) -> None:
    while source is not None:
        try:
            line = await source.readline()
        except ValueError:  # a line longer than the buffer: what is there of it
            line = await source.read(2**20) + b"\n"
        if not line:
            return
        target.write(f"[{title}] {line.decode(errors='replace').rstrip()}\n")
        target.flush()


async def _stop(process: asyncio.subprocess.Process) -> None:
    """Stop a process and all that it started, if it has not ended: kindly first."""
    import asyncio

    for number, wait in ((signal.SIGTERM, _GRACE), (signal.SIGKILL, None)):
        if process.returncode is not None:
            return
        try:
            os.killpg(process.pid, number)
            await asyncio.wait_for(process.wait(), wait)
        except ProcessLookupError:
            await process.wait()
        except TimeoutError:
            continue


def _check(task: Task, command: list[str], code: int, errors: Path) -> None:
    """Raise what made a process fail."""
    if code == 0:
        if task.finished():
            return
        reason = (
            f"the command {' '.join(command)!r} ended well but did not run the layer: does the file call its flow, "
            "as in 'if flow := MyFlow(): flow()'?"
        )
        raise failure(task, reason)
    if errors.exists():
        report = json.loads(errors.read_text())
        raise _reported(task, report) from _original(report)
    if code < 0:
        raise failure(task, f"its process was ended by signal {_signal_name(-code)}")
    raise failure(task, f"its process ended with exit code {code}; what it printed stands above")


def _reported(task: Task, report: dict[str, str]) -> TaskError:
    return failure(task, report["reason"], traceback=report["traceback"])


def _original(report: dict[str, str]) -> BaseException | None:
    """The error itself, if it could be pickled there and is known here."""
    try:
        error = pickle.loads(base64.b64decode(report["pickle"]))  # noqa: S301 - our own task wrote it
    except Exception:  # noqa: BLE001 - the text of the error is told in any case
        return None
    return error if isinstance(error, BaseException) else None


def _signal_name(number: int) -> str:
    try:
        return f"{number} ({signal.Signals(number).name})"
    except ValueError:
        return str(number)
