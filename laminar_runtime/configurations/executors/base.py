"""What every executor does; a kind of executor adds how it runs one task."""

from __future__ import annotations

import weakref
from typing import TYPE_CHECKING, Any, ClassVar

from laminar_runtime import _records
from laminar_runtime.configurations.executors.tasks import Task
from laminar_runtime.exceptions import FlowError, TaskError

if TYPE_CHECKING:
    import asyncio

__all__ = ["Executor", "Raised", "failure", "positive", "raised"]

#: Seconds for which a failed task keeps its slot.
_PAUSE = 0.05


def positive(_: object, attribute: _records.Field, value: Any) -> None:
    """Validate a number of an executor.

    Raises:
        FlowError: If it is no number, or not greater than 0.
    """
    if not isinstance(value, int | float) or value <= 0:
        raise FlowError(f"an executor's {attribute.name} must be greater than 0, not {value!r}")


@_records.define(eq=False)
class Executor:
    """Base of all executors.

    Args:
        concurrency: How many tasks run at once.
        timeout: Seconds after which a task is stopped, and has failed.

    Raises:
        FlowError: If one of them is not greater than 0.
    """

    #: Whether tasks run within this process, so that their own errors reach the caller of the flow.
    in_process: ClassVar[bool] = False

    concurrency: int = _records.field(default=1, validator=positive)
    timeout: float = _records.field(default=86400, validator=positive)
    _slots: weakref.WeakKeyDictionary[asyncio.AbstractEventLoop, asyncio.Semaphore] = _records.field(
        factory=weakref.WeakKeyDictionary, init=False, repr=False
    )

    async def submit(self, task: Task) -> None:
        """Run a task to its end, when fewer than `concurrency` others run.

        Args:
            task: The task.

        Raises:
            TaskError: If it fails.
        """
        import asyncio

        slots, pause = self._semaphore(), 0.0
        await slots.acquire()
        try:
            await self.run(task)
        except Exception:
            # The scheduler stops the siblings of a task that failed for good: none of them is to take its slot before.
            pause = _PAUSE
            raise
        finally:
            asyncio.get_running_loop().call_later(pause, slots.release)

    async def run(self, task: Task) -> None:
        """Run a task to its end: what a kind of executor defines.

        Args:
            task: The task.

        Raises:
            TaskError: If it fails.
        """
        raise FlowError(f"{type(self).__name__} is no kind of executor: use Process or Thread")

    def _semaphore(self) -> asyncio.Semaphore:
        """The slots of the running event loop: an executor may serve several runs, each in a loop of its own."""
        import asyncio

        return self._slots.setdefault(asyncio.get_running_loop(), asyncio.Semaphore(self._at_once()))

    def _at_once(self) -> int:
        """How many tasks this process runs at once."""
        return self.concurrency


class Raised(TaskError):  # noqa: N818 - how a task failed, not what
    """A task failed by an error that was raised in this process: its ``__cause__``, which reaches the flow's caller."""


def failure(task: Task, reason: str, **known: Any) -> TaskError:
    """The error of a failed task.

    Args:
        task: The task.
        reason: What happened, in a line.
        **known: What else is known, as `TaskError` takes it.
    """
    return _failure(TaskError, task, reason, known)


def raised(task: Task, error: BaseException, *, in_process: bool) -> TaskError:
    """The error of a task that failed by an error raised in this process.

    Args:
        task: The task.
        error: The error.
        in_process: Whether the error itself is to reach the flow's caller. What is no `Exception` would end more than
            the run, so it never does.
    """
    from laminar_runtime.failures import reports, tracebacks

    tracebacks.trim(error)
    reported = {"error_class": reports.class_name(error), "traceback": tracebacks.text(error)}
    if not (in_process and isinstance(error, Exception)):
        return _failure(TaskError, task, reports.reason_of(error), reported)
    failed = _failure(Raised, task, reports.reason_of(error), reported)
    failed.__cause__ = error
    return failed


def _failure(kind: type[TaskError], task: Task, reason: str, known: dict[str, Any]) -> TaskError:
    context = task.context
    return kind(
        reason,
        flow=context.flow,
        execution=context.execution,
        layer=context.layer,
        index=context.index,
        splits=context.splits,
        attempt=context.attempt,
        **known,
    )
