"""The processes of attempts that a job supervises: each is one of its own.

The job starts the container's command, which reads the flow's file and calls the flow. From that process each attempt
is forked (`laminar_runtime.process.warm`), where that is safe; else this process starts the command again for each.
"""

from __future__ import annotations

import contextlib
import os
import signal
import sys
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING

from laminar_runtime import task_environment
from laminar_runtime.failures import tracebacks
from laminar_runtime.process import forking
from laminar_runtime.process.fresh import prefer_to_kill
from laminar_runtime.process.warm import Warm, branch
from laminar_runtime.task_environment import TaskContext
from laminar_runtime.tasks import attempts, task_process
from laminar_runtime.tasks.pack import Processes

if TYPE_CHECKING:
    from laminar_runtime.flow import Flow

__all__ = ["Commands", "Forks", "report_errors", "send", "supervise"]


def supervise(run: Callable[[Processes], int]) -> TaskContext:
    """Supervise the processes of attempts.

    Args:
        run: Starts them, and returns the exit code of the job.

    Returns:
        The task of an attempt, in its process. In the process that called it does not return.
    """
    if os.environ.get(task_environment.FORKS) == "0" or not forking.is_safe():
        raise SystemExit(run(Commands()))
    branch(lambda warm: run(Forks(warm)))
    os.environ[task_environment.TAKEN] = str(os.getpid())
    prefer_to_kill(os.getpid())
    own = TaskContext.parse(os.environ)
    if own is None:
        raise AssertionError("a process of an attempt has no task")
    return own


def report_errors(flow: Flow, run: Callable[[], int]) -> int:
    """Return the exit code of a job. An error of its own supervisor is reported as one of a task is.

    Args:
        flow: The flow.
        run: Runs the attempts, and returns the exit code.
    """
    try:
        with task_process.reporting(flow, ""):
            return run()
    except Exception as error:  # noqa: BLE001 - the end of this process
        sys.stderr.write(tracebacks.text(error) or f"{error}\n")
        return attempts.exit_code()


class Forks:
    """Processes that are forked from the one that has imported the flow.

    Args:
        warm: Forks them.
    """

    def __init__(self, warm: Warm) -> None:
        self._warm = warm

    def start(self, variables: Mapping[str, str]) -> int:
        """Fork a process with variables."""
        others = {name: value for name, value in os.environ.items() if name != task_environment.TAKEN}
        return self._warm.start({**others, **variables})

    def wait(self, seconds: float) -> tuple[int, int] | None:
        """Wait for the end of a process."""
        return self._warm.wait_any(seconds)


class Commands:
    """Processes that run the container's command again."""

    def __init__(self) -> None:
        import subprocess

        self._running: dict[int, subprocess.Popen[bytes]] = {}

    def start(self, variables: Mapping[str, str]) -> int:
        """Start the command with variables."""
        import subprocess

        from laminar_runtime.process import reaper

        others = {name: value for name, value in os.environ.items() if name != task_environment.TAKEN}
        reaper.prepare()
        process = subprocess.Popen(  # noqa: S603 - running the flow's own command is the purpose
            [sys.executable, *sys.orig_argv[1:]],
            env={**task_environment.UNBUFFERED, **others, **variables},
            stdin=subprocess.DEVNULL,
            start_new_session=True,
        )
        reaper.watch(process.pid)
        prefer_to_kill(process.pid)
        self._running[process.pid] = process
        return process.pid

    def wait(self, seconds: float) -> tuple[int, int] | None:
        """Wait for the end of a process."""
        import time

        from laminar_runtime.process import reaper

        end = time.monotonic() + seconds
        while True:
            for number, process in self._running.items():
                if os.waitid(os.P_PID, number, os.WEXITED | os.WNOHANG | os.WNOWAIT) is None:
                    continue
                # What it started ends with it. Until it is reaped, the number of its group cannot be reused.
                send(number, signal.SIGKILL)
                code = process.wait()
                del self._running[number]
                reaper.forget(number)
                return number, code
            if time.monotonic() >= end:
                return None
            time.sleep(min(0.02, seconds))


def send(group: int, number: signal.Signals) -> None:
    """Send a signal to a process group, if any of it is left.

    Args:
        group: The group.
        number: The signal.
    """
    with contextlib.suppress(ProcessLookupError, PermissionError):
        os.killpg(group, number)
