"""Runs a random flow by the local scheduler."""

from __future__ import annotations

import shlex
from typing import ClassVar

import attrs

from laminar_runtime import Flow
from laminar_runtime.configurations import datastores, executors
from laminar_runtime.configurations.containers import DEFAULT_WORKDIR
from laminar_runtime.configurations.executors.tasks import Task
from laminar_runtime.exceptions import LaminarError, TaskError
from laminar_runtime.splits.job_container import fargate_size, job_command, job_resources
from tests.support.random_flows.behaviour import Memory
from tests.support.random_flows.loading import flow_of
from tests.support.random_flows.outcomes import EXECUTION, Job, Outcome, results_of
from tests.support.random_flows.spec import FlowSpec

__all__ = ["Local"]


class _Noting(executors.Thread):
    """Runs tasks in threads, and takes note of their containers, but for those of functions."""

    # A failure is reported as one of another process: with its place.
    in_process: ClassVar[bool] = False

    def __init__(self, concurrency: int, invoked: frozenset[str]) -> None:
        super().__init__(concurrency=concurrency)
        self.invoked = invoked
        self.jobs: dict[tuple[str, int, int], Job] = {}

    async def run(self, task: Task) -> None:
        """Run a task in a thread."""
        context, container = task.context, task.container
        size = fargate_size(container.cpu, container.memory)
        assert size is not None
        assert container.workdir == DEFAULT_WORKDIR
        command = tuple(job_command(shlex.split(container.command), None))
        if context.layer not in self.invoked:
            self.jobs[context.layer, context.index, context.attempt] = Job(command, job_resources(*size))
        await super().run(task)


@attrs.define
class Local:
    """A flow, run by the local scheduler.

    Args:
        spec: The flow.
        concurrency: The number of tasks at once.
    """

    spec: FlowSpec
    concurrency: int
    world: Memory = attrs.field(factory=Memory)
    _executor: _Noting = attrs.field(init=False)
    _flow: Flow = attrs.field(init=False)
    _runs: int = attrs.field(default=0, init=False)

    @_executor.default
    def _make_executor(self) -> _Noting:
        invoked = frozenset(layer.name for layer in self.spec.layers if layer.on_lambda)
        # Siblings of a task that fails run on in their threads: here there are none.
        return _Noting(concurrency=1 if self.spec.troubles else self.concurrency, invoked=invoked)

    @_flow.default
    def _make_flow(self) -> Flow:
        return flow_of(self.spec, self.world, self._executor)

    @property
    def _store(self) -> datastores.Memory:
        assert isinstance(self._flow.datastore, datastores.Memory)
        return self._flow.datastore

    def run(self) -> Outcome:
        """Run the flow, or resume it if it was run."""
        before = results_of(self.spec.name, self._store).splits
        self.world.calls.clear()
        self._executor.jobs.clear()
        error: LaminarError | None = None
        try:
            if self._runs:
                self._flow.execution(EXECUTION).resume()
            else:
                self._flow(EXECUTION, **self.spec.parameters)
        except LaminarError as caught:
            error = caught
        self._runs += 1
        return Outcome(
            failed=None if error is None else self._culprit(error),
            index=error.index if isinstance(error, TaskError) else None,
            text=str(error),
            calls=list(self.world.calls),
            jobs=dict(self._executor.jobs),
            before=before,
            results=results_of(self.spec.name, self._store),
        )

    def _culprit(self, error: LaminarError) -> str:
        """Return the first layer that an error names."""
        if isinstance(error, TaskError):
            return error.layer
        text = str(error)
        named = [layer.name for layer in self.spec.layers if f"layer '{layer.name}'" in text]
        return min(named, key=lambda name: text.index(f"layer '{name}'"), default=text)
