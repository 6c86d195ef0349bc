"""A local process with all its child processes, in a process group of its own.

A container ends when its first process ends, and so do all its other processes. A process here does the same. Its
output goes directly to a file: that needs no thread, and loses nothing when the process is killed.
"""

from __future__ import annotations

import functools
import os
import shutil
import signal
import subprocess
import threading
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Self

from laminar_runtime.process import reaper

GRACE_SECONDS = 5.0
_SIGNAL_BASE = 128


class LocalProcess:
    """A running process group."""

    def __init__(self, process: subprocess.Popen[bytes]) -> None:
        self._process = process
        self._lock = threading.Lock()
        self._reaped = False
        self._timers: list[threading.Timer] = []
        self.timed_out = False

    @classmethod
    def start(
        cls,
        command: Sequence[str],
        *,
        directory: Path,
        environment: Mapping[str, str],
        log: Path,
    ) -> Self:
        """Start a command without a shell. Raises OSError if it cannot be started."""
        log.parent.mkdir(parents=True, exist_ok=True)
        reaper.prepare()
        with log.open("ab") as output:
            process = subprocess.Popen(  # noqa: S603 - running the user's commands is the purpose
                _with_path_of(command, environment),
                cwd=directory,
                env=dict(environment),
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )
        reaper.watch(process.pid)
        return cls(process)

    def wait(self, timeout: float | None = None, grace: float = GRACE_SECONDS) -> int:
        """Wait for the end, and return the exit code in the form of a container runtime.

        After the timeout the group is stopped, and `timed_out` is set.
        """
        if timeout is not None:
            self._later(timeout, functools.partial(self._expire, grace))
        os.waitid(os.P_PID, self._process.pid, os.WEXITED | os.WNOWAIT)
        with self._lock:
            self._reaped = True
            # Until the leader is reaped, the number of the group cannot be reused.
            self._signal(signal.SIGKILL)
            code = self._process.wait()
            reaper.forget(self._process.pid)
        for timer in self._timers:
            timer.cancel()
        return code if code >= 0 else _SIGNAL_BASE - code

    def stop(self, grace: float = GRACE_SECONDS) -> None:
        """Stop the group with SIGTERM, and after the grace period with SIGKILL."""
        with self._lock:
            if self._reaped:
                return
            self._signal(signal.SIGTERM)
        self._later(grace, self.kill)

    def kill(self) -> None:
        """End the group at once."""
        with self._lock:
            if not self._reaped:
                self._signal(signal.SIGKILL)

    def _expire(self, grace: float) -> None:
        with self._lock:
            if self._reaped:
                return
            self.timed_out = True
        self.stop(grace)

    def _later(self, seconds: float, action: Callable[[], None]) -> None:
        timer = threading.Timer(seconds, action)
        timer.daemon = True
        self._timers.append(timer)
        timer.start()

    def _signal(self, number: signal.Signals) -> None:
        try:
            os.killpg(self._process.pid, number)
        except ProcessLookupError:
            return  # everything in the group has ended by itself


def _with_path_of(command: Sequence[str], environment: Mapping[str, str]) -> list[str]:
    """Find the program on the PATH of the new process, not of this one."""
    program = shutil.which(command[0], path=environment.get("PATH"))
    return [program or command[0], *command[1:]]
