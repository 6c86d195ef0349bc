"""The configuration of a flow: its datastore, executor and scheduler, its time limit, the container of its layers."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from laminar_runtime.configurations.containers import Container
from laminar_runtime.configurations.datastores import DataStore
from laminar_runtime.configurations.executors import Executor

if TYPE_CHECKING:
    from laminar_runtime.configurations.schedulers import Scheduler

__all__ = ["Configuration"]


class Configuration:
    """The datastore, executor and scheduler of a flow, and the container that its layers refine.

    Args:
        datastore: The store of the artifacts.
        executor: Runs the tasks.
        scheduler: Decides when a layer runs. The default is the local scheduler. A task needs no scheduler, so the
            default is loaded on use.
        container: The container that layers refine; None for the defaults of `Container`.
        timeout: Seconds after which an execution is ended; None for no limit.
    """

    def __init__(
        self,
        datastore: DataStore,
        executor: Executor,
        scheduler: Scheduler | None,
        container: Container | None = None,
        timeout: float | None = None,
    ) -> None:
        self.datastore = datastore
        self.executor = executor
        self.container = container
        self.timeout = timeout
        #: The layers as registered, each with its definition for this container: made once for each registration.
        self.definitions: dict[str, tuple[Any, Any]] = {}
        self._scheduler = scheduler

    @property
    def scheduler(self) -> Scheduler:
        """The scheduler: it decides when a layer runs."""
        if self._scheduler is None:
            from laminar_runtime.configurations.schedulers import Scheduler

            self._scheduler = Scheduler()
        return self._scheduler

    @scheduler.setter
    def scheduler(self, scheduler: Scheduler) -> None:
        self._scheduler = scheduler
