"""The configuration of a flow: its datastore, executor and scheduler, its time limit, the container of its layers."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from laminar_runtime.configurations.containers import Container
from laminar_runtime.configurations.datastores import DataStore

if TYPE_CHECKING:
    from laminar_runtime.configurations.executors import Executor
    from laminar_runtime.configurations.schedulers import Scheduler

__all__ = ["Configuration"]


class Configuration:
    """The datastore, executor and scheduler of a flow, and the container that its layers refine.

    Args:
        datastore: The store of the artifacts.
        executor: Runs the tasks. The default is `executors.Process`.
        scheduler: Decides when a layer runs. The default is the local scheduler. A task needs neither an executor nor a
            scheduler, so the defaults are loaded on use.
        container: The container that layers refine; None for the defaults of `Container`.
        timeout: Seconds after which an execution is ended; None for no limit.
    """

    def __init__(
        self,
        datastore: DataStore,
        executor: Executor | None,
        scheduler: Scheduler | None,
        container: Container | None = None,
        timeout: float | None = None,
    ) -> None:
        self.datastore = datastore
        self.container = container
        self.timeout = timeout
        #: The layers as registered, each with its definition for this container: made once for each registration.
        self.definitions: dict[str, tuple[Any, Any]] = {}
        self._executor = executor
        self._scheduler = scheduler

    @property
    def executor(self) -> Executor:
        """The executor: it runs the tasks of layers without an executor of their own."""
        if self._executor is None:
            from laminar_runtime.configurations.executors import Process

            self._executor = Process()
        return self._executor

    @executor.setter
    def executor(self, executor: Executor) -> None:
        self._executor = executor

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
