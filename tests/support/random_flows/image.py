"""The image of a deployed flow: what its tasks and its planner do, in this process."""

from __future__ import annotations

import contextlib
import io
import itertools
import json
import os
from collections.abc import Callable, Iterator, Mapping
from typing import Any

import attrs

from laminar_runtime import Flow, _records, indexes, plan_layer, run_task, task_environment
from laminar_runtime.configurations import datastores
from laminar_runtime.configurations.failures import FINAL
from laminar_runtime.exceptions import LaminarError
from laminar_runtime.execution import Execution
from laminar_runtime.launching import open_execution
from laminar_runtime.planner import planner
from laminar_runtime.splits import fanout
from laminar_runtime.splits.claims import Claims
from laminar_runtime.storage.claims import Owner
from laminar_runtime.storage.layout import LayerKey
from laminar_runtime.task_environment import TaskContext
from laminar_runtime.tasks import attempts, entry_hooks, entry_notes, task
from laminar_runtime.tasks.pack import PackRun
from laminar_runtime.tasks.pack_process import packed_layers
from laminar_runtime.tasks.worker import Ending, Worker
from tests.support.random_flows.behaviour import Memory
from tests.support.random_flows.loading import deployable
from tests.support.random_flows.outcomes import Job, Task
from tests.support.random_flows.spec import FlowSpec

__all__ = ["Image", "InvocationError"]

#: The variables of a child that claims splits, which its splits do not have.
_OF_CHILD = {task_environment.LAYER_CLAIMS, task_environment.LAYER_INDEXES}


class InvocationError(Exception):
    """A function failed.

    Args:
        error: The name of its error.
        layer: The layer that it was asked for.
        message: Its message.
    """

    def __init__(self, error: str, layer: str, message: str) -> None:
        super().__init__(message)
        self.error, self.layer = error, layer
        self.cause = json.dumps({"errorMessage": message, "errorType": error}, separators=(",", ":"))


@attrs.define
class Image:
    """An image, the datastore that its tasks use, and notes on their work.

    Args:
        spec: The flow in it.
        world: The world outside of the flow.
        jobs: The containers of the tasks that had something to do.
        failed: The splits of which an attempt failed, in order.
    """

    spec: FlowSpec
    world: Memory = attrs.field(factory=Memory)
    jobs: dict[Task, Job] = attrs.field(factory=dict)
    failed: list[tuple[str, int]] = attrs.field(factory=list)
    flow: Flow = attrs.field(init=False)

    @flow.default
    def _make_flow(self) -> Flow:
        return deployable(self.spec, self.world)

    @property
    def store(self) -> datastores.Memory:
        """The datastore."""
        assert isinstance(self.flow.datastore, datastores.Memory)
        return self.flow.datastore

    def forget(self) -> None:
        """Begin the notes anew."""
        for notes in (self.world.calls, self.jobs, self.failed):
            notes.clear()

    def invoke(self, function: str, request: Mapping[str, Any]) -> Any:
        """Invoke a function: the planner, or one that runs tasks.

        Args:
            function: The reference to it.
            request: Its input.

        Returns:
            Its answer.

        Raises:
            InvocationError: If it fails.
        """
        if function.startswith("aws_lambda_function.planner"):
            return self._plan(request)
        if self.attempt(run_task.variables_of({**request}), None):
            raise InvocationError("RuntimeError", request["layer"], "it failed")
        return {}

    def attempt(self, environment: Mapping[str, str], job: Job | None) -> int:
        """Run a task, in a container of AWS Batch if so, as `laminar_runtime.flow.Flow` does in a process.

        Returns:
            The exit code.
        """
        assert all(isinstance(text, str) for text in environment.values())
        context = TaskContext.parse({**environment, task_environment.FLOW_NAME: self.spec.name})
        assert context is not None
        if context.claims:
            return self._share(environment, context, job)
        if task_environment.PACK in environment:
            return self._pack(environment, context)
        context = fanout.resolve_index(self.store, context)
        finished = task.has_finished(self.store, LayerKey(context.flow, context.execution, context.layer), context)
        attempts._code = 1  # a process begins
        execution = open_execution(self.flow, context)
        fields = {"index": context.index, "splits": context.splits, "attempt": context.attempt}
        if task_environment.DECIDES in environment:
            code = self._decide(execution, context)
            if code is not None:
                return code
        try:
            task.run_layer(execution, execution.layer(context.layer, **fields), context)
        except Exception:  # noqa: BLE001 - whatever it raises, the process ends with an exit code
            self.failed.append((context.layer, context.index))
            return attempts.exit_code()
        finally:
            if job is not None and not finished:
                # A run leaves the number of its attempt in the environment of its process.
                number = int(os.environ[task_environment.LAYER_ATTEMPT]) if context.run else context.attempt
                self.jobs[context.layer, context.index, number] = job
        return 0

    def _decide(self, execution: Execution, context: TaskContext) -> int | None:
        """Return the exit code of a layer of a pack that does not run: see `laminar_runtime.tasks.pack_process`."""
        layer = execution.layer(context.layer)
        try:
            enters = entry_notes.decide(
                self.store,
                execution.key(layer),
                context.drive,
                lambda: entry_hooks.check_and_enter(execution, layer),
            )
        except LaminarError:
            return FINAL
        return None if enters else 0

    def _share(self, environment: Mapping[str, str], context: TaskContext, job: Job | None) -> int:
        """Run splits as a child that claims them: see `laminar_runtime.tasks.worker_process`."""
        child, key, store = environment[task_environment.BATCH_JOB], context.key, self.store
        spelled = environment[task_environment.LAYER_INDEXES]
        if spelled.startswith("@"):
            spelled = store.transport.get(key.index_list(spelled[1:])).decode()
        claims = Claims(
            store.transport,
            key.claims(context.claims, context.drive, child.partition(":")[0]),
            owner=Owner(child),
            splits=indexes.parse(spelled),
            place=int(environment.get(task_environment.BATCH_INDEX, "0")),
            children=int(context.claims.rpartition(".")[2]),
        )
        claims.leave_out(store.ledger.finished_splits(key, splits=context.splits))
        own = {name: text for name, text in environment.items() if name not in _OF_CHILD}
        named = environment.get(task_environment.LAYER_ATTEMPT)

        def run(index: int, attempt: int) -> Ending:
            split = {task_environment.LAYER_INDEX: str(index), task_environment.LAYER_ATTEMPT: str(attempt)}
            return Ending(self.attempt({**own, **split}, job))

        worker = Worker(
            claims=claims,
            run=run,
            is_finished=lambda index: store.ledger.read_split(key, index=index) is not None,
            pause=lambda _: None,
            transport=store.transport,
            key=key,
            drive=context.drive,
            job=f"{child.partition(':')[0]}.1",
            retry=self.flow.registry[context.layer].configuration.retry,
            attempt=int(named) if named else None,
        )
        with contextlib.redirect_stdout(io.StringIO()):
            return 0 if worker.work() else FINAL

    def _pack(self, environment: Mapping[str, str], context: TaskContext) -> int:
        """Run the layers of a job that has several, one after the other: see `laminar_runtime.tasks.pack_process`."""
        cpu, memory, names = task_environment.parse_pack(environment[task_environment.PACK])
        start = environment[task_environment.BATCH_ATTEMPT]
        own = {name: text for name, text in environment.items() if name != task_environment.PACK}
        processes = _InTurn(lambda variables: self.attempt({**own, **variables}, None))
        run = f"{environment[task_environment.BATCH_JOB]}.{start}"
        layers = packed_layers(open_execution(self.flow, context), context, names, run)
        pack = PackRun(
            layers=[_records.evolve(layer, record=lambda *_: None) for layer in layers],
            cpu=cpu,
            memory=memory,
            processes=processes,
            send=lambda *_: None,
            clock=lambda: processes.now,
        )
        with contextlib.redirect_stdout(io.StringIO()):
            return 0 if pack.run(restarted=start != "1" or context.retry) else FINAL

    def _plan(self, request: Mapping[str, Any]) -> Any:
        if "record" in request:
            return self._record(request)
        asked = TaskContext(execution=request["execution"], flow=self.spec.name, layer=request["layer"])
        context = TaskContext.parse(asked.environment())
        assert context is not None
        try:
            asks = {**request, "drive": context.drive}
            plan = planner.plan_of(open_execution(self.flow, context), context.layer, asks)
        except LaminarError as error:
            raise InvocationError(type(error).__name__, context.layer, str(error)) from error
        return json.loads(json.dumps(_records.plain(plan)))

    def _record(self, request: Mapping[str, Any]) -> Any:
        asked = TaskContext(execution=request["execution"], flow=self.spec.name, layer=request["layer"])
        context = TaskContext.parse(asked.environment())
        assert context is not None
        key = LayerKey(context.flow, context.execution, context.layer)
        try:
            plan_layer.record(self.store, key, drive=context.drive, **request["record"])
        except LaminarError as error:
            raise InvocationError(type(error).__name__, context.layer, str(error)) from error
        return {}


@attrs.define
class _InTurn:
    """The processes of a pack: each runs when its end is waited for.

    Args:
        run: Runs a process with variables, and returns its exit code.
        now: The virtual time.
    """

    run: Callable[[Mapping[str, str]], int]
    now: float = 0
    started: dict[int, Mapping[str, str]] = attrs.field(factory=dict)
    _numbers: Iterator[int] = attrs.field(factory=itertools.count)

    def start(self, variables: Mapping[str, str]) -> int:
        """Start a process."""
        number = next(self._numbers)
        self.started[number] = variables
        return number

    def wait(self, seconds: float) -> tuple[int, int] | None:
        """Wait for the end of a process."""
        if not self.started:
            self.now += seconds
            return None
        number = next(iter(self.started))
        return number, self.run(self.started.pop(number))
