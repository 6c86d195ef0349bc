"""Planning: how many splits a layer has, asked directly and as the planner's function."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from laminar_runtime import Flow, Layer
from laminar_runtime.artifacts import LayerKey
from laminar_runtime.configurations.datastores import Local, Memory
from laminar_runtime.configurations.layers import ForEach, Parameter
from laminar_runtime.exceptions import ExecutionError, FlowError
from laminar_runtime.plan_layer import MAX_SPLITS, LayerPlan, answer, handler, plan_layer
from tests.runtime.harness import Folder, in_memory

KEY = LayerKey("MyFlow", "e1", "Each")
FOREACH = ForEach(parameters=[Parameter("Shards", "foo")])


def sharded(count: int) -> Memory:
    """A datastore in which a layer sharded this many values."""
    datastore = Memory()
    key = LayerKey("MyFlow", "e1", "Shards")
    datastore.write(key, index=0, name="foo", values=range(count), sharded=True)
    datastore.write_record(key, splits=1)
    return datastore


def test_splits() -> None:
    """A fan-out has as many splits as there are elements; a layer that is none has one."""
    assert plan_layer(sharded(3), KEY, FOREACH) == LayerPlan(splits=3)
    assert plan_layer(Memory(), KEY, ForEach()) == LayerPlan(splits=1)


def test_dimension_that_has_not_finished() -> None:
    """Fanning out over a layer that was skipped names it."""
    with pytest.raises(ExecutionError, match="layer 'Shards' of flow 'MyFlow' has not finished in execution e1"):
        plan_layer(Memory(), KEY, FOREACH)


def test_more_splits_than_batch_takes(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The planner refuses what an array job cannot do; the local scheduler does not."""
    monkeypatch.setenv("LAMINAR_PLAN_FILE", str(tmp_path / "plan.json"))
    answer(sharded(MAX_SPLITS), KEY, FOREACH, run=True)
    assert json.loads((tmp_path / "plan.json").read_text()) == {"run": True, "splits": 10000}
    with pytest.raises(ExecutionError, match="layer 'Each' has 10001 splits"):
        answer(sharded(MAX_SPLITS + 1), KEY, FOREACH, run=True)
    assert plan_layer(sharded(MAX_SPLITS + 1), KEY, FOREACH).splits == MAX_SPLITS + 1


FLOW = """
from laminar_runtime import Flow, Layer, Parameters
from laminar_runtime.configurations.layers import ForEach, Parameter

class MyFlow(Flow): ...

@MyFlow.register
class Shards(Layer):
    def __call__(self) -> None:
        self.shard(foo=range(3))

@MyFlow.register(foreach=ForEach(parameters=[Parameter(Shards, "foo"), Parameter(Parameters, "bar")]))
class Each(Layer):
    def __call__(self, shards: Shards) -> None:
        raise AssertionError("planning runs no layer")

if flow := MyFlow():
    flow()
"""


@pytest.fixture
def planner(folder: Folder, monkeypatch: pytest.MonkeyPatch) -> Local:
    """The environment of the planner's function, and its datastore."""
    monkeypatch.chdir(folder.path)
    monkeypatch.setenv("LAMINAR_FLOW_NAME", "MyFlow")
    monkeypatch.setenv("LAMINAR_DATASTORE_ROOT", str(folder.path / "store"))
    folder.write(FLOW)
    return Local(folder.path / "store")


def test_handler(planner: Local, capfd: pytest.CaptureFixture[str]) -> None:
    """The function runs the container's command, which plans the layer by what is in the datastore and the input."""
    planner.write(LayerKey("MyFlow", "e1", "Shards"), index=0, name="foo", values=range(3), sharded=True)
    planner.write_record(LayerKey("MyFlow", "e1", "Shards"), splits=1)
    planner.write_bytes(path="MyFlow/.cache/e1/.input.json", content=b'{"parameters": {"bar": 1}}')
    assert handler({"execution": "e1", "layer": "Each"}) == {"run": True, "splits": 3}

    # A layer whose dependency did not finish is skipped.
    assert handler({"execution": "e2", "layer": "Each"}) == {"run": False, "splits": 0}


def test_handler_that_fails(planner: Local, capfd: pytest.CaptureFixture[str]) -> None:
    """The reason is the last line that the flow printed; all of it is in the log."""
    planner.write_record(LayerKey("MyFlow", "e1", "Shards"), splits=1)
    with pytest.raises(ExecutionError, match=r"layer 'Each' of flow 'MyFlow' cannot be planned: .*Shards"):
        handler({"execution": "e1", "layer": "Each"})
    assert "Traceback" in capfd.readouterr().out


def test_handler_of_a_command_that_plans_nothing(
    planner: Local, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    """A command that ends well without a plan is told as that."""
    monkeypatch.setenv("LAMINAR_COMMAND", "python -c 'pass'")
    with pytest.raises(ExecutionError, match="exit code 0, and no plan written"):
        handler({"execution": "e1", "layer": "Each"})


class Asks(Flow): ...


@Asks.register
class Reads(Layer):
    def __call__(self) -> None: ...


@pytest.mark.parametrize("content", [b"[]", b'{"parameters": 1}'])
def test_input_of_another_form(content: bytes) -> None:
    """Parameters of a deployed flow come from its input, whose form is checked."""
    flow = in_memory(Asks)
    flow.datastore.write_bytes(path="Asks/.cache/e1/.input.json", content=content)
    with pytest.raises(FlowError, match="the input of execution e1 is not of the form"):
        _ = flow.execution("e1").layer("Parameters").foo


def test_input_is_stored_once() -> None:
    """What a state machine was started with becomes the flow's parameters when one is first asked for."""
    flow = in_memory(Asks)
    flow.datastore.write_bytes(path="Asks/.cache/e1/.input.json", content=b'{"parameters": {"foo": [1]}}')
    parameters = flow.execution("e1").layer("Parameters")
    assert parameters.foo == [1]
    flow.datastore.write_bytes(path="Asks/.cache/e1/.input.json", content=b'{"parameters": {"foo": 2}}')
    assert flow.execution("e1").layer("Parameters").foo == [1]
    assert not hasattr(flow.execution("e1").layer("Parameters"), "bar")
