"""The planner's function."""

from __future__ import annotations

import pytest

from laminar_runtime import Flow, Layer
from laminar_runtime.artifacts import LayerKey
from laminar_runtime.configurations.datastores import Local
from laminar_runtime.exceptions import ExecutionError, FlowError
from laminar_runtime.plan_layer import handler
from tests.runtime.harness import Folder, in_memory

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
    return folder.become_function(FLOW, monkeypatch)


def test_handler(planner: Local, capfd: pytest.CaptureFixture[str]) -> None:
    """The function runs the container's command, which plans the layer by what is in the datastore and the input."""
    planner.write(LayerKey("MyFlow", "e1", "Shards"), index=0, name="foo", values=range(3), sharded=True)
    planner.write_record(LayerKey("MyFlow", "e1", "Shards"), splits=1)
    planner.write_bytes(path="MyFlow/.cache/e1/.input.json", content=b'{"parameters": {"bar": 1}}')
    group = {"size": 3, "indexes": "0-2", "splits": 3, "attempt": 1}
    plan = {"run": True, "splits": 3, "attempt": 1, "wait": 0, "redrives": 0, "groups": [group]}
    assert handler({"execution": "e1", "layer": "Each"}) == plan
    # Of an execution that goes on with it, all that follows is the same.
    assert handler({"execution": "e1@resume-2", "layer": "Each"}) == plan

    # A layer whose dependency did not finish is skipped.
    assert handler({"execution": "e2", "layer": "Each"})["run"] is False


def test_handler_that_fails(planner: Local, capfd: pytest.CaptureFixture[str]) -> None:
    """The reason is the last line that the flow printed; all of it is in the log."""
    planner.write_record(LayerKey("MyFlow", "e1", "Shards"), splits=1)
    with pytest.raises(ExecutionError, match=r"layer 'Each' of flow 'MyFlow' cannot be planned: .*Shards"):
        handler({"execution": "e1", "layer": "Each"})
    assert "MissingError: nothing is stored at" in capfd.readouterr().out


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
