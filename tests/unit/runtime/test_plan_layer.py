"""The planner's function."""

from __future__ import annotations

import pytest

from laminar_runtime import Flow, Layer
from laminar_runtime.configurations.datastores import Local
from laminar_runtime.container_command import COMMAND
from laminar_runtime.exceptions import ExecutionError, FlowError, UnfinishedError
from laminar_runtime.plan_layer import handler
from laminar_runtime.storage.commits import Commit
from laminar_runtime.storage.layout import LayerKey
from tests.support.harness import Folder, in_memory

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


@pytest.mark.integration
def test_handler(planner: Local, capfd: pytest.CaptureFixture[str]) -> None:
    """The function runs the container's command, which plans the layer by what is in the datastore and the input."""
    planner.write(LayerKey("MyFlow", "e1", "Shards"), index=0, name="foo", values=range(3), sharded=True)
    planner.ledger.write_record(LayerKey("MyFlow", "e1", "Shards"), splits=1)
    planner.transport.put("MyFlow/.cache/e1/.input.json", b'{"parameters": {"bar": 1}}')
    group = {"size": 3, "indexes": "0-2", "splits": 3, "attempt": 1}
    plan = {"run": True, "splits": 3, "attempt": 1, "wait": 0, "redrives": 0, "groups": [group]}
    assert handler({"execution": "e1", "layer": "Each"}) == plan
    # Of an execution that goes on with it, all that follows is the same.
    assert handler({"execution": "e1@resume-2", "layer": "Each"}) == plan


@pytest.mark.integration
def test_a_program_that_does_not_exist(
    planner: Local, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    """The error names the command and what to correct, not a file of nobody."""
    monkeypatch.setenv(COMMAND, "no-such-program main.py")
    with pytest.raises(
        ExecutionError, match=r"cannot be planned: the image cannot start 'no-such-program main\.py': .*"
    ):
        handler({"execution": "e1", "layer": "Each"})


@pytest.mark.integration
def test_handler_that_fails(planner: Local, capfd: pytest.CaptureFixture[str]) -> None:
    """The reason is the last line that the flow printed; all of it is in the log."""
    planner.ledger.write_record(LayerKey("MyFlow", "e1", "Shards"), splits=1)
    with pytest.raises(ExecutionError, match=r"layer 'Each' of flow 'MyFlow' cannot be planned: .*Shards"):
        handler({"execution": "e1", "layer": "Each"})
    assert "MissingError: nothing is stored at" in capfd.readouterr().out


@pytest.mark.integration
def test_handler_of_a_command_that_plans_nothing(
    planner: Local, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    """The error says that a command ended well without a plan."""
    monkeypatch.setenv("LAMINAR_COMMAND", "python -c 'pass'")
    with pytest.raises(ExecutionError, match="exit code 0 and wrote no plan"):
        handler({"execution": "e1", "layer": "Each"})


@pytest.mark.integration
def test_a_dependency_that_has_not_finished(planner: Local, capfd: pytest.CaptureFixture[str]) -> None:
    """A layer is not skipped for a dependency whose job ended well without it having finished: that is an error."""
    with pytest.raises(UnfinishedError, match=r"'Each' depends on layer 'Shards', which has not finished in .* e2:"):
        handler({"execution": "e2", "layer": "Each"})


@pytest.fixture
def lists_only(planner: Local, monkeypatch: pytest.MonkeyPatch) -> Local:
    """The same, where to start the container's command would show."""
    monkeypatch.setenv("LAMINAR_COMMAND", "no-such-command")
    return planner


def commit(store: Local, *indexes: int) -> None:
    """Have splits of Each be finished."""
    for index in indexes:
        store.ledger.commit(EACH, index=index, commit=Commit("1-attempt"), fans_out=True)


EACH = LayerKey("MyFlow", "e1", "Each")


@pytest.mark.parametrize("splits", [0, 1, 3])
def test_the_record_of_a_fan_out(lists_only: Local, splits: int) -> None:
    """Once all splits left their commits it is written, without any code of the flow; asked again, it stays."""
    commit(lists_only, *range(splits))
    for execution in ("e1", "e1@resume-2"):
        request = {"execution": execution, "layer": "Each", "record": {"splits": splits}}
        assert handler(request) == {}
    found = lists_only.ledger.read_record(EACH)
    assert found is not None
    assert found.splits == splits


@pytest.mark.parametrize(
    ("splits", "done", "which"),
    [
        (3, [0, 2], "split 1 of 0 to 2"),
        (4, [2], "splits 0-1,3 of 0 to 3"),
        (1, [], "its only split"),
        (1000, range(0, 1000, 2), "splits 1,3,5,.*,[0-9]+,[.]{3} of 0 to 999"),
    ],
)
def test_the_record_of_what_has_not_finished(lists_only: Local, splits: int, done: list[int], which: str) -> None:
    """A split that ended with exit code 0 and left no commit is named, and the layer has not finished."""
    commit(lists_only, *done)
    message = f"'Each' of flow 'MyFlow' has not finished in execution e1: {which} ended with exit code 0 before"
    with pytest.raises(UnfinishedError, match=message) as caught:
        handler({"execution": "e1", "layer": "Each", "record": {"splits": splits}})
    assert len(str(caught.value)) < 500
    assert lists_only.ledger.read_record(EACH) is None


def test_the_record_of_other_splits(lists_only: Local) -> None:
    """A record of another number of splits, as other parameters made, does not count."""
    lists_only.ledger.write_record(EACH, splits=1)
    commit(lists_only, 0)
    with pytest.raises(UnfinishedError, match="split 1 of 0 to 1"):
        handler({"execution": "e1", "layer": "Each", "record": {"splits": 2}})


class Asks(Flow): ...


@Asks.register
class Reads(Layer):
    def __call__(self) -> None: ...


@pytest.mark.parametrize("content", [b"[]", b'{"parameters": 1}'])
def test_input_of_another_form(content: bytes) -> None:
    """Parameters of a deployed flow come from its input, whose form is checked."""
    flow = in_memory(Asks)
    flow.datastore.transport.put("Asks/.cache/e1/.input.json", content)
    with pytest.raises(FlowError, match="the input of execution e1 does not have the form"):
        _ = flow.execution("e1").layer("Parameters").foo


def test_input_is_stored_once() -> None:
    """What a state machine was started with becomes the flow's parameters when one is first asked for."""
    flow = in_memory(Asks)
    flow.datastore.transport.put("Asks/.cache/e1/.input.json", b'{"parameters": {"foo": [1]}}')
    parameters = flow.execution("e1").layer("Parameters")
    assert parameters.foo == [1]
    flow.datastore.transport.put("Asks/.cache/e1/.input.json", b'{"parameters": {"foo": 2}}')
    assert flow.execution("e1").layer("Parameters").foo == [1]
    assert not hasattr(flow.execution("e1").layer("Parameters"), "bar")
