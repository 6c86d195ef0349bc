"""The local scheduler's interface, method by method."""

from __future__ import annotations

import asyncio

import pytest

from laminar_runtime import Execution, Flow, Layer
from laminar_runtime.configurations import hooks
from laminar_runtime.configurations.layers import ForEach, Parameter
from laminar_runtime.configurations.schedulers import AWS, Delegated, Scheduler
from laminar_runtime.exceptions import LayerError, SchedulerError, TaskError
from tests.support.harness import in_memory


class MyFlow(Flow): ...


@MyFlow.register
class A(Layer):
    def __call__(self) -> None:
        self.shard(foo=[1, 2])


@MyFlow.register(foreach=ForEach(parameters=[Parameter(A, "foo")]))
class B(Layer):
    def __call__(self, a: A) -> None:
        self.foo = a.foo


@MyFlow.register
class C(Layer):
    @hooks.entry
    def never(self) -> bool:
        return False

    def __call__(self, b: B) -> None: ...


@pytest.fixture
def execution() -> Execution:
    return in_memory(MyFlow).execution("e1")


def test_runnable() -> None:
    """The layers whose dependencies have all finished move from pending to runnable."""
    dependencies = {"A": set[str](), "B": {"A"}, "C": {"A", "B"}}
    scheduler = Scheduler()
    pending, runnable = scheduler.runnable(dependencies=dependencies, pending={"A", "B", "C"}, finished=set())
    assert (pending, runnable) == ({"B", "C"}, {"A"})
    pending, runnable = scheduler.runnable(dependencies=dependencies, pending=pending, finished={"A"})
    assert (pending, runnable) == ({"C"}, {"B"})
    assert scheduler.runnable(dependencies=dependencies, pending={"C"}, finished={"A", "B"}) == (set(), {"C"})


def test_skippable(execution: Execution) -> None:
    """What must be skipped moves from runnable to finished: an entry hook said no, or a dependency did not finish."""
    scheduler = Scheduler()
    runnable, finished = scheduler.skippable(execution=execution, runnable={"A", "B", "C"}, finished={"Parameters"})
    assert (runnable, finished) == ({"A"}, {"Parameters", "B", "C"})


def test_skippable_on_a_resume(execution: Execution) -> None:
    """When an execution is resumed, a layer that finished before is not run again."""
    asyncio.run(Scheduler().schedule(layer=execution.layer(A)))
    resumed = Execution("e1", execution.flow, retry=True)
    assert Scheduler().skippable(execution=resumed, runnable={"A"}, finished=set()) == (set(), {"A"})
    assert Scheduler().skippable(execution=execution, runnable={"A"}, finished=set()) == ({"A"}, set())


def test_schedule(execution: Execution) -> None:
    """One layer is run with all its splits, which are returned and can be read."""

    async def schedule() -> list[Layer]:
        scheduler = Scheduler()
        await scheduler.schedule(layer=execution.layer(A))
        return await scheduler.schedule(layer=execution.layer(B), attempt=2)

    splits = asyncio.run(schedule())
    assert [(split.name, split.index, split.splits, split.attempt) for split in splits] == [
        ("B", 0, 2, 2),
        ("B", 1, 2, 2),
    ]
    assert [split.foo for split in splits] == [1, 2]
    assert execution.layer(B).state.finished


def test_schedule_takes_a_layer_of_an_execution() -> None:
    """A plain instance has nothing to be scheduled in."""
    with pytest.raises((AttributeError, SchedulerError), match="has no execution"):
        asyncio.run(Scheduler().schedule(layer=A()))


def test_running_and_wait(execution: Execution) -> None:
    """Tasks are started for the runnable layers, beside those that run; waiting gives who ended."""

    async def go() -> tuple[int, int, set[str]]:
        scheduler = Scheduler()
        running = scheduler.running(execution=execution, runnable={"A"}, running=set())
        first = len(running)
        running, finished = await scheduler.wait(
            running=running, finished={"Parameters"}, condition=asyncio.FIRST_COMPLETED
        )
        running = scheduler.running(execution=execution, runnable={"B"}, running=running)
        running, finished = await scheduler.wait(running=running, finished=finished, condition=asyncio.ALL_COMPLETED)
        return first, len(running), finished

    assert asyncio.run(go()) == (1, 0, {"Parameters", "A", "B"})


def test_wait_raises_what_a_layer_raised() -> None:
    """A failed layer's error comes out of the wait."""

    class Fails(Layer):
        def __call__(self) -> None:
            raise OSError

    class Failing(Flow): ...

    Failing.register(Fails)

    async def go() -> None:
        scheduler, execution = Scheduler(), in_memory(Failing).execution("e1")
        running = scheduler.running(execution=execution, runnable={"Fails"}, running=set())
        await scheduler.wait(running=running, finished=set(), condition=asyncio.FIRST_COMPLETED)

    with pytest.raises(TaskError, match="layer 'Fails'") as caught:
        asyncio.run(go())
    assert isinstance(caught.value, LayerError)


def test_schedulers_are_of_one_kind() -> None:
    """What hands a flow to another engine is a scheduler too, with the same methods."""
    assert issubclass(Delegated, Scheduler)
    assert issubclass(AWS.StepFunctions, Delegated)
    local = {"runnable", "skippable", "running", "schedule", "wait"}
    assert all(callable(getattr(AWS.StepFunctions(), name)) for name in local)


def test_a_custom_scheduler_is_used() -> None:
    """A flow takes a scheduler of the user's own, made of ours."""
    seen: list[str] = []

    class Noting(Scheduler):
        async def schedule(self, *, layer: Layer, attempt: int = 1) -> list[Layer]:
            seen.append(layer.name)
            return await super().schedule(layer=layer, attempt=attempt)

    flow = in_memory(MyFlow)
    MyFlow(datastore=flow.datastore, executor=flow.configuration.executor, scheduler=Noting())()
    assert seen == ["A", "B"]
