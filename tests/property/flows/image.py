"""The image of a deployed flow: what its tasks and its planner do, in this process."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

import attrs

from laminar_runtime import Flow, planner, settings, task
from laminar_runtime.configurations import datastores, executors
from laminar_runtime.exceptions import LaminarError
from laminar_runtime.settings import TaskContext
from tests.property.flows.behaviour import Memory
from tests.property.flows.loading import flow_of
from tests.property.flows.outcomes import Job, Task
from tests.property.flows.spec import FlowSpec

__all__ = ["Image", "PlannerError"]


class PlannerError(Exception):
    """The planner's function failed."""


@attrs.define
class Image:
    """An image, the datastore that its tasks use, and notes of what they did.

    Args:
        spec: The flow in it.
        world: What is outside of the flow.
        jobs: The containers of the tasks that had something to do.
        early: The same of those that ran item by item.
        failed: The splits of which an attempt failed, in order.
    """

    spec: FlowSpec
    world: Memory = attrs.field(factory=Memory)
    jobs: dict[Task, Job] = attrs.field(factory=dict)
    early: dict[Task, Job] = attrs.field(factory=dict)
    failed: list[tuple[str, int]] = attrs.field(factory=list)
    flow: Flow = attrs.field(init=False)

    @flow.default
    def _make_flow(self) -> Flow:
        return flow_of(self.spec, self.world, executors.Thread())

    @property
    def store(self) -> datastores.Memory:
        """The datastore."""
        assert isinstance(self.flow.datastore, datastores.Memory)
        return self.flow.datastore

    def forget(self) -> None:
        """Begin the notes anew."""
        for notes in (self.world.calls, self.jobs, self.early, self.failed):
            notes.clear()

    def attempt(self, environment: Mapping[str, str], job: Job) -> bool:
        """Run a task in a container, as `laminar_runtime.flow.Flow` does in a process.

        Returns:
            Whether it ended well.
        """
        assert all(isinstance(text, str) for text in environment.values())
        context = TaskContext.parse({**environment, settings.FLOW_NAME: self.spec.name})
        assert context is not None
        context = planner.index_of(self.store, context)
        if not task.finished(self.store, context):
            jobs = self.early if context.early else self.jobs
            jobs[context.layer, context.index, context.attempt] = job
        execution = self.flow.open(context)
        fields = {"index": context.index, "splits": context.splits, "attempt": context.attempt}
        try:
            task.run_layer(execution, execution.layer(context.layer, **fields), context)
        except Exception:  # noqa: BLE001 - whatever it raises, the process ends with an exit code
            self.failed.append((context.layer, context.index))
            return False
        return True

    def plan(self, request: Mapping[str, Any]) -> Any:
        """Answer a request to the planner, as its function does.

        Raises:
            PlannerError: If it cannot be answered.
        """
        asked = TaskContext(execution=request["execution"], flow=self.spec.name, layer=request["layer"])
        context = TaskContext.parse(asked.environment())
        assert context is not None
        try:
            plan = planner.plan_of(self.flow.open(context), context.layer, request)
        except LaminarError as error:
            raise PlannerError(str(error)) from error
        return json.loads(json.dumps(attrs.asdict(plan)))
