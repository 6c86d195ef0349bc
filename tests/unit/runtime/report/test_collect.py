"""The report of a run, from its handle: the layers, their states, what they stored, and what a profile would change."""

from __future__ import annotations

import json
import os
import pickle
import time
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import pytest

from laminar_runtime import Execution, Flow, Layer, graph_notes
from laminar_runtime.command.main import main
from laminar_runtime.configurations import datastores, executors
from laminar_runtime.configurations.hooks import entry
from laminar_runtime.configurations.layers import ForEach, Parameter
from laminar_runtime.costs import Cost, price
from laminar_runtime.exceptions import ExecutionError, LaminarError
from laminar_runtime.failures.record import Failures
from laminar_runtime.report import write_page
from laminar_runtime.report.advice import advise
from laminar_runtime.report.collect import collect_report
from laminar_runtime.report.layers import FlowNames
from laminar_runtime.report.plain_values import NotPlainError, read_plain
from laminar_runtime.report.previews import preview
from laminar_runtime.report.record import Report, ReportLayer
from laminar_runtime.storage import runs
from laminar_runtime.timings import Attempt, Timings
from tests.support.reports import picture
from tests.support.transports import Dictionary


class Handle:
    """The handle of a local run, with the times that a test chooses."""

    def __init__(self, execution: Execution, attempts: Iterable[Attempt] = (), status: str = "SUCCEEDED") -> None:
        self.execution, self.attempts, self._status = execution, tuple(attempts), status
        self.id, self.flow_name = str(execution.id), execution.flow_name

    def timings(self) -> Timings:
        return Timings(
            flow=self.flow_name,
            execution=self.id,
            status=self._status,
            created=0,
            stopped=10_000,
            attempts=self.attempts,
        )

    def layer(self, name: str) -> Layer:
        return self.execution.layer(name)

    def failures(self, *, most: int = 10) -> Failures:
        return self.execution.failures(most=most)

    def cost(self) -> Cost:
        return price(self.timings())


def report_of(handle: Any, **more: Any) -> Report:
    """Return the report of a handle of a test."""
    return collect_report(handle, **more)


class Sums(Flow):
    """Adds numbers."""


class Opaque:
    """A value that is no plain one."""

    loaded = False

    def __setstate__(self, state: dict[str, Any]) -> None:
        type(self).loaded = True


@Sums.register
class Find(Layer):
    """Finds numbers.

    In a list.
    """

    def __call__(self) -> None:
        self.shard(number=[1, 2, 3])
        self.table = [{"a": 1, "b": "x"}, {"a": 2, "b": "<b>"}]
        self.image = picture()
        self.large = os.urandom(400_000)
        self.opaque = Opaque()
        self.opaque.state = 1  # type: ignore[attr-defined]


@Sums.register(foreach=ForEach(parameters=[Parameter(layer=Find, attribute="number")]))
class Square(Layer):
    def __call__(self, find: Find) -> None:
        self.square = find.number**2


@Sums.register
class Skip(Layer):
    @entry
    def no(self) -> bool:
        return False

    def __call__(self) -> None: ...


@pytest.fixture
def flow() -> Flow:
    return Sums(datastore=datastores.Memory(), executor=executors.Thread())


def test_layers_come_from_the_code_and_their_states_from_records(flow: Flow) -> None:
    """A layer without attempts has finished before, or was skipped."""
    attempts = [Attempt(layer="Square", index=index, started=0, stopped=5, outcome="succeeded") for index in range(3)]
    execution = flow("e1")
    runs.begin(flow.datastore.transport, "Sums", "e1", resumes=True)
    report = report_of(Handle(execution, attempts), flow=flow)
    found = {layer.name: layer for layer in report.layers}
    assert [*found] == ["Find", "Square", "Skip"]
    assert {name: layer.state for name, layer in found.items()} == {
        "Find": "finished before",
        "Square": "succeeded",
        "Skip": "skipped",
    }
    assert found["Find"].summary == "Finds numbers."
    assert (found["Square"].depends, found["Square"].over, found["Square"].splits) == (("Find",), ("Find.number",), 3)
    assert found["Skip"].optional
    assert report.notes == ()


def test_layers_of_a_run_that_was_killed(flow: Flow) -> None:
    """Nobody has noted its last times: what it committed says which layers finished, and how many splits."""
    execution = flow("e1")
    report = report_of(Handle(execution, status="ABORTED"), flow=flow)
    assert {layer.name: layer.state for layer in report.layers if layer.name != "Skip"} == {
        "Find": "succeeded",
        "Square": "succeeded",
    }
    flow.datastore.transport.delete(execution.key("Square").record)
    report = report_of(Handle(execution, status="ABORTED"), flow=flow)
    (square,) = [layer for layer in report.layers if layer.name == "Square"]
    assert (square.state, square.splits) == ("failed", 3)


def test_artifacts_have_sizes_and_plain_values_have_previews(flow: Flow) -> None:
    """Nothing is unpickled: a value of a class of the flow has no preview."""
    Opaque.loaded = False
    handle = Handle(flow("e1"))
    found = {f"{one.layer}.{one.attribute}": one for one in report_of(handle, flow=flow).artifacts}
    assert not Opaque.loaded
    assert found["Find.number"].count == found["Square.square"].count == 3
    assert found["Square.square"].preview == {"kind": "text", "text": "1"}
    assert found["Find.table"].preview == {
        "kind": "table",
        "columns": ["a", "b"],
        "rows": [["1", "x"], ["2", "<b>"]],
        "more": 0,
    }
    assert (found["Find.image"].preview or {})["type"] == "image/png"
    assert found["Find.large"].preview is None
    assert found["Find.large"].note == "too large for a preview"
    assert found["Find.large"].size == 400_000
    assert found["Find.opaque"].preview is None
    assert "not a plain value" in found["Find.opaque"].note


def test_who_asks_for_previews_has_values_of_any_class(flow: Flow) -> None:
    """Then the flow's code is there, and values are read as a program reads them."""
    Opaque.loaded = False
    found = {one.attribute: one for one in report_of(Handle(flow("e1")), flow=flow, previews=True).artifacts}
    assert Opaque.loaded
    assert "Opaque" in (found["opaque"].preview or {})["text"]
    assert found["number"].preview == {"kind": "text", "text": "1"}


def test_without_the_code_layers_are_those_of_the_note_or_of_the_attempts(flow: Flow) -> None:
    """The execution may have noted its graph; else the page says that it is not known."""
    handle = Handle(flow("e1"), [Attempt(layer="Find", started=0, stopped=1, outcome="succeeded")])
    flow.datastore.transport.put("Sums/.cache/e1/.graph.json", b'{"layers": {}}')
    without = report_of(handle)
    assert [layer.name for layer in without.layers] == ["Find"]
    assert "the dependencies of layers are not known here" in without.notes[0]
    graph_notes.write_graph(flow.execution("e1"))
    noted = report_of(handle)
    assert {layer.name: layer.depends for layer in noted.layers} == {"Find": (), "Square": ("Find",), "Skip": ()}
    assert noted.notes == ()
    flow.datastore.transport.put("Sums/.cache/e1/.graph.json", b'{"layers": 3}')
    assert "the graph cannot be read" in report_of(handle).notes[0]


def test_a_page_with_a_note_is_better_than_none(flow: Flow) -> None:
    """What cannot be read is said on the page, and all else is shown."""

    class Forbidden(Handle):
        def failures(self, *, most: int = 10) -> Failures:
            raise ExecutionError("may not read the history")

        def cost(self) -> Cost:
            raise RuntimeError("no prices")

    handle: Any = Forbidden(flow("e1"))
    report = report_of(handle, flow=flow)
    assert report.notes == (
        "the cost cannot be read: RuntimeError: no prices",
        "the failures cannot be read: may not read the history",
    )
    assert report.cost is None
    assert "may not read the history" in write_page(handle, flow=flow)


def test_a_failed_run_has_its_failure_and_what_it_stored(tmp_path: Path) -> None:
    """A fan-out that failed shows the splits that finished."""

    class Broken(Flow): ...

    @Broken.register
    class Begin(Layer):
        def __call__(self) -> None:
            self.shard(item=[0, 1])

    @Broken.register(foreach=ForEach(parameters=[Parameter(layer=Begin, attribute="item")]))
    class Divide(Layer):
        def __call__(self, begin: Begin) -> None:
            if begin.item == 1:
                time.sleep(0.2)  # the other split finishes first
            self.half = 1 / (begin.item - 1)

    flow = Broken(datastore=datastores.Local(root=str(tmp_path)), executor=executors.Thread(concurrency=1))
    with pytest.raises(ZeroDivisionError):
        flow("e1")
    attempts = [
        Attempt(layer="Begin", started=0, stopped=1, outcome="succeeded"),
        Attempt(layer="Divide", index=0, started=2, stopped=3, outcome="succeeded"),
        Attempt(layer="Divide", index=1, started=2, stopped=3, outcome="failed"),
    ]
    report = report_of(Handle(flow.execution("e1"), attempts, "FAILED"), flow=flow)
    assert [(layer.name, layer.state, layer.splits) for layer in report.layers] == [
        ("Begin", "succeeded", 1),
        ("Divide", "failed", 2),
    ]
    assert report.failures.shown[0].reason == "ZeroDivisionError: division by zero"
    named = report_of(Handle(flow.execution("e1"), attempts, "FAILED"), flow=flow, resume="laminar resume a e1")
    assert named.resume == "laminar resume a e1"
    assert {one.attribute: one.size for one in report.artifacts if one.layer == "Divide"}["half"]


def test_running_and_waiting_layers() -> None:
    """The last attempt of each split counts."""
    flow = Sums(datastore=datastores.Memory(), executor=executors.Thread())

    def state(*attempts: tuple[int, int, str]) -> str:
        made = [Attempt(layer="Square", index=index, attempt=number, outcome=end) for index, number, end in attempts]  # type: ignore[arg-type]
        handle = Handle(flow.execution("e2"), made, "RUNNING")
        return {layer.name: layer.state for layer in report_of(handle, flow=flow).layers}["Square"]

    assert state((0, 1, "waiting"), (1, 1, "starting")) == "waiting"
    assert state((0, 1, "succeeded"), (1, 1, "waiting")) == "running"
    assert state((0, 1, "failed"), (0, 2, "running")) == "running"
    assert state((0, 1, "failed"), (0, 2, "succeeded")) == "succeeded"
    assert state((0, 1, "succeeded"), (1, 1, "stopped")) == "stopped"
    assert state((0, 2, "succeeded"), (0, 1, "failed"), (1, 1, "failed")) == "failed"
    assert state() == "not run"


def test_advice_names_the_longest_path() -> None:
    """What a profile can change at most, and the layer that decides; plans are compared if someone can."""
    layers = [ReportLayer(name="A"), ReportLayer(name="B"), ReportLayer(name="C", depends=("A", "B"))]
    attempts = [
        Attempt(layer="A", started=0, stopped=1_000),
        Attempt(layer="B", started=0, stopped=4_000),
        Attempt(layer="C", started=5_000, stopped=6_000),
    ]
    timings = Timings(flow="F", execution="e", status="SUCCEEDED", created=0, stopped=10_000, attempts=attempts)
    lines = [*advise(timings, layers)]
    assert "5.0 s of 10.0 s (50 %): B -> C" in lines[0]
    assert "B, with 4.0 s" in lines[1]
    asked: dict[str, float] = {}

    def planner(_: Flow, seconds: Any) -> list[str]:
        asked.update(seconds)
        return ["plan"]

    flow = Sums(datastore=datastores.Memory(), executor=executors.Thread())
    assert [*advise(timings, layers, flow=flow, planner=planner)][-1] == "plan"
    assert asked == {"A": 1.0, "B": 4.0, "C": 1.0}
    assert [*advise(Timings(flow="F", execution="e"), layers)] == []


@pytest.mark.parametrize(
    "value",
    [1, -(10**30), 2.5, None, True, "text", b"bytes", (), (1,), (1, 2, 3, 4), [1, [2]], {"a": {1, 2}}, frozenset("a")],
)
def test_plain_values_are_read_without_unpickling(value: object) -> None:
    """Each kind of plain value, by each protocol that this release writes."""
    assert read_plain(pickle.dumps(value, protocol=5)) == value
    assert read_plain(pickle.dumps(value, protocol=4)) == value


def test_shared_and_recursive_values() -> None:
    """A value may be in a list twice, or in itself."""
    shared = [1]
    assert read_plain(pickle.dumps([shared, shared])) == [[1], [1]]
    recursive: list[Any] = []
    recursive.append(recursive)
    found = read_plain(pickle.dumps(recursive))
    assert found[0] is found
    assert preview(found) is not None


class Malicious:
    """A value whose pickle calls a function."""

    def __reduce__(self) -> tuple[Any, ...]:
        return (pytest.fail, ("the pickle was run",))


@pytest.mark.parametrize(
    "content",
    [
        pickle.dumps(Malicious()),
        pickle.dumps([1, Malicious()]),
        pickle.dumps(print),
        pickle.dumps(1)[:-1],
        b"",
        b"\x80\x05h\x07.",
        b"\x80\x05}]s.",
        pickle.dumps([*range(30_000)]),
    ],
)
def test_what_is_not_plain_is_not_read(content: bytes) -> None:
    """A pickle that names a function is refused and nothing of it runs; so is one that is damaged, or very long."""
    with pytest.raises(NotPlainError):
        read_plain(content)


def test_previews_have_bounds() -> None:
    """A page stays small whatever a value is."""
    wide = preview([{f"c{number}": "x" * 500 for number in range(40)}] * 50) or {}
    assert (len(wide["columns"]), len(wide["rows"]), wide["more"]) == (13, 8, 42)
    assert len(wide["rows"][0][0]) <= 80
    assert len((preview("x" * 10_000) or {})["text"]) < 1_300
    assert (preview(b"\x89PNG\r\n\x1a\n" + b"x" * 400_000) or {})["kind"] == "text"
    assert (preview(10**10_000) or {})["kind"] == "text"


def test_previews_of_tables_and_figures_of_libraries() -> None:
    """What looks like a data frame is a table, and what draws itself an image; one that raises is a note."""

    class Frame:
        columns = ("a", "b")

        def __len__(self) -> int:
            return 20

        def head(self, rows: int) -> Frame:
            return self

        def itertuples(self, *, index: bool) -> list[tuple[int, float]]:
            return [(1, 2.5)]

    class Figure:
        def savefig(self, file: Any, **options: object) -> None:
            file.write(picture())

    class Image:
        def _repr_png_(self) -> bytes:
            return picture()

    class Bad:
        def __repr__(self) -> str:
            raise LaminarError("no")

    assert preview(Frame()) == {"kind": "table", "columns": ["a", "b"], "rows": [["1", "2.5"]], "more": 19}
    assert (preview(Figure()) or {})["type"] == (preview(Image()) or {})["type"] == "image/png"
    assert (preview(Bad()) or {})["kind"] == "text"
    assert preview({"a": [1, 2], "b": [3, 4]}) == {
        "kind": "table",
        "columns": ["a", "b"],
        "rows": [["1", "3"], ["2", "4"]],
        "more": 0,
    }


def test_a_local_run_from_its_command_to_its_page(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """`laminar run`, and then `laminar report`: the timeline has the attempts of the run."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / "flow.py").write_text(
        "from laminar_runtime import Flow, Layer\n"
        "from laminar_runtime.configurations import executors\n"
        "class Small(Flow): ...\n"
        "@Small.register\n"
        "class Only(Layer):\n"
        "    def __call__(self) -> None:\n"
        "        self.value = 1 / self.zero\n"
        "    zero = 0\n"
        "flow = Small(executor=executors.Thread())\n"
        "if __name__ == '__main__' and flow:\n"
        "    flow()\n"
    )
    assert main(["run", "flow.py", "--id", "e1"]) != 0
    assert main(["report", "flow.py", "e1", "--output", "page.html"]) == 0
    page = (tmp_path / "page.html").read_text(encoding="utf-8")
    data = json.loads(page.split('id="data">')[1].partition("</script>")[0])
    (row,) = data["attempts"]["rows"]
    assert (data["status"], data["layers"][0]["state"], row[0]) == ("FAILED", "failed", 0)
    assert data["failures"]["shown"][0]["reason"] == "ZeroDivisionError: division by zero"
    assert data["resume"] == "laminar resume flow.py e1"
    assert data["created"] <= data["base"] + row[3] <= data["base"] + row[5] <= data["stopped"]


def test_flows_of_a_chain_have_names_of_their_own() -> None:
    """Attempts name the flow of their layer; what is not known is of the flow itself."""
    attempts = (Attempt(layer="A", flow="One"), Attempt(layer="B", flow="Two"))
    names = FlowNames(Timings(flow="nightly", execution="e", attempts=attempts))
    assert names.all == ("One", "Two")
    assert [names.of(layer) for layer in "ABC"] == ["One", "Two", "One"]
    assert FlowNames(Timings(flow="nightly", execution="e")).of("A") == "nightly"


def test_very_many_attributes_are_listed_in_part() -> None:
    """The page stays readable, and says what it leaves out."""

    class Wide(Flow): ...

    @Wide.register
    class All(Layer):
        def __call__(self) -> None:
            for number in range(503):
                setattr(self, f"a{number}", number)

    flow = Wide(datastore=datastores.Memory(), executor=executors.Thread())
    found = report_of(Handle(flow("e1")), flow=flow).artifacts
    assert len(found) == 501
    assert found[-1].note == "only the first 500 of 503 attributes are listed"


def test_sizes_of_a_transport_that_does_not_know_them() -> None:
    """A transport of a user need not have them; previews are there all the same."""
    flow = Sums(datastore=datastores.DataStore(Dictionary()), executor=executors.Thread())
    found = {one.attribute: one for one in report_of(Handle(flow("e1")), flow=flow).artifacts}
    assert found["table"].size is None
    assert (found["table"].preview or {})["kind"] == "table"
    assert found["large"].note == "too large for a preview"
