"""A process that has read the flow's file and forks others from it, so that each of these has the flow at once.

It opens no client and starts no thread, so that its children may do so. What decides is another process, the
supervisor, which it forks first and which asks it by a socket, a JSON value in each line::

    {"LAMINAR_LAYER_NAME": "Load", ...}    fork a process with these variables
    {"started": 17}                        its number, which is that of its process group, too
    {"ended": 17, "code": 0}               it ended

In a child, the call of `serve` returns.
"""

from __future__ import annotations

import contextlib
import gc
import json
import os
import select
import signal
import socket
import sys
from collections.abc import Callable, Mapping
from typing import Any, Self

from laminar_runtime.process import reaper

__all__ = ["Forks", "serve"]

#: The signals by which AWS asks a container to stop.
_STOPS = (signal.SIGTERM, signal.SIGINT)


class Forks:
    """The children of a warm process, as its supervisor sees them.

    Args:
        connection: The socket to the warm process.
    """

    def __init__(self, connection: socket.socket) -> None:
        self._connection, self._text = connection, b""
        self._ended: list[tuple[int, int]] = []

    def start(self, variables: Mapping[str, str]) -> int:
        """Start a process.

        Args:
            variables: Its variables, besides those of this process.

        Returns:
            Its number, which is that of its process group, too.
        """
        self._connection.sendall(json.dumps(dict(variables)).encode() + b"\n")
        while True:
            said = self._read(None)
            if said is not None and "started" in said:
                # If this process is killed, what it started ends.
                reaper.watch(int(said["started"]))
                return int(said["started"])

    def wait(self, seconds: float) -> tuple[int, int] | None:
        """Wait for the end of a process.

        Args:
            seconds: How long to wait.

        Returns:
            Its number and its exit code, negative for the signal that ended it; None if none ended in time.
        """
        if not self._ended:
            self._read(seconds)
        return self._ended.pop(0) if self._ended else None

    def _read(self, seconds: float | None) -> dict[str, Any] | None:
        """Return what the warm process says next, None if it says nothing in time. What ended is kept."""
        while b"\n" not in self._text:
            if not select.select([self._connection], [], [], seconds)[0]:
                return None
            received = self._connection.recv(65536)
            if not received:
                raise ConnectionError("the process that starts layers has ended")
            self._text += received
        line, _, self._text = self._text.partition(b"\n")
        said: dict[str, Any] = json.loads(line)
        if "ended" in said:
            reaper.forget(said["ended"])
            self._ended.append((said["ended"], said["code"]))
        return said


def serve(supervise: Callable[[Forks], int]) -> dict[str, str]:
    """Fork a supervisor, and then the processes that it asks for.

    Args:
        supervise: What the supervisor does. It returns the exit code of this process.

    Returns:
        The variables of a child, in this child. Here it does not return: this process ends with its supervisor.
    """
    handlers = {number: signal.getsignal(number) for number in (*_STOPS, signal.SIGCHLD)}
    own, other = socket.socketpair()
    sys.stdout.flush()
    sys.stderr.flush()
    # What is there now is shared by all processes, as long as no garbage collector writes to it.
    gc.collect()
    gc.freeze()
    supervisor = os.fork()
    if supervisor == 0:
        own.close()
        _leave(supervise(Forks(other)))
    other.close()
    with _Server(own, supervisor) as server:
        variables = server.run()
    # A child goes on here.
    for number, handler in handlers.items():
        signal.signal(number, handler if handler is not None else signal.SIG_DFL)
    return variables


def _leave(code: int) -> None:
    """End this process without what the flow's file wants to be done at the end: it does that in its children."""
    with contextlib.suppress(OSError):
        sys.stdout.flush()
        sys.stderr.flush()
    os._exit(code)


class _Server:
    """The warm process while it serves.

    Args:
        connection: The socket to the supervisor.
        supervisor: The number of its process.
    """

    def __init__(self, connection: socket.socket, supervisor: int) -> None:
        self._connection, self._supervisor = connection, supervisor
        self._wake, self._waker = os.pipe()
        self._running: set[int] = set()
        self._text = b""

    def __enter__(self) -> Self:
        os.set_blocking(self._waker, False)
        signal.signal(signal.SIGCHLD, lambda *_: None)
        signal.set_wakeup_fd(self._waker, warn_on_full_buffer=False)
        for number in _STOPS:
            signal.signal(number, self._pass_on)
        return self

    def __exit__(self, *_: object) -> None:
        signal.set_wakeup_fd(-1)
        self._connection.close()
        os.close(self._wake)
        os.close(self._waker)

    def run(self) -> dict[str, str]:
        """Serve, and return the variables of a child in this child."""
        while True:
            readable = select.select([self._connection.fileno(), self._wake], [], [])[0]
            if self._wake in readable:
                os.read(self._wake, 4096)
                self._reap()
            if self._connection.fileno() in readable and (child := self._answer()) is not None:
                return child

    def _answer(self) -> dict[str, str] | None:
        """Fork the processes that the supervisor asks for. In a child, return its variables."""
        received = self._connection.recv(65536)
        if not received:  # the supervisor is at its end
            self._end(os.waitpid(self._supervisor, 0)[1])
        self._text += received
        while b"\n" in self._text:
            line, _, self._text = self._text.partition(b"\n")
            child = os.fork()
            if child == 0:
                os.setsid()
                variables: dict[str, str] = json.loads(line)
                return variables
            self._running.add(child)
            self._say({"started": child})
        return None

    def _reap(self) -> None:
        """Report the processes that ended."""
        while True:
            try:
                ended = os.waitid(os.P_ALL, 0, os.WEXITED | os.WNOHANG | os.WNOWAIT)
            except ChildProcessError:
                return
            if ended is None:
                return
            process = ended.si_pid
            if process in self._running:
                # What it started ends with it. Until it is reaped, the number of its group cannot be reused.
                _signal(process, signal.SIGKILL)
            status = os.waitpid(process, 0)[1]
            if process == self._supervisor:
                self._end(status)
            if process in self._running:
                self._running.discard(process)
                self._say({"ended": process, "code": os.waitstatus_to_exitcode(status)})

    def _say(self, value: Mapping[str, int]) -> None:
        with contextlib.suppress(OSError):
            self._connection.sendall(json.dumps(value).encode() + b"\n")

    def _end(self, status: int) -> None:
        """End as the supervisor did, and all processes with this one."""
        for process in self._running:
            _signal(process, signal.SIGKILL)
        code = os.waitstatus_to_exitcode(status)
        _leave(code if code >= 0 else 128 - code)

    def _pass_on(self, number: int, _frame: object) -> None:
        with contextlib.suppress(ProcessLookupError):
            os.kill(self._supervisor, number)


def _signal(group: int, number: signal.Signals) -> None:
    with contextlib.suppress(ProcessLookupError, PermissionError):
        os.killpg(group, number)
