"""The base of schedulers that start a flow on another engine."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from laminar_runtime import _records
from laminar_runtime.blocks import block
from laminar_runtime.configurations.schedulers.base import Scheduler

if TYPE_CHECKING:
    from laminar_runtime.execution import Execution

__all__ = ["Delegated"]


@_records.define(eq=False)
class Delegated(Scheduler):
    """Base of schedulers that only start an execution. Another engine runs it, and this process need not wait.

    Example:
        `AWS.StepFunctions` is one: `wait` blocks until the execution ends::

            execution = Report(scheduler=schedulers.AWS.StepFunctions())()
            execution.wait(timeout=600)
    """

    @block
    def holding(self, *, execution: Execution) -> Iterator[None]:
        """Do nothing: the engine itself runs an execution only once.

        Args:
            execution: The execution.
        """
        yield

    def check_new(self, *, execution: Execution) -> None:
        """Do nothing: the engine itself refuses an id that was used before.

        Args:
            execution: The execution.
        """
