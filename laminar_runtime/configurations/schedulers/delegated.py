"""Schedulers that hand a flow to another engine."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from typing import TYPE_CHECKING

from laminar_runtime import _records
from laminar_runtime.configurations.schedulers.base import Scheduler

if TYPE_CHECKING:
    from laminar_runtime.execution import Execution

__all__ = ["Delegated"]


@_records.define(eq=False)
class Delegated(Scheduler):
    """Base of the schedulers that only start an execution: another engine runs it, and this process need not wait."""

    @contextlib.contextmanager
    def holding(self, *, execution: Execution) -> Iterator[None]:
        """Leave it to the engine, which runs an execution once.

        Args:
            execution: The execution.
        """
        yield

    def check_new(self, *, execution: Execution) -> None:
        """Leave it to the engine, which knows the ids that it ran.

        Args:
            execution: The execution.
        """
