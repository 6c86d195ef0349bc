"""The event loop that a local run goes on in: begun, told to end, and cleaned up."""

from __future__ import annotations

import contextlib
import signal
import threading
from collections.abc import Coroutine, Iterator
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import asyncio

__all__ = ["cancel", "run", "stoppable"]


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
