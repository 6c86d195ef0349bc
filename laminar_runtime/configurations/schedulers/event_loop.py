"""The event loop of a local run: its start, its end by a signal, and its cleanup."""

from __future__ import annotations

import contextlib
import functools
import os
import signal
import threading
from collections.abc import Callable, Coroutine, Iterator
from typing import TYPE_CHECKING, Any, TypeVar

from laminar_runtime.blocks import block
from laminar_runtime.process.endings import SIGNALLED, Ended, interruption

if TYPE_CHECKING:
    import asyncio

Result = TypeVar("Result")

#: The signals that end a process by default, without SIGINT (Ctrl-C). SIGHUP comes when a terminal closes.
_ENDING = (signal.SIGTERM, signal.SIGHUP, signal.SIGQUIT)

__all__ = ["Watch", "cancel", "run", "stoppable"]


class Watch:
    """Waits for the first of some tasks, at a cost that does not grow with the number of tasks.

    `asyncio.wait` adds a callback to each task in each call.
    """

    def __init__(self) -> None:
        import asyncio

        self._known: set[asyncio.Task[Any]] = set()
        self._ended: set[asyncio.Task[Any]] = set()
        self._woken = asyncio.Event()

    async def first(self, tasks: set[asyncio.Task[Result]]) -> set[asyncio.Task[Result]]:
        """Wait until one of some tasks has ended.

        Args:
            tasks: The tasks, at least one.

        Returns:
            The tasks that have ended.
        """
        for task in tasks - self._known:
            self._known.add(task)
            task.add_done_callback(self._add_end)
        while not (done := tasks & self._ended):
            self._woken.clear()
            await self._woken.wait()
        self._known -= done
        self._ended -= done
        return done

    def _add_end(self, task: asyncio.Task[Any]) -> None:
        self._ended.add(task)
        self._woken.set()


@block
def stoppable() -> Iterator[None]:
    """Stop the tasks of a run before a signal ends the process, unless the process has its own handler.

    asyncio handles Ctrl-C.
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
    _reset_signals_in_forks()
    try:
        yield
    except asyncio.CancelledError:
        if signalled:
            raise Ended(SIGNALLED + signalled) from None
        raise
    finally:
        _handled.difference_update(ours)
        for number in ours:
            loop.remove_signal_handler(number)


#: The signals that an event loop of this process handles.
_handled: set[signal.Signals] = set()


@functools.cache
def _reset_signals_in_forks() -> None:
    os.register_at_fork(after_in_child=_reset_signals)


def _reset_signals() -> None:
    """Reset the signal handlers in a forked process, so that signals end it and do not reach the parent's event loop.

    A process pool of a layer in a thread forks such processes, and ends them by a signal.
    """
    if _handled:
        signal.set_wakeup_fd(-1)
    while _handled:
        signal.signal(_handled.pop(), signal.SIG_DFL)


async def cancel(tasks: set[asyncio.Task[Any]]) -> None:
    """Cancel tasks, and wait for their ends."""
    import asyncio

    for running in tasks:
        running.cancel()
    await asyncio.gather(*tasks, return_exceptions=True)


def run(coroutine: Coroutine[Any, Any, None]) -> None:
    """Run a coroutine to its end, even if this thread has a running event loop, as in a notebook.

    Raises:
        KeyboardInterrupt: If Ctrl-C ended it.
    """
    try:
        # To load it takes long enough for a Ctrl-C.
        import asyncio

        if _is_running():
            _run_in_thread(coroutine)
        else:
            asyncio.run(coroutine)
    except KeyboardInterrupt:
        raise interruption() from None
    finally:
        # If it has not begun, Python would warn of it.
        with contextlib.suppress(ValueError):  # after a second Ctrl-C, it may still run in another thread
            coroutine.close()


def _is_running() -> bool:
    """Return whether this thread has a running event loop: it cannot run another one."""
    import asyncio

    try:
        asyncio.get_running_loop()
    except RuntimeError:
        return False
    return True


def _run_in_thread(coroutine: Coroutine[Any, Any, None]) -> None:
    """Run a coroutine in an event loop of another thread, and cancel it if this thread is interrupted."""
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
