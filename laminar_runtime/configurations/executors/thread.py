"""Tasks as threads of this process: fast to start, but not isolated, and one processor for all Python code."""

from __future__ import annotations

import contextlib
import contextvars
import functools
from collections.abc import Callable
from typing import TYPE_CHECKING, ClassVar

from laminar_runtime import _records
from laminar_runtime.configurations.containers import OF_CONTAINERS
from laminar_runtime.configurations.executors.base import Executor, failure, failure_by
from laminar_runtime.configurations.executors.tasks import Task
from laminar_runtime.configurations.failures import TIMED_OUT

if TYPE_CHECKING:
    import queue

__all__ = ["Thread"]

#: Seconds that a thread waits for another task before it ends.
_IDLE = 1.0


@_records.define(eq=False)
class Thread(Executor):
    """Runs each task in a thread of this process. An error of a layer reaches the caller of the flow unchanged.

    A thread cannot be stopped from outside. After its timeout, or after the failure of another task, a task counts as
    ended, but its code continues. What it assigns then is not stored.

    Args:
        concurrency: The maximum number of concurrent tasks. The default is 1.
        timeout: Seconds after which a task fails.

    Example:
        >>> Thread(concurrency=4).concurrency
        4
    """

    in_process: ClassVar[bool] = True

    _idle: list[_Worker] = _records.field(factory=list, init=False, repr=False)

    def ignores(self) -> frozenset[str]:
        """Return the fields that only a container has, and the variables, which are those of the process."""
        return OF_CONTAINERS | {"environment"}

    async def run(self, task: Task) -> None:
        """Run a task in a thread.

        Args:
            task: The task.

        Raises:
            TaskError: If the task fails, or does not end in time.
        """
        import asyncio
        import threading

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
            except BaseException as caught:  # noqa: BLE001 - it is raised where the future is awaited
                error = caught
            prompts.end_task()
            # The worker must be idle before the loop learns of the end of this task and starts the next one.
            self._idle.append(worker)
            with contextlib.suppress(RuntimeError):  # the loop is closed: nothing waits for this thread
                loop.call_soon_threadsafe(report, error)

        worker = self._worker()
        worker.jobs.put(functools.partial(contextvars.copy_context().run, work))
        try:
            error = await asyncio.wait_for(done, self.timeout)
        except TimeoutError:
            task.permit.withdraw()
            raise failure(task, f"it did not end within {self.timeout:g} seconds", ending=TIMED_OUT) from None
        except BaseException:
            task.permit.withdraw()
            raise
        if error is not None:
            raise failure_by(task, error, in_process=self.in_process)

    def _worker(self) -> _Worker:
        with contextlib.suppress(IndexError):
            return self._idle.pop()
        return _Worker(self._idle)


class _Worker:
    """A thread that runs one job after the other, and ends after a time without jobs.

    It is a daemon thread, so a layer that hangs does not keep the process from ending.

    Args:
        idle: The list of idle workers. A job adds its worker at its end.
    """

    def __init__(self, idle: list[_Worker]) -> None:
        import queue
        import threading

        self.jobs: queue.SimpleQueue[Callable[[], None]] = queue.SimpleQueue()
        self._idle = idle
        threading.Thread(target=self._work, daemon=True).start()

    def _work(self) -> None:
        import queue

        while True:
            try:
                job = self.jobs.get(timeout=_IDLE)
            except queue.Empty:
                with contextlib.suppress(ValueError):  # it was just taken from the list: a job will come
                    self._idle.remove(self)
                    return
            else:
                job()
                del job  # free its objects
