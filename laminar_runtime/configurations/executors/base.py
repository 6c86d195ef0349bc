"""The base of executors. Each kind of executor defines how it runs one task."""

from __future__ import annotations

import weakref
from typing import TYPE_CHECKING, Any, ClassVar, Literal

from laminar_runtime import _records
from laminar_runtime.configurations.executors.tasks import Task
from laminar_runtime.configurations.layers import Container
from laminar_runtime.exceptions import FlowError, TaskError

if TYPE_CHECKING:
    import asyncio

__all__ = ["TASK_SECONDS", "Executor", "Raised", "failure", "failure_by", "positive"]

#: Seconds after which a task is stopped, if its executor has no timeout of its own.
TASK_SECONDS = 86_400

#: Seconds for which a failed task keeps its slot.
_PAUSE = 0.05


def positive(_: object, attribute: _records.Field, value: Any) -> None:
    """Validate that an argument of an executor is a positive number.

    Raises:
        FlowError: If it is not.
    """
    if not isinstance(value, int | float) or value <= 0:
        raise FlowError(f"an executor's {attribute.name} must be greater than 0, not {value!r}")


@_records.define(eq=False, notes_given=True)
class Executor:
    """Base of all executors.

    Args:
        concurrency: The maximum number of concurrent tasks.
        timeout: Seconds after which a task is stopped and fails.

    Raises:
        FlowError: If a number is not greater than 0.

    Example:
        A layer with an executor of its own, of which four tasks run at a time::

            @Report.register(executor=executors.Process(concurrency=4))
            class Train(Layer): ...
    """

    #: Whether tasks run in this process, so that their own errors reach the caller of the flow.
    in_process: ClassVar[bool] = False
    #: The service that runs the tasks of a deployed layer.
    service: ClassVar[str] = "AWS Batch"
    #: The fields of a container that hooks of a deployed layer may change, because each task can have its own, and what
    #: is said of a change of another field, behind "which".
    overridable: ClassVar[tuple[str, ...]] = ("command", "cpu", "memory", "workdir")
    fixed: ClassVar[str] = f"an AWS Batch job cannot override: hooks may change only {', '.join(overridable)}"
    #: The most splits of a deployed layer, None without a limit.
    most_splits: ClassVar[int | None] = None
    #: Whether a job of a deployed layer that limits its splits shares them by `laminar_runtime.splits.claims`.
    claims_splits: ClassVar[bool] = True

    concurrency: int = _records.field(default=1, validator=positive)
    timeout: float = _records.field(default=TASK_SECONDS, validator=positive)
    _slots: weakref.WeakKeyDictionary[asyncio.AbstractEventLoop, asyncio.Semaphore] = _records.field(
        factory=weakref.WeakKeyDictionary, init=False, repr=False
    )

    def overrides(self, container: Container) -> dict[str, Any]:
        """Return what a deployed task is given of its container: as an AWS Batch job on Fargate, which is the default.

        Args:
            container: The container after the hooks.

        Raises:
            LayerError: If there is no such size.
        """
        from laminar_runtime.splits import job_container

        return job_container.job_overrides(container, job_container.deployed_size(container, "FARGATE"))

    def finds_volumes(self) -> Literal["folder", "mount", "aws"]:
        """Return where tasks find volumes: in folders of this machine, at mount points for these, or on AWS."""
        return "folder"

    def ignores(self) -> frozenset[str]:
        """Return the fields of a container that tasks on this machine do not have. A run names those that are set."""
        return frozenset()

    async def submit(self, task: Task) -> None:
        """Run a task to its end, after waiting until fewer than `concurrency` other tasks run.

        Args:
            task: The task.

        Raises:
            TaskError: If the task fails.
        """
        import asyncio

        from laminar_runtime.storage import attempt_times

        slots, pause = self._semaphore(), 0.0
        await slots.acquire()
        if (watch := attempt_times.current()) is not None:
            watch.start()
        try:
            await self.run(task)
        except Exception:
            # After the last attempt the scheduler stops the sibling tasks: until then none of them may take the slot.
            pause = _PAUSE
            raise
        finally:
            asyncio.get_running_loop().call_later(pause, slots.release)

    async def run(self, task: Task) -> None:
        """Run a task to its end. Each kind of executor defines it.

        Args:
            task: The task.

        Raises:
            TaskError: If the task fails.
        """
        raise FlowError(f"{type(self).__name__} cannot run tasks: use a subclass, for example Process or Thread")

    def _semaphore(self) -> asyncio.Semaphore:
        """Return the semaphore of the running event loop: each run that an executor serves has its own loop."""
        import asyncio

        return self._slots.setdefault(asyncio.get_running_loop(), asyncio.Semaphore(self._at_once()))

    def _at_once(self) -> int:
        """Return the maximum number of tasks that this process runs at the same time."""
        return self.concurrency


class Raised(TaskError):  # noqa: N818 - it is only a carrier of the cause
    """A task in this process failed. Its ``__cause__`` is the user's error, which reaches the flow's caller."""


def failure(task: Task, reason: str, **known: Any) -> TaskError:
    """Return the error of a failed task.

    Args:
        task: The task.
        reason: What happened, in one line.
        **known: More arguments of `TaskError`.
    """
    return _failure(TaskError, task, reason, known)


def failure_by(task: Task, error: BaseException, *, in_process: bool) -> TaskError:
    """Return the error of a failed task, given the error that was raised in this process.

    Args:
        task: The task.
        error: The error.
        in_process: Whether the error itself reaches the flow's caller. This applies to an `Exception` only: another
            error would end more than the run.
    """
    from laminar_runtime.failures import reports, tracebacks

    tracebacks.trim(error)
    reported: dict[str, Any] = reports.Report.of(error).facts
    if isinstance(error, SystemExit) and isinstance(error.code, int):
        reported["exit_code"] = error.code
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
