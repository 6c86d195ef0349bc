"""The local scheduler: runs a flow from this process. A layer starts as soon as all its dependencies have ended."""

from __future__ import annotations

import weakref
from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Any

from laminar_runtime import _records, stored_parameters
from laminar_runtime.blocks import block
from laminar_runtime.configurations.datastores import DataStore
from laminar_runtime.exceptions import SchedulerError, StartedBeforeError, StillRunningError
from laminar_runtime.layer import Layer, Parameters
from laminar_runtime.storage.layout import lock_key

if TYPE_CHECKING:
    import asyncio

    from laminar_runtime.execution import Execution
    from laminar_runtime.failures.record import Failures
    from laminar_runtime.flow import Flow

__all__ = ["Scheduler"]


@_records.define(eq=False)
class Scheduler:
    """Runs flows from this process. This is the default scheduler.

    Example:
        >>> from laminar_runtime import Flow
        >>> class Report(Flow): ...
        >>> Report(scheduler=Scheduler()).configuration.scheduler
        Scheduler()
    """

    _watches: weakref.WeakKeyDictionary[asyncio.AbstractEventLoop, Any] = _records.field(
        factory=weakref.WeakKeyDictionary, init=False, repr=False
    )

    @block
    def holding(self, *, execution: Execution) -> Iterator[None]:
        """Lock an execution in the ``with`` block, so that only one process of this machine runs it.

        Args:
            execution: The execution.

        Raises:
            StillRunningError: If another process, or another thread of this process, runs it.
        """
        key = execution.key("")
        with execution.datastore.transport.lock(lock_key(key.flow, key.execution)) as held:
            if not held:
                from laminar_runtime.configurations.schedulers import run_record  # for errors only

                raise StillRunningError(
                    f"execution {key.execution} of flow '{key.flow}' is already running in another process or thread "
                    "of this machine: wait for its end, or stop it, and resume it with "
                    f"{run_record.resume_words(execution)}"
                )
            yield

    def run(self, *, execution: Execution) -> None:
        """Run an execution to its end.

        Args:
            execution: The execution.

        Raises:
            ExecutionError: If a resumed execution was stopped before its parameters were stored.
            TimeLimitError: If it takes longer than its flow may.
            TaskError: If a layer fails.
            Exception: The layer's own error, unchanged, if its tasks run in this process.
        """
        from laminar_runtime.configurations.schedulers import local_run  # where a flow is deployed, none runs here

        local_run.run(execution, self._run_layers)

    def check_new(self, *, execution: Execution) -> None:
        """Check that an execution has no results, because finished splits and joins would not run again.

        Args:
            execution: The execution, whose id the user chose.

        Raises:
            StartedBeforeError: If it has results.
        """
        if execution.stored - {Parameters.__name__}:
            from laminar_runtime.configurations.schedulers import run_record  # for errors only

            msg = (
                f"execution {execution.id} of flow '{execution.flow_name}' already has results: resume it with "
                f"{run_record.resume_words(execution)}, or run the flow with another id"
            )
            raise StartedBeforeError(msg)

    def take_parameters(self, *, execution: Execution, parameters: Mapping[str, Any], chosen: bool) -> bool:
        """Store the parameters of a new execution.

        Args:
            execution: The execution.
            parameters: The parameters.
            chosen: Whether the user chose its id, which may have been used before.

        Returns:
            Whether it has no others.
        """
        if chosen:
            execution.take_input()
        return stored_parameters.offer(execution, parameters)

    def wait_for(self, *, execution: Execution, timeout: float | None) -> None:
        """Return at once: `run` returns after the end of an execution.

        Args:
            execution: The execution.
            timeout: The maximum wait in seconds.
        """

    def failures_of(self, *, execution: Execution, most: int, layer: str = "", index: int | None = None) -> Failures:
        """Return why an execution did not succeed: the records that its tasks left.

        Args:
            execution: The execution.
            most: How many failures are read.
            layer: The only layer that is asked for; empty for all.
            index: The only split of each layer that is asked for; None for all.
        """
        from laminar_runtime.storage import failures

        return failures.read(execution.datastore.transport, execution.key(layer), most=most, index=index)

    def runs_next(self, *, execution: Execution, flow: Flow) -> bool:
        """Return whether the engine itself runs a flow after an execution. The local scheduler does not.

        Args:
            execution: The execution.
            flow: The next flow of the chain.
        """
        return False

    def datastore(self, *, flow: Flow) -> DataStore:
        """Return the datastore of a flow: the configured one.

        Args:
            flow: The flow.
        """
        return flow.configuration.datastore

    def compile(self, *, execution: Execution) -> dict[str, Any]:
        """Return the layers of a flow and their dependencies.

        Args:
            execution: An execution of the flow.

        Returns:
            ``{"flow": name, "dependencies": {layer: [layer, ...]}}``, sorted.

        Raises:
            LayerError: If a type hint is missing or is not a layer of the flow.
        """
        dependencies = execution.flow.dependencies
        return {
            "flow": execution.flow.name,
            "dependencies": {name: sorted(dependencies[name]) for name in sorted(dependencies)},
        }

    def create(self, *, ir: dict[str, Any]) -> None:
        """Raise an error: the local scheduler creates no resources.

        Args:
            ir: The result of `compile`.

        Raises:
            SchedulerError: Always.
        """
        raise SchedulerError(
            f"flow '{ir.get('flow')}' is scheduled by this process, which creates no resources: call the flow"
        )

    def invoke(self) -> None:
        """Raise an error: the local scheduler runs a flow when it is called.

        Raises:
            SchedulerError: Always.
        """
        raise SchedulerError("this process schedules the flow: call the flow, for example flow()")

    async def _run_layers(self, execution: Execution) -> None:
        import asyncio

        from laminar_runtime.configurations.schedulers import event_loop
        from laminar_runtime.configurations.schedulers.order import Order

        dependencies = execution.flow.dependencies
        finished = {Parameters.__name__}
        left = set(dependencies) - finished
        # Only layers whose dependencies have all ended are checked: the cost of an end does not grow with the flow.
        order = Order(dependencies)
        pending = order.after(finished) - finished
        running: set[asyncio.Task[list[Layer]]] = set()
        try:
            while left or running:
                pending, runnable = self.runnable(dependencies=dependencies, pending=pending, finished=finished)
                left -= runnable
                runnable, ended = self.skippable(execution=execution, runnable=runnable, finished=finished)
                running = self.running(execution=execution, runnable=runnable, running=running)
                if len(ended) == len(finished) and running:
                    running, ended = await self.wait(
                        running=running, finished=finished, condition=asyncio.FIRST_COMPLETED
                    )
                elif len(ended) == len(finished) and left:
                    raise SchedulerError(_deadlock_message(execution, dependencies, left, finished))
                pending |= order.after(ended - finished)
                finished = ended
        finally:
            await event_loop.cancel(running)

    def runnable(
        self, *, dependencies: dict[str, set[str]], pending: set[str], finished: set[str]
    ) -> tuple[set[str], set[str]]:
        """Find the layers whose dependencies have ended.

        Args:
            dependencies: The layers that each layer depends on.
            pending: The layers that have not started.
            finished: The layers that have ended, including skipped layers.

        Returns:
            The layers that are still pending, and the layers that can run.
        """
        ready = {name for name in pending if dependencies[name] <= finished}
        return pending - ready, ready

    def skippable(self, *, execution: Execution, runnable: set[str], finished: set[str]) -> tuple[set[str], set[str]]:
        """Separate the layers that do not run: they finished before a resume, or are skipped.

        A layer with entry hooks is skipped if one of them returns a false value. Another layer is skipped if a layer
        that it depends on did not finish.

        Args:
            execution: The execution.
            runnable: The layers whose dependencies have ended.
            finished: The layers that have ended.

        Returns:
            The layers to run, and the layers that have ended.
        """
        from laminar_runtime import progress
        from laminar_runtime.tasks import entry_hooks

        done = {name for name in runnable if execution.retry and execution.layer(name).state.finished}
        skipped = done | {name for name in runnable - done if not entry_hooks.enters(execution, execution.layer(name))}
        for name in sorted(skipped):
            progress.current().skip(name, "finished before" if name in done else "skipped")
        return (runnable - skipped, finished | skipped) if skipped else (runnable, finished)

    def running(
        self, *, execution: Execution, runnable: set[str], running: set[asyncio.Task[list[Layer]]]
    ) -> set[asyncio.Task[list[Layer]]]:
        """Start layers.

        Args:
            execution: The execution.
            runnable: The layers to run.
            running: The tasks of the layers that are running.

        Returns:
            All tasks.
        """
        import asyncio

        started = {asyncio.create_task(self.schedule(layer=execution.layer(name))) for name in sorted(runnable)}
        return running | started

    async def schedule(self, *, layer: Layer, attempt: int = 1) -> list[Layer]:
        """Run a layer, with all its splits and attempts.

        Args:
            layer: A layer of an execution.
            attempt: The first attempt, from 1.

        Returns:
            The layer's splits, or the layer itself if it has none.

        Raises:
            TaskError: If a split failed on its last attempt, and the fan-out does not tolerate it. The other splits are
                stopped.
        """
        from laminar_runtime.configurations.schedulers import local_run

        execution = _execution(layer)
        return await local_run.run_layer(layer, execution, attempt)

    async def wait(
        self, *, running: set[asyncio.Task[list[Layer]]], finished: set[str], condition: str
    ) -> tuple[set[asyncio.Task[list[Layer]]], set[str]]:
        """Wait for layers.

        Args:
            running: The tasks of the layers that are running.
            finished: The layers that have ended.
            condition: A condition of `asyncio.wait`, for example ``asyncio.FIRST_COMPLETED``.

        Returns:
            The tasks that are still running, and the layers that have ended.

        Raises:
            TaskError: If a layer failed.
        """
        import asyncio

        if condition == asyncio.FIRST_COMPLETED:
            done = await self._watch().first(running)
        else:
            done, _ = await asyncio.wait(running, return_when=condition)
        ended = {layer.name for ending in done for layer in ending.result()}
        return running - done, finished | ended

    def _watch(self) -> Any:
        """Return the watch of the running event loop: a scheduler may serve several runs, each with its own loop."""
        import asyncio

        from laminar_runtime.configurations.schedulers import event_loop

        loop = asyncio.get_running_loop()
        if loop not in self._watches:
            self._watches[loop] = event_loop.Watch()
        return self._watches[loop]


def _execution(layer: Layer) -> Execution:
    execution: Execution | None = vars(layer).get("execution")
    if execution is None:
        raise SchedulerError(f"layer '{layer.name}' has no execution: get it from execution.layer(...)")
    return execution


def _deadlock_message(
    execution: Execution, dependencies: dict[str, set[str]], pending: set[str], finished: set[str]
) -> str:
    waits = "; ".join(
        f"{name} waits for {', '.join(sorted(dependencies[name] - finished))}" for name in sorted(pending)
    )
    return f"flow '{execution.flow.name}' cannot continue: {waits}"
