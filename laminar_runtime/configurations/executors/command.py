"""Runs the command of a task: it forwards the output, checks the result, and stops all child processes."""

from __future__ import annotations

import contextlib
import io
import os
import signal
import sys
from collections.abc import AsyncIterator, Iterable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, TextIO

from laminar_runtime.configurations.executors.base import failure
from laminar_runtime.configurations.executors.tasks import Task
from laminar_runtime.configurations.failures import TIMED_OUT
from laminar_runtime.failures import reports
from laminar_runtime.process import output, reaper

if TYPE_CHECKING:
    import asyncio
    import subprocess

__all__ = ["quietly", "run"]

#: Seconds between SIGTERM and SIGKILL of a process, and between its end and the end of its output.
_GRACE = 2.0
#: The most bytes of one read.
_READ = 2**16


async def run(
    task: Task,
    words: Sequence[str],
    *,
    environment: Mapping[str, str],
    timeout: float,  # noqa: ASYNC109 - the task's own timeout
    errors: Path,
    folder: Path | None = None,
) -> None:
    """Run the command of a task to its end, in a process group of its own.

    Args:
        task: The task.
        words: The command, which runs without a shell.
        environment: All its environment variables.
        timeout: Seconds after which it is stopped and fails.
        errors: The file for the task's error report.
        folder: The working directory. The default is that of this process.

    Raises:
        TaskError: If it fails, or succeeds without finishing the layer.
    """
    import asyncio

    async with _forward(sys.stdout, task) as out, _forward(sys.stderr, task) as err:
        with out, err:  # the process has copies of these ends of the pipes
            process = _start(task, words, environment, folder, out, err)
        try:
            await asyncio.wait_for(process.wait(), timeout)
        except TimeoutError:
            raise failure(
                task, f"it did not end within {timeout:g} seconds and was stopped", ending=TIMED_OUT
            ) from None
        finally:
            await _stop(process)
    _check(task, words, await process.wait(), errors)


async def quietly(words: Sequence[str]) -> None:
    """Run a command, and ignore its output and its result.

    Args:
        words: The command, which runs without a shell.
    """
    import asyncio

    nothing = asyncio.subprocess.DEVNULL
    with contextlib.suppress(OSError):
        process = await asyncio.create_subprocess_exec(*words, stdin=nothing, stdout=nothing, stderr=nothing)
        await process.wait()


class _Process:
    """A process that leads a process group of its own.

    It is not a process of asyncio. asyncio returns a process some iterations of the event loop after its start. If this
    process were killed in between, nothing would end the other one.

    Args:
        started: The process.
    """

    def __init__(self, started: subprocess.Popen[bytes]) -> None:
        import asyncio
        import threading

        reaper.watch(started.pid)
        self._started, self._loop = started, asyncio.get_running_loop()
        self._ended: asyncio.Future[int] = self._loop.create_future()
        threading.Thread(target=self._attend, daemon=True).start()

    def _attend(self) -> None:
        code = self._started.wait()
        with contextlib.suppress(RuntimeError):  # the loop is closed: nothing waits for the process
            self._loop.call_soon_threadsafe(self._ended.set_result, code)

    @property
    def over(self) -> bool:
        """Whether the process has ended."""
        return self._ended.done()

    async def wait(self) -> int:
        """Wait for the end, and return the exit code, negative for the signal that ended the process."""
        import asyncio

        return await asyncio.shield(self._ended)

    def signal(self, number: signal.Signals) -> None:
        """Send a signal to the process and to all its child processes."""
        # If no process is left, Linux does not find the group, and macOS refuses permission.
        with contextlib.suppress(ProcessLookupError, PermissionError):
            os.killpg(self._started.pid, number)

    def forget(self) -> None:
        """Remove the process from the reaper, after the end of its whole group."""
        reaper.forget(self._started.pid)


def _start(
    task: Task,
    words: Sequence[str],
    environment: Mapping[str, str],
    folder: Path | None,
    out: io.FileIO,
    err: io.FileIO,
) -> _Process:
    import subprocess

    reaper.prepare()
    try:
        started = subprocess.Popen(  # noqa: S603 - running the flow's own command is the purpose
            [*words],
            cwd=folder,
            env=environment,
            stdin=subprocess.DEVNULL,
            stdout=out,
            stderr=err,
            start_new_session=True,
        )
    except UnicodeEncodeError as error:
        fix = "set PYTHONUTF8=1, or use a UTF-8 locale"
        what = f"the encoding {error.encoding} of this process cannot encode {error.object!r} for the task's process"
        raise failure(task, f"{what}: {fix}") from None
    except (OSError, ValueError) as error:
        raise failure(task, f"the command {' '.join(words)!r} cannot be started: {error}") from None
    return _Process(started)


@contextlib.asynccontextmanager
async def _forward(target: TextIO, task: Task) -> AsyncIterator[io.FileIO]:
    """Yield a pipe for the output of a process, and forward that output.

    It is not a pipe of asyncio: to asyncio, a process runs as long as any other process has its output open.
    """
    import asyncio

    reader, writer = os.pipe()
    reading, writing = io.FileIO(reader, "rb"), io.FileIO(writer, "wb")
    source = asyncio.StreamReader()
    transport, _ = await asyncio.get_running_loop().connect_read_pipe(
        lambda: asyncio.StreamReaderProtocol(source), reading
    )
    passing = asyncio.create_task(_pass_on(source, target, task))
    try:
        with writing:
            yield writing
    finally:
        await asyncio.wait([passing], timeout=_GRACE)
        passing.cancel()
        transport.close()


async def _pass_on(source: asyncio.StreamReader, target: TextIO, task: Task) -> None:
    import asyncio

    lines = output.Lines()
    while True:
        try:
            data = await asyncio.wait_for(source.read(_READ), lines.patience)
        except TimeoutError:
            _print(lines.idle(), target, task)
            continue
        _print(lines.feed(data) if data else lines.end(), target, task)
        if not data:
            return


def _print(lines: Iterable[str], target: TextIO, task: Task) -> None:
    text = ""
    for line in lines:
        task.output.add(line)
        text += f"[{task.title}] {line}\n"
    if not text:
        return
    # A process would block if its output were not read, so reading continues even if printing fails.
    with contextlib.suppress(OSError, ValueError):
        target.write(output.printable(text, getattr(target, "encoding", None)))
        target.flush()


async def _stop(process: _Process) -> None:
    """Stop a process, first with SIGTERM, then with SIGKILL, and all its child processes."""
    import asyncio

    if not process.over:
        process.signal(signal.SIGTERM)
        with contextlib.suppress(TimeoutError):
            await asyncio.wait_for(process.wait(), _GRACE)
    process.signal(signal.SIGKILL)
    await process.wait()
    process.forget()


def _check(task: Task, words: Sequence[str], code: int, errors: Path) -> None:
    """Raise the error of a process that ended before its layer finished: the commit decides, not the exit code."""
    if code == 0:
        if task.finished():
            return
        reason = (
            f"the command {' '.join(words)!r} succeeded, but the layer did not finish. Check that the file calls its "
            "flow, for example 'if flow := MyFlow(): flow()', and that the layer does not replace its process by exec"
        )
        raise failure(task, reason, exit_code=code)
    if (report := reports.read(errors)) is not None:
        raise failure(task, report.reason, exit_code=code, **report.facts)
    how = f"was ended by signal {_signal_name(-code)}" if code < 0 else f"ended with exit code {code}"
    if task.finished():
        from logging import getLogger

        getLogger("laminar").warning("layer %s finished, but after that its process %s", task.title, how)
        return
    more = "" if code < 0 else " and left no error; its output says more"
    raise failure(task, f"its process {how}{more}", exit_code=code)


def _signal_name(number: int) -> str:
    try:
        return f"{number} ({signal.Signals(number).name})"
    except ValueError:
        return str(number)
