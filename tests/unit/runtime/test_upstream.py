"""What a layer depends on has finished: a deployed task looks, as jobs end well that have not run their layers."""

from __future__ import annotations

import pytest

from laminar_runtime import Execution, Flow, Layer, Parameters, task_environment
from laminar_runtime.configurations import executors, hooks
from laminar_runtime.configurations.datastores import DataStore
from laminar_runtime.configurations.layers import ForEach, Parameter
from laminar_runtime.exceptions import UnfinishedError
from laminar_runtime.planner.planner import plan_layer
from laminar_runtime.storage.layout import LayerKey
from laminar_runtime.task_environment import TaskContext
from laminar_runtime.tasks import task
from tests.support.harness import Folder
from tests.support.transports import Dictionary, Recording


class Chain(Flow): ...


@Chain.register
class Load(Layer):
    def __call__(self) -> None:
        self.shard(part=[1, 2])


@Chain.register
class Maybe(Layer):
    def __call__(self, load: Load) -> None: ...

    @hooks.entry
    def never(self) -> bool:
        return False


@Chain.register
class AfterMaybe(Layer):
    def __call__(self, maybe: Maybe) -> None: ...


@Chain.register
class Work(Layer):
    def __call__(self, load: Load, maybe: Maybe, after: AfterMaybe, parameters: Parameters) -> None:
        self.parts = list(load.part)


@Chain.register
class Sure(Layer):
    def __call__(self, load: Load) -> None: ...


@Chain.register(foreach=ForEach(parameters=[Parameter(Load, "part")]))
class Fetch(Layer):
    def __call__(self, load: Load) -> None:
        self.text = load.part


@Chain.register(foreach=ForEach(parameters=[Parameter(Fetch, "text", index=None)], pipelined=True))
class Clean(Layer):
    def __call__(self, fetch: Fetch, sure: Sure, maybe: Maybe) -> None:
        self.text = fetch.text


@pytest.fixture(params=["AWS_BATCH_JOB_ID", "AWS_LAMBDA_FUNCTION_NAME"])
def on_aws(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    """The environment of a job, and of a function."""
    monkeypatch.setenv(request.param, "1")


def run(execution: Execution, layer: str) -> None:
    """Run a task of a layer."""
    fields = {"index": 0, "splits": 1, "attempt": 1}
    context = TaskContext(execution="e1", flow="Chain", layer=layer)
    task.run_layer(execution, execution.layer(layer, **fields), context)


def begun() -> tuple[Execution, Recording]:
    """Return an execution of which nothing has run."""
    transport = Recording(Dictionary())
    execution = Chain(datastore=DataStore(transport), executor=executors.Thread()).execution("e1")
    execution.parameters()
    return execution, transport


def test_a_dependency_that_has_not_finished(on_aws: None) -> None:
    """The task fails, and names the layer and how that can be; what its layer does not depend on is no matter."""
    execution, _ = begun()
    message = (
        r"layer 'Work' depends on layer 'Load', which has not finished in execution e1: its process ended with exit"
    )
    with pytest.raises(UnfinishedError, match=message):
        run(execution, "Work")
    assert execution.datastore.ledger.read_record(LayerKey("Chain", "e1", "Work")) is None


def test_dependencies_that_finished_or_were_skipped(on_aws: None) -> None:
    """The task runs, after each record was read once: those of layers that may be skipped are missing."""
    execution, transport = begun()
    run(execution, "Load")
    transport.clear()
    run(execution, "Work")
    assert execution.layer(Work).parts == [1, 2]
    assert transport.requests.count(("get", "Chain/.cache/e1/Load/.record.json")) == 1


def test_tasks_elsewhere_do_not_ask() -> None:
    """Where the scheduler sees its tasks end, it knows whether they finished."""
    execution, transport = begun()
    run(execution, "Load")
    transport.clear()
    run(execution, "Maybe")
    assert ("get", "Chain/.cache/e1/Load/.record.json") not in transport.requests


def test_plans() -> None:
    """The planner asks for layers with hooks and those that follow item by item, but not for what runs with them."""
    execution, _ = begun()
    with pytest.raises(UnfinishedError, match="layer 'Maybe' depends on layer 'Load'"):
        plan_layer(execution, "Maybe")
    run(execution, "Load")
    assert not plan_layer(execution, "Maybe").run
    assert not plan_layer(execution, "AfterMaybe").run
    with pytest.raises(UnfinishedError, match="layer 'Clean' depends on layer 'Sure'"):
        plan_layer(execution, "Fetch", pipeline=["Fetch", "Clean"])
    run(execution, "Sure")
    assert plan_layer(execution, "Fetch", pipeline=["Fetch", "Clean"]).splits == 2


@pytest.mark.integration
def test_the_exit_code(folder: Folder) -> None:
    """The task's process says by its exit code that to run it again would not help."""
    folder.write(
        """
        from laminar_runtime import Flow, Layer

        class Report(Flow): ...

        @Report.register
        class A(Layer):
            def __call__(self) -> None: ...

        @Report.register
        class B(Layer):
            def __call__(self, a: A) -> None: ...

        if flow := Report():
            flow()
        """
    )
    asked = TaskContext(execution="e1", flow="Report", layer="B").environment()
    ended = folder.python("main.py", **asked, AWS_BATCH_JOB_ID="1")
    assert ended.returncode == task_environment.UNFINISHED
    assert "UnfinishedError: layer 'B' depends on layer 'A', which has not finished" in ended.stderr
