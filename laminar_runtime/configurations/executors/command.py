"""Runs the command of a task: its output passed on, its end judged, and nothing of it left running."""

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
from laminar_runtime.failures import reports
from laminar_runtime.process import output, reaper

if TYPE_CHECKING:
    import asyncio
    import subprocess

__all__ = ["quietly", "run"]

#: Seconds that a process has to end by itself after it was told to, and that its output has to end after it.
_GRACE = 2.0
#: The bytes that are read at once.
_READ = 2**16


async def run(
    task: Task,
    words: Sequence[str],
    *,
    environment: Mapping[str, str],
    timeout: float,  # noqa: ASYNC109 - the task's, told of in our terms
    errors: Path,
    folder: Path | None = None,
) -> None:
    """Run the command of a task to its end, in a process group of its own.

    Args:
        task: The task.
        words: The command, which no shell reads.
        environment: All its variables.
        timeout: Seconds after which it is stopped, and has failed.
        errors: The file that the task writes its error to.
        folder: Where it runs; here unless given.

    Raises:
        TaskError: If it fails, or ends well without having run the layer.
    """
    import asyncio

    async with _printed(sys.stdout, task.title) as out, _printed(sys.stderr, task.title) as err:
        with out, err:  # the process has its own ends of the pipes
            process = _start(task, words, environment, folder, out, err)
        try:
            await asyncio.wait_for(process.wait(), timeout)
        except TimeoutError:
            raise failure(task, f"it did not end within {timeout:g} seconds and was stopped") from None
        finally:
            await _stop(process)
    _check(task, words, await process.wait(), errors)


async def quietly(words: Sequence[str]) -> None:
    """Run a command whose output and end do not matter.

    Args:
        words: The command, which no shell reads.
    """
    import asyncio

    nothing = asyncio.subprocess.DEVNULL
    with contextlib.suppress(OSError):
        process = await asyncio.create_subprocess_exec(*words, stdin=nothing, stdout=nothing, stderr=nothing)
        await process.wait()


class _Process:
    """A process that leads a group of its own.

    It is not one of asyncio's: those are known some turns of the event loop after they were started, and should this
    process be killed before, nothing would end them.

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
        with contextlib.suppress(RuntimeError):  # the loop is closed: nobody waits for the process any more
            self._loop.call_soon_threadsafe(self._ended.set_result, code)

    @property
    def over(self) -> bool:
        """Whether it has ended."""
        return self._ended.done()

    async def wait(self) -> int:
        """Wait for its end, and give its exit code, negative for the signal that ended it."""
        import asyncio

        return await asyncio.shield(self._ended)

    def signal(self, number: signal.Signals) -> None:
        """Send a signal to it and to all that it started."""
        # macOS refuses where Linux finds nobody left.
        with contextlib.suppress(ProcessLookupError, PermissionError):
            os.killpg(self._started.pid, number)

    def forget(self) -> None:
        """Take it for ended, with all that it started."""
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
        fix = f"this process takes names to be in {error.encoding}: set PYTHONUTF8=1, or a locale of UTF-8"
        raise failure(task, f"its process cannot be given the name {error.object!r}, as {fix}") from None
    except (OSError, ValueError) as error:
        raise failure(task, f"the command {' '.join(words)!r} cannot be started: {error}") from None
    return _Process(started)


@contextlib.asynccontextmanager
async def _printed(target: TextIO, title: str) -> AsyncIterator[io.FileIO]:
    """A pipe for a process, what is written to it being passed on.

    It is our own and not asyncio's, which takes a process for running as long as any other holds its output open.
    """
    import asyncio

    reader, writer = os.pipe()
    reading, writing = io.FileIO(reader, "rb"), io.FileIO(writer, "wb")
    source = asyncio.StreamReader()
    transport, _ = await asyncio.get_running_loop().connect_read_pipe(
        lambda: asyncio.StreamReaderProtocol(source), reading
    )
    passing = asyncio.create_task(_pass_on(source, target, title))
    try:
        with writing:
            yield writing
    finally:
        await asyncio.wait([passing], timeout=_GRACE)
        passing.cancel()
        transport.close()


async def _pass_on(source: asyncio.StreamReader, target: TextIO, title: str) -> None:
    import asyncio

    lines = output.Lines()
    while True:
        try:
            data = await asyncio.wait_for(source.read(_READ), lines.patience)
        except TimeoutError:
            _print(lines.idle(), target, title)
            continue
        _print(lines.feed(data) if data else lines.end(), target, title)
        if not data:
            return


def _print(lines: Iterable[str], target: TextIO, title: str) -> None:
    text = "".join(f"[{title}] {line}\n" for line in lines)
    if not text:
        return
    # A process whose output nobody reads would stop: it is read on also if it cannot be printed.
    with contextlib.suppress(OSError, ValueError):
        target.write(output.printable(text, getattr(target, "encoding", None)))
        target.flush()


async def _stop(process: _Process) -> None:
    """Stop a process if it has not ended, kindly first, and then all that it started and left running."""
    import asyncio

    if not process.over:
        process.signal(signal.SIGTERM)
        with contextlib.suppress(TimeoutError):
            await asyncio.wait_for(process.wait(), _GRACE)
    process.signal(signal.SIGKILL)
    await process.wait()
    process.forget()


def _check(task: Task, words: Sequence[str], code: int, errors: Path) -> None:
    """Raise what made a process fail before its layer finished: what counts is what the task left, no exit code."""
    if code == 0:
        if task.finished():
            return
        reason = (
            f"the command {' '.join(words)!r} ended well but did not run the layer to its end: does the file call its "
            "flow, as in 'if flow := MyFlow(): flow()', and does the layer not replace its process, as by exec?"
        )
        raise failure(task, reason, exit_code=code)
    if (report := reports.read(errors)) is not None:
        known = {"error_class": report.error_class, "traceback": report.traceback}
        raise failure(task, report.reason, exit_code=code, **known)
    how = f"was ended by signal {_signal_name(-code)}" if code < 0 else f"ended with exit code {code}"
    if task.finished():
        from logging import getLogger

        getLogger("laminar").warning("layer %s finished, and after that its process %s", task.title, how)
        return
    more = "" if code < 0 else "; what it printed stands above"
    raise failure(task, f"its process {how}{more}", exit_code=code)


def _signal_name(number: int) -> str:
    try:
        return f"{number} ({signal.Signals(number).name})"
    except ValueError:
        return str(number)
