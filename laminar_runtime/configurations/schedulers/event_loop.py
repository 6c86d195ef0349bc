"""The event loop that a local run goes on in: begun, told to end, and cleaned up."""

from __future__ import annotations

import contextlib
import signal
import threading
from collections.abc import Coroutine, Iterator
from typing import TYPE_CHECKING, Any, TypeVar

if TYPE_CHECKING:
    import asyncio

Result = TypeVar("Result")

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
    """Have a run that the process is told to end stop its tasks first, if the process leaves that to us."""
    import asyncio

    loop, told = asyncio.get_running_loop(), False
    ours = threading.current_thread() is threading.main_thread() and signal.getsignal(signal.SIGTERM) == signal.SIG_DFL
    run = asyncio.current_task()

    def stop() -> None:
        nonlocal told
        told = True
        if run is not None:
            run.cancel()

    if ours:
        loop.add_signal_handler(signal.SIGTERM, stop)
    try:
        yield
    except asyncio.CancelledError:
        if told:
            raise SystemExit(128 + signal.SIGTERM) from None
        raise
    finally:
        if ours:
            loop.remove_signal_handler(signal.SIGTERM)


async def cancel(tasks: set[asyncio.Task[Any]]) -> None:
    """Stop tasks and wait until they are stopped."""
    import asyncio

    for running in tasks:
        running.cancel()
    await asyncio.gather(*tasks, return_exceptions=True)


def run(coroutine: Coroutine[Any, Any, None]) -> None:
    """Run a coroutine to its end, also where an event loop runs already, as in a notebook."""
    import asyncio
    from concurrent.futures import ThreadPoolExecutor

    try:
        asyncio.get_running_loop()
    except RuntimeError:
        asyncio.run(coroutine)
        return
    with ThreadPoolExecutor(max_workers=1) as pool:
        pool.submit(asyncio.run, coroutine).result()
