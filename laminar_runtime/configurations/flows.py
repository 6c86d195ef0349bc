"""How a flow runs."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import AbstractContextManager
from typing import Any, Protocol

from laminar_runtime.configurations.datastores import DataStore
from laminar_runtime.configurations.executors import Executor

__all__ = ["Configuration", "Engine"]


class Engine(Protocol):
    """What a flow asks of its scheduler."""

    def holding(self, *, execution: Any) -> AbstractContextManager[None]:
        """See to it that nobody else runs an execution while the ``with`` block does."""

    def run(self, *, execution: Any) -> None:
        """Run an execution: to its end, or, by a delegated scheduler, until it is started."""

    def check_new(self, *, execution: Any) -> None:
        """Refuse to run an execution under an id that the user gave, if it has results of an earlier run."""

    def wait_for(self, *, execution: Any, timeout: float | None) -> None:
        """Wait until an execution that was run ended."""

    def runs_next(self, *, execution: Any, flow: Any) -> bool:
        """Whether a flow is run anyway after an execution of another one, as its deployment has it."""

    def datastore(self, *, flow: Any) -> DataStore:
        """Where the artifacts of a flow are."""


class Configuration:
    """The datastore, executor and scheduler of a flow.

    Args:
        datastore: Where artifacts are kept.
        executor: What runs the tasks.
        scheduler: What decides when a layer runs.
        default: Makes the scheduler when it is first asked for, if none is given: a task needs none.
    """

    def __init__(
        self, datastore: DataStore, executor: Executor, scheduler: Engine | None, default: Callable[[], Engine]
    ) -> None:
        self.datastore = datastore
        self.executor = executor
        self._scheduler = scheduler
        self._default = default

    @property
    def scheduler(self) -> Engine:
        """What decides when a layer runs."""
        if self._scheduler is None:
            self._scheduler = self._default()
        return self._scheduler

    @scheduler.setter
    def scheduler(self, scheduler: Engine) -> None:
        self._scheduler = scheduler
