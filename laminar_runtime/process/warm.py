"""A warm parent: a process that has imported a flow, and starts each task as a fork of itself.

::

    first process        imports the flow; forks tasks, and reaps them
      supervisor         decides what runs: it has the clients, the threads and the timers
      task, task, ...    forks of the first process, in which `branch` returns

To import a flow may take seconds, a fork takes milliseconds. The first process has one thread and opens nothing, so
that its forks share nothing but memory that is copied on write: `laminar_runtime.process.forking` says whether that is
so. It is the main process of its container, if there is one: it passes signals on to the supervisor, and ends with
it. If it ends first, the supervisor notices.
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
import threading
import time
import traceback
from collections.abc import Callable, Iterator, Mapping
from typing import Any, NoReturn

from laminar_runtime.process import reaper

__all__ = ["Warm", "branch"]

#: The signals that ask a process to stop.
_SIGNALS = (signal.SIGTERM, signal.SIGINT)
#: The most bytes, and descriptors of files, of one read.
_READ, _OUTPUTS = 2**16, 64


def branch(supervise: Callable[[Warm], int]) -> None:
    """Fork a supervisor, and serve its requests for tasks. This returns in the tasks only, with their environments.

    Args:
        supervise: The supervisor. It returns the exit code of this process. Signals that ask a process to stop are
            blocked when it begins.
    """
    sys.stdout.flush()
    sys.stderr.flush()
    # The garbage collector does not visit, and so does not copy, what is here now.
    gc.freeze()
    ours, theirs = socket.socketpair()
    signal.pthread_sigmask(signal.SIG_BLOCK, _SIGNALS)
    supervisor = os.fork()
    if supervisor == 0:
        ours.close()
        _supervise(supervise, Warm(theirs))
    theirs.close()
    _Server(ours, supervisor).serve()


def _supervise(supervise: Callable[[Warm], int], warm: Warm) -> NoReturn:
    """Run the supervisor. What the program wants done at its end is for tasks."""
    code = 1
    try:
        code = supervise(warm)
    except SystemExit as error:
        code = error.code if isinstance(error.code, int) else 1
    except BaseException:  # noqa: BLE001 - the process ends
        traceback.print_exc()
    finally:
        with contextlib.suppress(OSError, ValueError):
            sys.stdout.flush()
            sys.stderr.flush()
        os._exit(code)


class _Server:
    """The first process, which has one thread.

    Args:
        link: The connection to the supervisor.
        supervisor: Its process.
    """

    def __init__(self, link: socket.socket, supervisor: int) -> None:
        self._link, self._supervisor = link, supervisor
        self._tasks: set[int] = set()
        self._outputs: list[int] = []
        self._rest = b""
        self._awake, self._waking = os.pipe()
        for end in (self._awake, self._waking):
            os.set_blocking(end, False)
        self._handlers = {number: signal.signal(number, self._pass_on) for number in _SIGNALS}
        self._handlers[signal.SIGCHLD] = signal.signal(signal.SIGCHLD, lambda *_: None)
        self._fd = signal.set_wakeup_fd(self._waking, warn_on_full_buffer=False)
        signal.pthread_sigmask(signal.SIG_UNBLOCK, _SIGNALS)

    def _pass_on(self, number: int, _frame: object) -> None:
        with contextlib.suppress(ProcessLookupError):
            os.kill(self._supervisor, number)

    def serve(self) -> None:
        """Fork tasks until the supervisor ends. This returns in the tasks."""
        link = self._link.fileno()
        while True:
            self._reap()
            ready, _, _ = select.select([self._awake, link], [], [])
            if self._awake in ready:
                with contextlib.suppress(BlockingIOError):
                    os.read(self._awake, _READ)
            if link in ready and any(self._answer(request) for request in self._requests()):
                return

    def _requests(self) -> Iterator[dict[str, Any]]:
        try:
            data, outputs, _, _ = socket.recv_fds(self._link, _READ, _OUTPUTS)
        except ConnectionResetError:  # it was killed before it read all that was said to it
            data, outputs = b"", []
        self._outputs += outputs
        if not data:  # the supervisor ends
            self._end(os.waitpid(self._supervisor, 0)[1])
        *lines, self._rest = (self._rest + data).split(b"\n")
        yield from map(json.loads, lines)

    def _answer(self, request: Mapping[str, Any]) -> bool:
        """Do what the supervisor asks for, and return whether this is a task now."""
        if "start" in request:
            return self._fork(request["start"], self._outputs.pop(0) if request["output"] else None)
        if request["task"] in self._tasks:
            _signal(request["task"], request["signal"])
        return False

    def _fork(self, environment: Mapping[str, str], output: int | None) -> bool:
        # No signal may come to a task before it is one.
        signal.pthread_sigmask(signal.SIG_BLOCK, _SIGNALS)
        try:
            task = os.fork()
        except OSError as error:
            self._say({"refused": str(error)})
        else:
            if task == 0:
                self._become(environment, output)
                return True
            self._tasks.add(task)
            _wait_for_group(task)
            self._say({"started": task})
        if output is not None:
            os.close(output)
        signal.pthread_sigmask(signal.SIG_UNBLOCK, _SIGNALS)
        return False

    def _become(self, environment: Mapping[str, str], output: int | None) -> None:
        """Make this process one as if the command had been started with an environment."""
        os.setsid()
        signal.set_wakeup_fd(self._fd)
        for number, handler in self._handlers.items():
            signal.signal(number, handler if handler is not None else signal.SIG_DFL)
        self._link.close()
        for end in (self._awake, self._waking):
            os.close(end)
        nothing = os.open(os.devnull, os.O_RDONLY)
        os.dup2(nothing, 0)
        os.close(nothing)
        if output is not None:
            os.dup2(output, 1)
            os.dup2(output, 2)
        for other in [*self._outputs, *([] if output is None else [output])]:
            os.close(other)
        os.environ.clear()
        os.environ.update(environment)
        if numpy := sys.modules.get("numpy"):
            # A process of its own would not draw the numbers of others, either.
            numpy.random.seed()
        signal.pthread_sigmask(signal.SIG_UNBLOCK, _SIGNALS)

    def _reap(self) -> None:
        """Reap the processes that have ended, each after all that it has left running in its group."""
        with contextlib.suppress(ChildProcessError):
            while (ended := os.waitid(os.P_ALL, 0, os.WEXITED | os.WNOHANG | os.WNOWAIT)) is not None:
                if ended.si_pid in self._tasks:
                    # Until the process is reaped, the number of its group cannot be reused.
                    _signal(ended.si_pid, signal.SIGKILL)
                    self._tasks.discard(ended.si_pid)
                    _, status = os.waitpid(ended.si_pid, 0)
                    self._say({"ended": ended.si_pid, "code": os.waitstatus_to_exitcode(status)})
                    continue
                _, status = os.waitpid(ended.si_pid, 0)
                if ended.si_pid == self._supervisor:
                    self._end(status)

    def _say(self, message: Mapping[str, object]) -> None:
        with contextlib.suppress(OSError):  # the supervisor has ended
            self._link.sendall(json.dumps(message).encode() + b"\n")

    def _end(self, status: int) -> NoReturn:
        """End as the supervisor did, and what it has left running."""
        for task in self._tasks:
            _signal(task, signal.SIGKILL)
        code = os.waitstatus_to_exitcode(status)
        os._exit(code if code >= 0 else 128 - code)


class Warm:
    """What the supervisor asks of the first process. It may be used by several threads.

    Args:
        link: The connection to the first process.
    """

    def __init__(self, link: socket.socket) -> None:
        self._link = link
        self._lock, self._starting = threading.Lock(), threading.Lock()
        self._changed = threading.Condition()
        self._started: dict[str, Any] | None = None
        self._codes: dict[int, int] = {}
        self._gone = False
        self._listening = False

    def start(self, environment: Mapping[str, str], output: int | None = None) -> int:
        """Start a task in a process group of its own.

        Args:
            environment: Its environment variables.
            output: The descriptor of a file that it prints to; None for that of this process.

        Returns:
            The process, whose number is that of its group.

        Raises:
            OSError: If the system has no room for another process.
        """
        with self._starting:
            if not self._listening:
                self._listening = True
                reaper.prepare()
                threading.Thread(target=self._listen, daemon=True).start()
            self._ask({"start": dict(environment), "output": output is not None}, output)
            with self._changed:
                self._changed.wait_for(lambda: self._started is not None or self._gone)
                answer, self._started = self._started, None
        if answer is None:
            raise ConnectionResetError(_GONE)
        if "refused" in answer:
            raise OSError(f"no process can be forked: {answer['refused']}")
        task: int = answer["started"]
        reaper.watch(task)
        return task

    def wait(self, task: int) -> int:
        """Wait for the end of a task, and of all that it has left running.

        Args:
            task: Its process.

        Returns:
            The exit code, negative for the signal that ended it.

        Raises:
            ConnectionResetError: If the first process has ended.
        """
        with self._changed:
            self._changed.wait_for(lambda: task in self._codes or self._gone)
            if task in self._codes:
                reaper.forget(task)
                return self._codes.pop(task)
        raise ConnectionResetError(_GONE)

    def wait_any(self, seconds: float) -> tuple[int, int] | None:
        """Wait for the end of any task.

        Args:
            seconds: How long to wait.

        Returns:
            Its process, and its exit code as `wait` returns it; None if none ends in time.

        Raises:
            ConnectionResetError: If the first process has ended.
        """
        with self._changed:
            self._changed.wait_for(lambda: self._codes or self._gone, seconds)
            if self._codes:
                task = next(iter(self._codes))
                reaper.forget(task)
                return task, self._codes.pop(task)
            if self._gone:
                raise ConnectionResetError(_GONE)
        return None

    def signal(self, task: int, number: int) -> None:
        """Send a signal to a task and all that it started, if it has not ended.

        Args:
            task: Its process.
            number: The signal.
        """
        with contextlib.suppress(ConnectionResetError):
            self._ask({"task": task, "signal": int(number)})

    def _ask(self, request: Mapping[str, object], output: int | None = None) -> None:
        message = json.dumps(request).encode() + b"\n"
        try:
            with self._lock:
                sent = 0 if output is None else socket.send_fds(self._link, [message], [output])
                self._link.sendall(message[sent:])
        except OSError:
            raise ConnectionResetError(_GONE) from None

    def _listen(self) -> None:
        rest = b""
        with contextlib.suppress(OSError):
            while data := self._link.recv(_READ):
                *lines, rest = (rest + data).split(b"\n")
                with self._changed:
                    for message in map(json.loads, lines):
                        if "ended" in message:
                            self._codes[message["ended"]] = message["code"]
                        else:
                            self._started = message
                    self._changed.notify_all()
        with self._changed:
            self._gone = True
            self._changed.notify_all()


_GONE = "the process that imported the flow has ended"
#: The most seconds to wait for a task to make its process group, which is the first thing that it does.
_PATIENCE = 5.0


def _wait_for_group(task: int) -> None:
    """Wait until a task has its process group: before that, a signal to the group is lost."""
    end = time.monotonic() + _PATIENCE
    with contextlib.suppress(ProcessLookupError):
        while os.getpgid(task) != task and time.monotonic() < end:
            time.sleep(0.0001)


def _signal(group: int, number: int) -> None:
    with contextlib.suppress(ProcessLookupError, PermissionError):
        os.killpg(group, number)
