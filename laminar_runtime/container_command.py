"""Starts the container's command in an AWS Lambda function made of the flow's image: to plan a layer, or run a task."""

from __future__ import annotations

import os
import shlex
import sys
from collections.abc import Mapping
from pathlib import Path

from laminar_runtime import _records, task_environment
from laminar_runtime.configurations.layers import DEFAULT_COMMAND
from laminar_runtime.failures import reports
from laminar_runtime.process import output

__all__ = ["COMMAND", "Ended", "run"]

#: The variable that tells a function how its image starts a task.
COMMAND = "LAMINAR_COMMAND"


@_records.frozen
class Ended:
    """How a command ended.

    Args:
        code: Its exit code, negative for the signal that ended it.
        last: The last line that it printed.
        reason: The error that the flow's own code reported, as ``ValueError: no luck``; empty if it reported none. Its
            traceback is among what was printed.
        attempt: The attempt that it reported, from 1; 0 if it reported none.
    """

    code: int
    last: str
    reason: str = ""
    attempt: int = 0


def run(variables: Mapping[str, str]) -> Ended:
    """Run the container's command for a task, and print what it prints.

    Args:
        variables: What asks for the task, beside the variables that are there.

    Returns:
        How it ended.
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
        code, last = _printed(_words(), environment)
        report = reports.read(errors)
        if report is None:
            return Ended(code, last)
        # A task leaves its error to the reader of the report, so that it is told once.
        _print(f"{report.traceback.rstrip() or report.reason}\n")
        return Ended(code, last, report.reason, report.attempt)


def _words() -> list[str]:
    first, *rest = shlex.split(os.environ.get(COMMAND, DEFAULT_COMMAND))
    return [sys.executable if first in {"python", "python3"} else first, *rest]


def _printed(words: list[str], environment: Mapping[str, str]) -> tuple[int, str]:
    """Run a command, and print its lines as they come: a function that is stopped has them in its log."""
    import subprocess

    last = ""
    with subprocess.Popen(  # noqa: S603 - running the flow's own command is the purpose
        words,
        env=environment,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        encoding="utf-8",
        errors="replace",
    ) as process:
        # Where nobody sees a line change, each state of a progress bar is a line: a carriage return ends one too.
        for line in process.stdout or ():
            _print(line)
            last = line.strip() or last
    return process.returncode, last


def _print(text: str) -> None:
    # A log is no reason to fail: what the locale does not have is escaped.
    print(output.printable(text, sys.stdout.encoding), end="", flush=True)
