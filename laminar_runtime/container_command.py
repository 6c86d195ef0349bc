"""Starts the container's command in a Lambda function, to plan a layer or to run a task."""

from __future__ import annotations

import os
import shlex
import sys
from collections.abc import Mapping
from pathlib import Path

from laminar_runtime import _records, task_environment
from laminar_runtime.configurations.containers import DEFAULT_COMMAND
from laminar_runtime.failures import redaction, reports
from laminar_runtime.process import output

__all__ = ["COMMAND", "Ended", "run"]

#: The environment variable with the command that starts a task in the function's image.
COMMAND = "LAMINAR_COMMAND"
#: The exit code of a command that cannot be started, as in a shell.
_NOT_FOUND = 127


@_records.frozen
class Ended:
    """The result of a command.

    Args:
        code: Its exit code, negative for the signal that ended it.
        last: The last line of its output.
        reason: The error of the flow's own code, for example ``ValueError: no luck``; empty if it reported none. The
            output has the traceback.
        attempt: The attempt that it reported, from 1; 0 if it reported none.
    """

    code: int
    last: str
    reason: str = ""
    attempt: int = 0


def run(variables: Mapping[str, str]) -> Ended:
    """Run the container's command for a task, and print its output.

    Args:
        variables: The variables of the task, which are added to the environment.

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
        code, printed = _run_and_print(_words(), environment)
        last = redaction.one_line(printed)
        report = reports.read(errors)
        if report is None:
            return Ended(code, last)
        # A task does not print an error that it reports, so it is printed here.
        _print(f"{report.traceback.rstrip() or report.reason}\n")
        return Ended(code, last, report.reason, report.attempt)


def _words() -> list[str]:
    first, *rest = shlex.split(os.environ.get(COMMAND, DEFAULT_COMMAND))
    return [sys.executable if first in {"python", "python3"} else first, *rest]


def _run_and_print(words: list[str], environment: Mapping[str, str]) -> tuple[int, str]:
    """Run a command and print each line at once, so that the log of a stopped function has them."""
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
        )
    except OSError as error:
        why = f"the image cannot start {shlex.join(words)!r}: {error}. Correct the command of the layer's Container"
        _print(f"{why}\n")
        return _NOT_FOUND, why
    with started as process:
        # A carriage return ends a line, too: in a log, each state of a progress bar is a line of its own.
        for line in process.stdout or ():
            _print(line)
            last = line.strip() or last
    return process.returncode, last


def _print(text: str) -> None:
    # Characters that the locale does not have are escaped: output must not fail a task.
    print(output.printable(text, sys.stdout.encoding), end="", flush=True)
