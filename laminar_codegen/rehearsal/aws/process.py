"""One local process with everything it starts: begun in its own process group, ended as a whole.

A container ends when its first process ends, and nothing of it survives; so does a process here.
Output goes straight to a file: no thread per process, and nothing is lost when it is killed.
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
        """Start a command, without a shell. Raises OSError when it cannot be started."""
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
        """Wait for the end and return the exit code as a container runtime shows it.

        After the timeout, the group is stopped and `timed_out` is set.
        """
        if timeout is not None:
            self._later(timeout, functools.partial(self._expire, grace))
        os.waitid(os.P_PID, self._process.pid, os.WEXITED | os.WNOWAIT)
        with self._lock:
            self._reaped = True
            # The unreaped leader keeps the group's number from being used again.
            self._signal(signal.SIGKILL)
            code = self._process.wait()
            reaper.forget(self._process.pid)
        for timer in self._timers:
            timer.cancel()
        return code if code >= 0 else _SIGNAL_BASE - code

    def stop(self, grace: float = GRACE_SECONDS) -> None:
        """Ask the group to end, and end it after the grace period."""
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
    """Find the program along the PATH that the process will have, not along this process' own."""
    program = shutil.which(command[0], path=environment.get("PATH"))
    return [program or command[0], *command[1:]]
