"""Tasks as threads of this process: quick to start, no isolation, one processor for Python code."""

from __future__ import annotations

import contextlib
import contextvars
import threading

from laminar_runtime import values
from laminar_runtime.configurations.executors.base import Executor, failure
from laminar_runtime.tasks import Task

__all__ = ["Thread"]


@values.define(eq=False)
class Thread(Executor):
    """Runs each task in a thread of this process.

    A thread cannot be stopped from outside: after its timeout, or when a sibling failed, a task counts as ended, but
    its code runs on.

    Example:
        >>> Thread(concurrency=4).concurrency
        4
    """

    async def run(self, task: Task) -> None:
        """Run a task in a thread."""
        import asyncio

        loop = asyncio.get_running_loop()
        done: asyncio.Future[BaseException | None] = loop.create_future()

        def report(error: BaseException | None) -> None:
            if not done.done():
                done.set_result(error)

        def work() -> None:
            error: BaseException | None = None
            try:
                task.run()
            except BaseException as caught:  # noqa: BLE001 - it is raised again where it is awaited
                error = caught
            with contextlib.suppress(RuntimeError):  # the loop is closed: nobody waits for this thread any more
                loop.call_soon_threadsafe(report, error)

        name = f"laminar {task.title}"
        threading.Thread(target=contextvars.copy_context().run, args=(work,), name=name, daemon=True).start()
        try:
            error = await asyncio.wait_for(done, self.timeout)
        except TimeoutError as late:
            raise failure(task, f"it did not end within {self.timeout:g} seconds") from late
        if error is not None:
            raise failure(task, f"{type(error).__name__}: {error}") from error
