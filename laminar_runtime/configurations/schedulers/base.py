"""The local scheduler: runs a flow from this process, layer by layer, each as soon as what it depends on has ended."""

from __future__ import annotations

import contextlib
import time
import weakref
from collections.abc import Coroutine, Iterator
from typing import TYPE_CHECKING, Any

from laminar_runtime import _records, progress, task_environment
from laminar_runtime.configurations.datastores import DataStore
from laminar_runtime.configurations.executors.base import Raised
from laminar_runtime.configurations.schedulers import event_loop
from laminar_runtime.configurations.schedulers.attempts import run_split
from laminar_runtime.configurations.schedulers.order import Order
from laminar_runtime.exceptions import ExecutionError, LaminarError, SchedulerError
from laminar_runtime.failures import tracebacks
from laminar_runtime.layer import Layer, Parameters
from laminar_runtime.planner import entry_hooks
from laminar_runtime.splits import fanout
from laminar_runtime.storage.layout import lock_key

if TYPE_CHECKING:
    import asyncio

    from laminar_runtime.execution import Execution
    from laminar_runtime.flow import Flow

__all__ = ["Scheduler"]


@_records.define(eq=False)
class Scheduler:
    """Runs flows from this process."""

    _watches: weakref.WeakKeyDictionary[asyncio.AbstractEventLoop, event_loop.Watch] = _records.field(
        factory=weakref.WeakKeyDictionary, init=False, repr=False
    )

    @contextlib.contextmanager
    def holding(self, *, execution: Execution) -> Iterator[None]:
        """Hold an execution while the ``with`` block runs: on this machine one process runs it.

        Args:
            execution: The execution.

        Raises:
            ExecutionError: If another process runs it, or another thread of this one.
        """
        key = execution.key("")
        with execution.datastore.transport.lock(lock_key(key.flow, key.execution)) as held:
            if not held:
                raise ExecutionError(
                    f"execution {key.execution} of flow '{key.flow}' is being run already, by another process or thread"
                    f" of this machine: wait for its end, or end it, and go on with what is left by "
                    f"flow.execution('{key.execution}').resume()"
                )
            yield

    def run(self, *, execution: Execution) -> None:
        """Run an execution to its end.

        Args:
            execution: The execution.

        Raises:
            ExecutionError: If it is to be resumed, but was stopped before its parameters were stored.
            TaskError: If a layer fails.
            Exception: What the layer raised, as it is, if its tasks run within this process.
        """
        if execution.retry:
            _check_begun(execution)
        # A layer of another flow may have started this one: hooks and schedulers are outside its task.
        with task_environment.outside():
            error = _ended(execution, self._loop(execution))
        if error is not None:
            raise error

    def check_new(self, *, execution: Execution) -> None:
        """Refuse to run an execution that has results: those of finished splits and joins would be taken for new ones.

        Args:
            execution: The execution, of an id that the user gave.

        Raises:
            ExecutionError: If something of it was stored before.
        """
        if execution.stored - {Parameters.__name__}:
            msg = (
                f"execution {execution.id} of flow '{execution.flow_name}' has results already: go on with it by "
                f"flow.execution('{execution.id}').resume(), or run the flow under another id"
            )
            raise ExecutionError(msg)

    def wait_for(self, *, execution: Execution, timeout: float | None) -> None:
        """Return at once: an execution that was run has ended.

        Args:
            execution: The execution.
            timeout: Seconds to wait at most.
        """

    def runs_next(self, *, execution: Execution, flow: Flow) -> bool:
        """Whether a flow is run anyway after an execution: here it is not.

        Args:
            execution: The execution.
            flow: The flow that is to follow.
        """
        return False

    def datastore(self, *, flow: Flow) -> DataStore:
        """Where the artifacts of a flow are: where it is configured to keep them.

        Args:
            flow: The flow.
        """
        return flow.configuration.datastore

    def compile(self, *, execution: Execution) -> dict[str, Any]:
        """What this scheduler goes by: the layers, each with those that it depends on.

        Args:
            execution: An execution of the flow.

        Returns:
            ``{"flow": name, "dependencies": {layer: [layer, ...]}}``, sorted.
        """
        dependencies = execution.flow.dependencies
        return {
            "flow": execution.flow.name,
            "dependencies": {name: sorted(dependencies[name]) for name in sorted(dependencies)},
        }

    def create(self, *, ir: dict[str, Any]) -> None:
        """Refuse: this scheduler runs flows itself, and there is nothing to create.

        Args:
            ir: What `compile` gave.

        Raises:
            SchedulerError: Always.
        """
        raise SchedulerError(
            f"flow '{ir.get('flow')}' is scheduled by this process: there is nothing to create. Call it"
        )

    def invoke(self) -> None:
        """Refuse: this scheduler runs flows itself.

        Raises:
            SchedulerError: Always.
        """
        raise SchedulerError("this process schedules the flow itself: call it, as in flow()")

    async def _loop(self, execution: Execution) -> None:
        with event_loop.stoppable(), progress.showing(_title(execution)):
            await self._run_layers(execution)

    async def _run_layers(self, execution: Execution) -> None:
        import asyncio

        dependencies = execution.flow.dependencies
        finished = {Parameters.__name__}
        left = set(dependencies) - finished
        # Only layers that all they depend on has ended of are looked at: an end costs the same in a flow of any size.
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
                    raise SchedulerError(_stuck(execution, dependencies, left, finished))
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
            pending: The layers that have not been started.
            finished: The layers that have ended, the skipped ones among them.

        Returns:
            The layers still pending, and the runnable ones.
        """
        ready = {name for name in pending if dependencies[name] <= finished}
        return pending - ready, ready

    def skippable(self, *, execution: Execution, runnable: set[str], finished: set[str]) -> tuple[set[str], set[str]]:
        """Take out the layers that must not run: finished before a resume, or skipped.

        A layer with entry hooks is skipped if one of them returns what is false; one without if a layer that it depends
        on did not finish.

        Args:
            execution: The execution.
            runnable: The layers whose dependencies have ended.
            finished: The layers that have ended.

        Returns:
            The layers to run, and the layers that have ended.
        """
        done = {name for name in runnable if execution.retry and execution.layer(name).state.finished}
        skipped = done | {name for name in runnable - done if not entry_hooks.enters(execution, execution.layer(name))}
        for name in sorted(skipped):
            progress.current().skip(name, "finished before" if name in done else "skipped")
        return (runnable - skipped, finished | skipped) if skipped else (runnable, finished)

    def running(
        self, *, execution: Execution, runnable: set[str], running: set[asyncio.Task[list[Layer]]]
    ) -> set[asyncio.Task[list[Layer]]]:
        """Schedule layers.

        Args:
            execution: The execution.
            runnable: The layers to run.
            running: The tasks of the layers that run already.

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
            attempt: The attempt to begin with, from 1.

        Returns:
            The layer's splits, or the layer itself if it has none.

        Raises:
            TaskError: If a split failed for good. Its siblings are stopped.
        """
        import asyncio

        execution = _execution(layer)
        key, store = execution.key(layer), execution.datastore
        started = time.monotonic()
        splits = fanout.count(store, key, layer.configuration.foreach)
        view = progress.current()
        view.begin(layer.name, splits)
        tasks = [asyncio.create_task(run_split(layer, index, splits, attempt)) for index in range(splits)]
        try:
            done = await asyncio.gather(*tasks)
        except BaseException as error:
            view.end(layer.name, "failed" if isinstance(error, Exception) else "stopped")
            raise
        finally:
            await event_loop.cancel(set(tasks))
        if splits != 1:
            store.ledger.write_record(key, splits=splits, seconds=round(time.monotonic() - started, 3))
        view.end(layer.name, "finished")
        return list(done) or [layer]

    async def wait(
        self, *, running: set[asyncio.Task[list[Layer]]], finished: set[str], condition: str
    ) -> tuple[set[asyncio.Task[list[Layer]]], set[str]]:
        """Wait for layers.

        Args:
            running: The tasks of the layers that run.
            finished: The layers that have ended.
            condition: One of asyncio's, such as ``asyncio.FIRST_COMPLETED``.

        Returns:
            The tasks that still run, and the layers that have ended.

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

    def _watch(self) -> event_loop.Watch:
        """What tells of the ends in the running event loop: a scheduler may serve several runs, each in its own."""
        import asyncio

        loop = asyncio.get_running_loop()
        if loop not in self._watches:
            self._watches[loop] = event_loop.Watch()
        return self._watches[loop]


def _ended(execution: Execution, loop: Coroutine[Any, Any, None]) -> Exception | None:
    """Run the event loop of an execution.

    Returns:
        The error that ended it, if any, with a note that says how to go on. It is handed over, and not raised on, so
        that none of what the loop went through stands in its traceback.
    """
    try:
        event_loop.run(loop)
    except Raised as failed:
        error = failed.__cause__
        assert isinstance(error, Exception)  # noqa: S101 - for mypy: it was made so
        _note(error, failed.place, _resuming(execution))
        return error
    except LaminarError as failed:
        _note(failed, _resuming(execution))
        return failed.with_traceback(None)
    except (KeyboardInterrupt, SystemExit):
        progress.warn(f"{_title(execution)} was stopped. {_resuming(execution)}")
        raise
    return None


def _title(execution: Execution) -> str:
    return f"flow {execution.flow_name}: execution {execution.id}"


def _resuming(execution: Execution) -> str:
    return f'Go on with it by flow.execution("{execution.id}").resume()'


def _note(error: Exception, *lines: str) -> None:
    """Put lines on an error, in place of those that an earlier run put on the same one."""
    if notes := getattr(error, "__notes__", None):
        notes[:] = [note for note in notes if not isinstance(note, tracebacks.Note)]
    for line in lines:
        error.add_note(tracebacks.Note(line))


def _check_begun(execution: Execution) -> None:
    """Refuse to resume what never began: with half of its parameters it would give other results, or fail."""
    begun = execution.layer(Parameters).state.finished or execution.stored - {Parameters.__name__}
    if begun or execution.take_input():
        return
    msg = (
        f"execution {execution.id} of flow '{execution.flow_name}' was stopped before its parameters were stored: "
        f"there is nothing to resume. Run it again, as in flow('{execution.id}', ...)"
    )
    raise ExecutionError(msg)


def _execution(layer: Layer) -> Execution:
    execution: Execution | None = vars(layer).get("execution")
    if execution is None:
        raise SchedulerError(f"layer '{layer.name}' belongs to no execution: take it from execution.layer(...)")
    return execution


def _stuck(execution: Execution, dependencies: dict[str, set[str]], pending: set[str], finished: set[str]) -> str:
    waits = "; ".join(
        f"{name} waits for {', '.join(sorted(dependencies[name] - finished))}" for name in sorted(pending)
    )
    return f"flow '{execution.flow.name}' cannot go on: {waits}"
