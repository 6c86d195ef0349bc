"""Tasks as threads, and what all executors have in common."""

from __future__ import annotations

import asyncio
import threading

import pytest

from laminar_runtime import Flow, Layer
from laminar_runtime.configurations import datastores
from laminar_runtime.configurations.executors import Executor, Thread
from laminar_runtime.configurations.executors.tasks import Task
from laminar_runtime.exceptions import FlowError, TaskError
from tests.support.harness import in_memory


def test_defaults() -> None:
    """One task at a time, for a day at most."""
    assert (Thread().concurrency, Thread().timeout) == (1, 86400)
    assert isinstance(Thread(), Executor)


@pytest.mark.parametrize("kind", [Executor, Thread])
def test_numbers_are_checked(kind: type[Executor]) -> None:
    """A concurrency or timeout that makes no sense is refused."""
    for wrong in ({"concurrency": 0}, {"timeout": -1}):
        with pytest.raises(FlowError, match="must be greater than 0"):
            kind(**wrong)


def test_timeout() -> None:
    """A thread that takes longer has failed; its code runs on to its end."""
    release = threading.Event()

    class MyFlow(Flow): ...

    @MyFlow.register
    class Hangs(Layer):
        def __call__(self) -> None:
            release.wait(10)

    flow = MyFlow(datastore=datastores.Memory(), executor=Thread(timeout=0.05))
    with pytest.raises(TaskError, match=r"layer 'Hangs' .* did not end within 0.05 seconds"):
        flow()
    release.set()


def test_what_is_no_exception() -> None:
    """What is no `Exception`, raised in a layer, fails the layer, and does not end the launching process."""

    class MyFlow(Flow): ...

    @MyFlow.register
    class Stops(Layer):
        def __call__(self) -> None:
            raise KeyboardInterrupt

    with pytest.raises(TaskError, match=r"layer 'Stops' .*KeyboardInterrupt") as caught:
        in_memory(MyFlow)()
    assert caught.value.error_class == "KeyboardInterrupt"


def test_the_base_is_no_kind() -> None:
    """The base cannot run a task, and says which kinds can."""
    with pytest.raises(FlowError, match="Executor cannot run tasks: use a subclass"):
        asyncio.run(Executor().run(None))  # type: ignore[arg-type]


def test_an_executor_of_ones_own() -> None:
    """A kind of executor defines how it runs a task, and is given it as a value."""
    seen: list[tuple[str, dict[str, str]]] = []

    class Noting(Thread):
        async def run(self, task: Task) -> None:
            seen.append((task.title, task.environment()))
            await super().run(task)

    class MyFlow(Flow): ...

    @MyFlow.register
    class A(Layer):
        def __call__(self) -> None: ...

    MyFlow(datastore=datastores.Memory(), executor=Noting())("e1")
    ((title, environment),) = seen
    assert title == "A"
    assert environment == {
        "LAMINAR_DATASTORE_ROOT": "memory://",
        "LAMINAR_EXECUTION_ID": "e1",
        "LAMINAR_EXECUTION_RETRY": "False",
        "LAMINAR_FLOW_NAME": "MyFlow",
        "LAMINAR_LAYER_NAME": "A",
        "LAMINAR_LAYER_INDEX": "0",
        "LAMINAR_LAYER_SPLITS": "1",
        "LAMINAR_LAYER_ATTEMPT": "1",
    }


def test_an_executor_serves_several_runs() -> None:
    """One executor may be used by flows one after the other, and in threads."""

    class MyFlow(Flow): ...

    @MyFlow.register
    class A(Layer):
        def __call__(self) -> None: ...

    executor = Thread()
    flows = [MyFlow(datastore=datastores.Memory(), executor=executor) for _ in range(3)]
    threads = [threading.Thread(target=flow) for flow in flows[1:]]
    for thread in threads:
        thread.start()
    flows[0]("e1")
    for thread in threads:
        thread.join()
    assert [len(flow.datastore.list_executions(flow=flow)) for flow in flows] == [1, 1, 1]
    assert flows[0].execution("e1").finished
