"""Tasks in functions: the container's command runs them, and an error has its own name."""

from __future__ import annotations

import io
import sys
from pathlib import Path

import pytest

from laminar_runtime import task_environment
from laminar_runtime.configurations.datastores import Local
from laminar_runtime.exceptions import TaskError
from laminar_runtime.run_task import handler
from laminar_runtime.storage import failures
from laminar_runtime.storage.graphs import read_graph
from laminar_runtime.storage.layout import LayerKey, graph_key
from tests.support.harness import Folder

FLOW = """
import os, signal, subprocess
from laminar_runtime import Flow, Layer, Parameters
from laminar_runtime.configurations.layers import ForEach, Parameter, Retry

class MyFlow(Flow): ...

@MyFlow.register
class Shards(Layer):
    def __call__(self) -> None:
        print("sharding")
        self.attempts = self.attempt
        self.shard(foo=range(5))

@MyFlow.register(foreach=ForEach(parameters=[Parameter(Shards, "foo")]))
class Each(Layer):
    def __call__(self, shards: Shards) -> None:
        if shards.foo == 3:
            raise KeyError("three " + "!" * 10_000)
        if shards.foo == 4 and self.execution.id == "e1" and os.environ["LAMINAR_LAYER_INDEXES"] == "4":
            os.execvp("true", ["true"])
        self.double = shards.foo * 2

@MyFlow.register
class Exits(Layer):
    def __call__(self) -> None:
        os.execvp("true", ["true"])

@MyFlow.register(retry=Retry(attempts=2, delay=0, on=(LookupError, 75, "out of memory", "timed out")))
class Again(Layer):
    def __call__(self) -> None:
        how = os.environ["HOW"]
        if how == "slow":
            subprocess.run(["sleep", "30"])
        elif how == "killed":
            os.kill(os.getpid(), signal.SIGKILL)
        elif how == "exits":
            os._exit(75)
        elif how == "keeps output open":
            subprocess.Popen(["sleep", "30"])
        else:
            raise {"named": KeyError, "other": ValueError}[how]("no luck")

@MyFlow.register
class Killed(Layer):
    def __call__(self) -> None:
        print("the last words", flush=True)
        os.kill(os.getpid(), signal.SIGKILL)

if flow := MyFlow():
    flow()
"""


@pytest.fixture
def store(folder: Folder, monkeypatch: pytest.MonkeyPatch) -> Local:
    """The environment of a function, and its datastore."""
    return folder.become_function(FLOW, monkeypatch)


def key(layer: str) -> LayerKey:
    return LayerKey("MyFlow", "e1", layer)


def test_a_task(store: Local, capfd: pytest.CaptureFixture[str]) -> None:
    """The layer is run as anywhere, and what it prints is printed."""
    assert handler({"execution": "e1", "layer": "Shards", "attempt": 2}) == {}
    assert store.ledger.read_record(key("Shards")) is not None
    (artifact,) = store.ledger.read_archive(key("Shards"), index=0, name="attempts").artifacts
    assert store.read_artifact("MyFlow", artifact) == 2
    assert "sharding" in capfd.readouterr().out


def test_the_first_task_notes_the_graph_on_aws(store: Local, folder: Folder) -> None:
    """A task of a later layer finds the note there. On this machine the local scheduler has written it."""
    handler({"execution": "e1", "layer": "Shards"})
    noted = read_graph(store.transport, "MyFlow", "e1")
    assert noted is not None
    assert noted["Each"] == {"after": ["Shards"], "over": ["Shards.foo"], "fans_out": True}
    store.transport.put(graph_key("MyFlow", "e1"), b"as before")
    handler({"execution": "e1", "layer": "Each", "indexes": "0", "child": 0, "splits": 5})
    assert store.transport.get(graph_key("MyFlow", "e1")) == b"as before"
    assert folder.python("main.py", LAMINAR_EXECUTION_ID="e2", LAMINAR_LAYER_NAME="Shards").returncode == 0
    assert store.ledger.read_record(LayerKey("MyFlow", "e2", "Shards")) is not None
    assert read_graph(store.transport, "MyFlow", "e2") is None


def test_a_split(store: Local, capfd: pytest.CaptureFixture[str]) -> None:
    """A split finds which of some indexes is its own, spelled out or in a list of the plan."""
    handler({"execution": "e1", "layer": "Shards"})
    handler({"execution": "e1", "layer": "Each", "indexes": "1,4", "child": 1, "splits": 5})
    store.transport.put(key("Each").index_list("1-0"), b"0,2")
    handler({"execution": "e1", "layer": "Each", "indexes": "@1-0", "child": 1, "splits": 5})
    assert store.transport.names(key("Each").splits) == ["2.json", "4.json"]


@pytest.mark.parametrize(("indexes", "child"), [("0-4", 3), ("@1-0", 0)])
def test_a_split_that_fails(indexes: str, child: int, store: Local, capfd: pytest.CaptureFixture[str]) -> None:
    """The error has the name of the flow's own, names the split, and is no longer than a state may report."""
    handler({"execution": "e1", "layer": "Shards"})
    store.transport.put(key("Each").index_list("1-0"), b"3,4")
    request = {
        "execution": "e1@resume-2",
        "layer": "Each",
        "indexes": indexes,
        "child": child,
        "splits": 5,
        "attempt": 2,
    }
    with pytest.raises(
        TaskError, match=r"split 3 of 0 to 4\) of flow 'MyFlow' failed on attempt 2 of execution e1"
    ) as caught:
        handler(request)
    assert type(caught.value).__name__ == "KeyError"
    assert str(caught.value).endswith("!... (the log has all of it)")
    assert len(str(caught.value)) < 10_000
    assert "Traceback" in capfd.readouterr().out


def test_an_ascii_locale(store: Local, monkeypatch: pytest.MonkeyPatch) -> None:
    """A log that takes ASCII only gets other characters escaped, and fails no task."""
    log = io.TextIOWrapper(io.BytesIO(), encoding="ascii")
    monkeypatch.setattr(sys, "stdout", log)
    monkeypatch.setenv("LAMINAR_COMMAND", "python -c \"print('caf\u00e9')\"")
    monkeypatch.setenv("PYTHONUTF8", "1")
    with pytest.raises(TaskError, match="before its layer finished"):
        handler({"execution": "e1", "layer": "Shards"})
    assert log.buffer.getvalue() == b"caf\\xe9\n"  # type: ignore[attr-defined]


def test_a_task_that_is_killed(store: Local, capfd: pytest.CaptureFixture[str]) -> None:
    """The error of a process that ends without one is its end, and what it printed last."""
    with pytest.raises(TaskError, match="SIGKILL; the last line of its output: the last words") as caught:
        handler({"execution": "e1", "layer": "Killed"})
    assert type(caught.value) is TaskError


@pytest.mark.parametrize("request_", [{"layer": "Exits"}, {"layer": "Each", "indexes": "4", "child": 0, "splits": 5}])
def test_a_task_that_ends_before_its_layer(
    store: Local, request_: dict[str, object], capfd: pytest.CaptureFixture[str]
) -> None:
    """A process that becomes another one, which ends with exit code 0, has not run its layer."""
    handler({"execution": "e1", "layer": "Shards"})
    with pytest.raises(TaskError, match=r"its process ended with exit code 0 before its layer finished$"):
        handler({"execution": "e1", **request_})


def test_a_command_that_fails(store: Local, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]) -> None:
    """The error of a command that does not get to the flow is its exit code."""
    monkeypatch.setenv("LAMINAR_COMMAND", "python -c 'raise SystemExit(3)'")
    with pytest.raises(TaskError, match=r"its process ended with exit code 3$"):
        handler({"execution": "e1", "layer": "Shards"})


def test_what_a_function_inherits(store: Local, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """A task has the function's own environment, with what asks for it."""
    target = tmp_path / "environment"
    command = f"import os; open({str(target)!r}, 'w').write(repr(sorted(os.environ)))"
    monkeypatch.setenv("LAMINAR_COMMAND", f'python -c "{command}"')
    monkeypatch.setenv("OWN", "1")
    store.ledger.write_record(key("Shards"), splits=1)
    handler({"execution": "e1", "layer": "Shards"})
    names = set(eval(target.read_text()))  # noqa: S307 - our own text
    assert {
        "OWN",
        "PATH",
        task_environment.EXECUTION_ID,
        task_environment.LAYER_NAME,
        task_environment.FLOW_NAME,
    } <= names
    assert task_environment.LAYER_INDEX not in names


ON = {"attempts": 2, "on": [1, 75, "out of memory", "timed out"], "timeout": 60}


@pytest.mark.parametrize(
    ("how", "on", "names"),
    [
        ("named", ON, ["Laminar.FailedAttempt", "KeyError"]),
        ("other", ON, ["ValueError"]),
        ("exits", ON, ["Laminar.FailedAttempt", "TaskError"]),
        ("killed", ON, ["Laminar.FailedAttempt", "TaskError"]),
        ("killed", {**ON, "on": [1, 75]}, ["TaskError"]),
        ("slow", {**ON, "timeout": 3}, ["Laminar.FailedAttempt", "TaskError"]),
        ("slow", {**ON, "timeout": 3, "on": [1, 75, "out of memory"]}, ["TaskError"]),
    ],
)
def test_a_retry_that_names_failures(
    how: str, on: dict[str, object], names: list[str], store: Local, monkeypatch: pytest.MonkeyPatch
) -> None:
    """An attempt that is followed by another one has a name for that; the last one has that of its error."""
    monkeypatch.setenv("HOW", how)
    for number, name in enumerate(names, 1):
        with pytest.raises(TaskError, match=f"failed on attempt {number} of execution e1") as caught:
            handler({"execution": "e1", "layer": "Again", "retry": on})
        assert type(caught.value).__name__ == name
    kinds = {"killed": "out of memory", "slow": "timed out", "exits": "exited"}
    recorded = [*failures.read(store.transport, key("Again"), every=True)]
    assert [item.attempt for item in recorded] == [*range(1, len(names) + 1)]
    assert {item.kind for item in recorded} == {kinds.get(how, "error")}


class Remaining:
    """The context of an invocation that may run for some seconds."""

    aws_request_id = "11111111-2222-3333-4444-555555555555"

    def __init__(self, seconds: float) -> None:
        self._seconds = seconds

    def get_remaining_time_in_millis(self) -> int:
        """Return the milliseconds that are left."""
        return int(self._seconds * 1000)


def test_a_function_stops_its_task_in_time(store: Local, monkeypatch: pytest.MonkeyPatch) -> None:
    """It keeps four seconds for that: AWS Lambda would not say why the function ended."""
    monkeypatch.setenv("HOW", "slow")
    with pytest.raises(TaskError, match="it did not end within 3 seconds and was stopped"):
        handler({"execution": "e1", "layer": "Again", "retry": ON}, Remaining(7))


def test_what_a_finished_task_left_running(store: Local, monkeypatch: pytest.MonkeyPatch) -> None:
    """It is stopped with the function's time, and the task has finished."""
    monkeypatch.setenv("HOW", "keeps output open")
    assert handler({"execution": "e1", "layer": "Again", "retry": {**ON, "timeout": 4}}) == {}
    assert store.ledger.read_record(key("Again")) is not None
