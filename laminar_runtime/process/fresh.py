"""Processes of a command, each with all that it starts in a process group of its own."""

from __future__ import annotations

import contextlib
import os
import signal
import threading
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

from laminar_runtime.process import reaper

if TYPE_CHECKING:
    import subprocess

__all__ = ["Fresh", "prefer_to_kill"]


class Fresh:
    """Starts processes of a command, as `laminar_runtime.process.warm.Warm` forks them. Several threads may use it.

    Args:
        words: The command.
    """

    def __init__(self, words: Sequence[str]) -> None:
        self._words = words
        self._running: dict[int, subprocess.Popen[bytes]] = {}
        # A handler of a signal may come between.
        self._lock = threading.RLock()

    def start(self, environment: Mapping[str, str], output: int | None = None) -> int:
        """Start a process in a process group of its own.

        Args:
            environment: Its environment variables.
            output: The descriptor of a file that it prints to; None for that of this process.

        Returns:
            The process, whose number is that of its group.
        """
        import subprocess

        reaper.prepare()
        process = subprocess.Popen(  # noqa: S603 - running the flow's own command is the purpose
            self._words,
            env=environment,
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=output,
            start_new_session=True,
        )
        reaper.watch(process.pid)
        self._running[process.pid] = process
        return process.pid

    def wait(self, process: int) -> int:
        """Wait for the end of a process, and end what it has left running.

        Args:
            process: The process.

        Returns:
            The exit code, negative for the signal that ended it.
        """
        os.waitid(os.P_PID, process, os.WEXITED | os.WNOWAIT)
        # Until the process is reaped, the number of its group cannot be reused.
        self.signal(process, signal.SIGKILL)
        with self._lock:
            code = self._running.pop(process).wait()
        reaper.forget(process)
        return code

    def signal(self, process: int, number: int) -> None:
        """Send a signal to a process and all that it started, if it has not ended.

        Args:
            process: The process.
            number: The signal.
        """
        with self._lock, contextlib.suppress(ProcessLookupError, PermissionError):
            if process in self._running:
                os.killpg(process, number)


def prefer_to_kill(process: int) -> None:
    """Have Linux kill the process of a task, and not this one, if the container lacks memory."""
    with contextlib.suppress(OSError), open(f"/proc/{process}/oom_score_adj", "w", encoding="ascii") as score:  # noqa: PTH123 - a file of Linux
        score.write("1000")
