"""Starts the container's command in a Lambda function, to plan a layer or to run a task."""

from __future__ import annotations

import contextlib
import os
import shlex
import sys
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from laminar_runtime import _records, task_environment
from laminar_runtime.blocks import block
from laminar_runtime.configurations.containers import DEFAULT_COMMAND
from laminar_runtime.failures import redaction, reports
from laminar_runtime.process import output

if TYPE_CHECKING:
    import subprocess

__all__ = ["COMMAND", "GRACE", "Ended", "run"]

#: The environment variable with the command that starts a task in the function's image.
COMMAND = "LAMINAR_COMMAND"
#: The exit code of a command that cannot be started, as in a shell.
_NOT_FOUND = 127
#: Seconds between SIGTERM and SIGKILL of a command that did not end in time: a function has few of them.
GRACE = 2.0


@_records.frozen
class Ended:
    """The result of a command.

    Args:
        code: Its exit code, negative for the signal that ended it.
        last: The last line of its output.
        reason: The error of the flow's own code, for example ``ValueError: no luck``; empty if it reported none. The
            output has the traceback.
        attempt: The attempt that it reported, from 1; 0 if it reported none.
        limit: The seconds after which it was stopped, as it did not end in time; None if it ended by itself.
    """

    code: int
    last: str
    reason: str = ""
    attempt: int = 0
    limit: float | None = None


def run(variables: Mapping[str, str], seconds: float | None = None) -> Ended:
    """Run the container's command for a task, and print its output.

    Args:
        variables: The variables of the task, which are added to the environment.
        seconds: The seconds after which it is stopped, with all that it started; None if AWS Lambda alone stops it.

    Returns:
        The result of the command.
    """
    import tempfile

    with tempfile.TemporaryDirectory(prefix="laminar-") as folder:
        errors = Path(folder, "error.json")
        environment = {
            **task_environment.UNBUFFERED,
            **os.environ,
            **variables,
            task_environment.ERROR_FILE: str(errors),
        }
        code, printed, late = _run_and_print(_words(), environment, seconds)
        limit = seconds if late else None
        last = redaction.one_line(printed)
        report = reports.read(errors)
        if report is None:
            return Ended(code, last, limit=limit)
        # A task does not print an error that it reports, so it is printed here.
        _print(f"{report.traceback.rstrip() or report.reason}\n")
        # What it made of the signal that stopped it is not why it failed.
        return Ended(code, last, "" if late else report.reason, report.attempt, limit)


def _words() -> list[str]:
    first, *rest = shlex.split(os.environ.get(COMMAND, DEFAULT_COMMAND))
    return [sys.executable if first in {"python", "python3"} else first, *rest]


def _run_and_print(words: list[str], environment: Mapping[str, str], seconds: float | None) -> tuple[int, str, bool]:
    """Run a command and print each line at once, so that the log of a stopped function has them.

    Returns:
        Its exit code, the last line of its output, and whether it was stopped.
    """
    import subprocess

    last = ""
    try:
        started = subprocess.Popen(  # noqa: S603 - running the flow's own command is the purpose
            words,
            env=environment,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            encoding="utf-8",
            errors="replace",
            start_new_session=seconds is not None,
        )
    except OSError as error:
        why = f"the image cannot start {shlex.join(words)!r}: {error}. Correct the command of the layer's Container"
        _print(f"{why}\n")
        return _NOT_FOUND, why, False
    with started as process, _clock(process, seconds) as stopped:
        # A carriage return ends a line, too: in a log, each state of a progress bar is a line of its own.
        for line in process.stdout or ():
            _print(line)
            last = line.strip() or last
    return process.returncode, last, bool(stopped)


@block
def _clock(process: subprocess.Popen[Any], seconds: float | None) -> Iterator[list[int]]:
    """Stop a process, with its group, after some seconds, first kindly, and yield the signals that it was sent."""
    sent: list[int] = []
    if seconds is None:
        yield sent
        return
    import signal
    import threading

    from laminar_runtime.process.fresh import prefer_to_kill

    prefer_to_kill(process.pid)

    def send(number: int) -> None:
        sent.append(number)
        # The process may have ended, and what it started may hold its output open.
        with contextlib.suppress(ProcessLookupError):
            os.killpg(process.pid, number)

    timers = [
        threading.Timer(seconds, send, (signal.SIGTERM,)),
        threading.Timer(seconds + GRACE, send, (signal.SIGKILL,)),
    ]
    for timer in timers:
        timer.daemon = True
        timer.start()
    try:
        yield sent
    finally:
        for timer in timers:
            timer.cancel()


def _print(text: str) -> None:
    # Characters that the locale does not have are escaped: output must not fail a task.
    print(output.printable(text, sys.stdout.encoding), end="", flush=True)
