"""The event loop of a local run: its start, its end by a signal, and its cleanup."""

from __future__ import annotations

import contextlib
import functools
import os
import signal
import sys
import threading
from collections.abc import Callable, Coroutine, Iterator
from typing import TYPE_CHECKING, Any, TypeVar

from laminar_runtime.process.endings import Ended, Interrupted

if TYPE_CHECKING:
    import asyncio

Result = TypeVar("Result")

#: The signals that end a process unless it handles them, but for that of Ctrl-C: a hangup is what a terminal that is
#: closed sends.
_ENDING = (signal.SIGTERM, signal.SIGHUP, signal.SIGQUIT)
#: What a shell adds to the number of the signal that ended a process.
_SIGNALLED = 128

__all__ = ["Watch", "cancel", "run", "stoppable"]


class Watch:
    """Tells which of some tasks ended, at a cost that does not grow with the number of those that did not.

    `asyncio.wait` has each task call back anew each time.
    """

    def __init__(self) -> None:
        import asyncio

        self._known: set[asyncio.Task[Any]] = set()
        self._ended: set[asyncio.Task[Any]] = set()
        self._woken = asyncio.Event()

    async def first(self, tasks: set[asyncio.Task[Result]]) -> set[asyncio.Task[Result]]:
        """Wait until one of some tasks has ended.

        Args:
            tasks: The tasks, one at least.

        Returns:
            Those that have ended.
        """
        for task in tasks - self._known:
            self._known.add(task)
            task.add_done_callback(self._note)
        while not (done := tasks & self._ended):
            self._woken.clear()
            await self._woken.wait()
        self._known -= done
        self._ended -= done
        return done

    def _note(self, task: asyncio.Task[Any]) -> None:
        self._ended.add(task)
        self._woken.set()


@contextlib.contextmanager
def stoppable() -> Iterator[None]:
    """Stop the tasks of a run first when a signal ends the process, if the process has no handler of its own.

    What the terminal asks for by Ctrl-C, `asyncio` sees to.
    """
    import asyncio

    loop, run, signalled = asyncio.get_running_loop(), asyncio.current_task(), 0
    main = threading.current_thread() is threading.main_thread()
    ours = [number for number in _ENDING if main and signal.getsignal(number) == signal.SIG_DFL]

    def stop(number: signal.Signals) -> None:
        nonlocal signalled
        signalled = number
        if run is not None:
            run.cancel()

    for number in ours:
        loop.add_signal_handler(number, stop, number)
    _handled.update(ours)
    _part_forks()
    try:
        yield
    except asyncio.CancelledError:
        if signalled:
            raise Ended(_SIGNALLED + signalled) from None
        raise
    finally:
        _handled.difference_update(ours)
        for number in ours:
            loop.remove_signal_handler(number)


#: The signals that an event loop of this process handles.
_handled: set[signal.Signals] = set()


@functools.cache
def _part_forks() -> None:
    os.register_at_fork(after_in_child=_leave)


def _leave() -> None:
    """Let signals end a process that was forked from this one, and not reach the event loop of this one.

    Pools of a layer that runs in a thread fork such processes, and end them so.
    """
    if _handled:
        signal.set_wakeup_fd(-1)
    while _handled:
        signal.signal(_handled.pop(), signal.SIG_DFL)


async def cancel(tasks: set[asyncio.Task[Any]]) -> None:
    """Stop tasks and wait until they are stopped."""
    import asyncio

    for running in tasks:
        running.cancel()
    await asyncio.gather(*tasks, return_exceptions=True)


def run(coroutine: Coroutine[Any, Any, None]) -> None:
    """Run a coroutine to its end, also where an event loop runs already, as in a notebook.

    Raises:
        KeyboardInterrupt: If it was ended by Ctrl-C.
    """
    import asyncio

    if _is_running():
        _run_beside(coroutine)
        return
    try:
        asyncio.run(coroutine)
    except KeyboardInterrupt:
        interactive = hasattr(sys, "ps1") or sys.flags.interactive
        raise KeyboardInterrupt if interactive else Interrupted(_SIGNALLED + signal.SIGINT) from None


def _is_running() -> bool:
    """Whether this thread is in an event loop, which cannot run another one."""
    import asyncio

    try:
        asyncio.get_running_loop()
    except RuntimeError:
        return False
    return True


def _run_beside(coroutine: Coroutine[Any, Any, None]) -> None:
    """Run a coroutine in an event loop of another thread, and stop it if this thread is interrupted."""
    import asyncio
    from concurrent.futures import Future, ThreadPoolExecutor

    begun: Future[Callable[[], object]] = Future()

    async def stoppable_from_here() -> None:
        loop, task = asyncio.get_running_loop(), asyncio.current_task()
        assert task is not None  # noqa: S101 - for mypy: a loop runs it
        begun.set_result(functools.partial(loop.call_soon_threadsafe, task.cancel))
        await coroutine

    with ThreadPoolExecutor(max_workers=1) as pool:
        ended = pool.submit(asyncio.run, stoppable_from_here())
        try:
            ended.result()
        except KeyboardInterrupt:
            if not ended.done():
                begun.result()()
            raise
