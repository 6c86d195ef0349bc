"""Tasks as threads of this process: quick to start, no isolation, one processor for Python code."""

from __future__ import annotations

import contextlib
import contextvars
import functools
import threading
from collections.abc import Callable
from typing import TYPE_CHECKING, ClassVar

from laminar_runtime import _records
from laminar_runtime.configurations.executors.base import Executor, failure, raised
from laminar_runtime.configurations.executors.tasks import Task

if TYPE_CHECKING:
    import queue

__all__ = ["Thread"]

#: Seconds that a thread waits for a further task before it ends.
_IDLE = 1.0


@_records.define(eq=False)
class Thread(Executor):
    """Runs each task in a thread of this process. What a layer raises reaches the caller of the flow as it is.

    A thread cannot be stopped from outside: after its timeout, or when a sibling failed, a task counts as ended, but
    its code runs on. What that assigns is read by nobody.

    Example:
        >>> Thread(concurrency=4).concurrency
        4
    """

    in_process: ClassVar[bool] = True

    _idle: list[_Worker] = _records.field(factory=list, init=False, repr=False)

    async def run(self, task: Task) -> None:
        """Run a task in a thread."""
        import asyncio

        from laminar_runtime.process import prompts

        loop = asyncio.get_running_loop()
        done: asyncio.Future[BaseException | None] = loop.create_future()

        def report(error: BaseException | None) -> None:
            if not done.done():
                done.set_result(error)

        def work() -> None:
            threading.current_thread().name = f"laminar {task.title}"
            error: BaseException | None = None
            try:
                task.run()
            except BaseException as caught:  # noqa: BLE001 - it is raised again where it is awaited
                error = caught
            prompts.end_task()
            # Ready for the next task before the loop, told of the end of this one, looks for who is.
            self._idle.append(worker)
            with contextlib.suppress(RuntimeError):  # the loop is closed: nobody waits for this thread any more
                loop.call_soon_threadsafe(report, error)

        worker = self._worker()
        worker.jobs.put(functools.partial(contextvars.copy_context().run, work))
        try:
            error = await asyncio.wait_for(done, self.timeout)
        except TimeoutError:
            task.permit.withdraw()
            raise failure(task, f"it did not end within {self.timeout:g} seconds") from None
        except BaseException:
            task.permit.withdraw()
            raise
        if error is not None:
            raise raised(task, error, in_process=self.in_process)

    def _worker(self) -> _Worker:
        with contextlib.suppress(IndexError):
            return self._idle.pop()
        return _Worker(self._idle)


class _Worker:
    """A thread that runs one job after the other, and ends when none comes any more.

    It does not keep the process from ending: a layer that hangs is not waited for.

    Args:
        idle: Where it is noted, by its jobs, while it waits for the next.
    """

    def __init__(self, idle: list[_Worker]) -> None:
        import queue

        self.jobs: queue.SimpleQueue[Callable[[], None]] = queue.SimpleQueue()
        self._idle = idle
        threading.Thread(target=self._work, daemon=True).start()

    def _work(self) -> None:
        import queue

        while True:
            try:
                job = self.jobs.get(timeout=_IDLE)
            except queue.Empty:
                with contextlib.suppress(ValueError):  # taken in this moment: a job comes
                    self._idle.remove(self)
                    return
            else:
                job()
                del job  # what it holds is not for this thread to keep
