"""Stores that earlier releases wrote are read, and gone on with: `tests.unit.runtime.stores.flow` wrote them."""

from __future__ import annotations

import json
import os
from pathlib import Path

import pytest

from laminar_runtime import timings
from laminar_runtime.configurations import datastores, executors
from laminar_runtime.exceptions import ExecutionError
from laminar_runtime.failures import record
from laminar_runtime.local_handles import LocalHandle
from laminar_runtime.planner import planner
from laminar_runtime.splits import fanout
from laminar_runtime.storage import graphs, runs
from laminar_runtime.storage.archives import FORMAT
from tests.support.harness import objects_of
from tests.unit.runtime.stores.flow import Kept

STORES = Path(__file__).parent / "stores"
CELLS = ["0a", "0b", "1a", "1b"]


def flow_on(version: int) -> Kept:
    """Return the flow on a store of a format: each key with its bytes, as text in Latin-1."""
    store = datastores.Memory()
    kept = json.loads((STORES / f"format_{version}.json").read_text(encoding="utf-8"))
    store.workspace.update({key: text.encode("latin-1") for key, text in kept.items()})
    return Kept(datastore=store, executor=executors.Thread())


#: Those that are read: release 0.1 wrote 2, and release 0.2 writes 3.
FORMATS = range(2, FORMAT + 1)


@pytest.fixture(params=FORMATS, ids=lambda version: f"format {version}")
def version(request: pytest.FixtureRequest) -> int:
    return int(request.param)


@pytest.fixture
def flow(version: int) -> Kept:
    return flow_on(version)


def test_each_format_has_a_store() -> None:
    """Who raises the format keeps a store of it: `tests.unit.runtime.stores.flow` says how."""
    assert sorted(file.name for file in STORES.glob("format_*.json")) == [f"format_{one}.json" for one in FORMATS]


@pytest.mark.parametrize(
    ("end", "written"),
    [
        ("/.splits/0.json", FORMAT),
        ("/Each/.record.json", FORMAT),
        ("/Each/cell.json", FORMAT),
        ("/.failures/Each/3.1.json", record.VERSION),
        ("/.times.json", timings.VERSION),
        ("/.graph.json", graphs.VERSION),
        ("/.run.json", runs.VERSION),
    ],
)
def test_the_newest_store_has_each_document_of_today(end: str, written: int) -> None:
    """A format that changes needs a store that has it. The store of the format before stays."""
    objects = objects_of(flow_on(FORMAT))
    found = [json.loads(content)["version"] for key, content in objects.items() if key.endswith(end)]
    assert found
    assert set(found) == {written}, "keep a store with the documents of before, and add one of today"


def test_notes_of_release_0_2() -> None:
    """Failures, times, graphs and runs are read as they were written."""
    execution = flow_on(3).execution("half")
    handle = LocalHandle(execution)
    (failure,) = [one for one in handle.failures() if one.layer == "Each"]
    assert (failure.index, failure.attempt, failure.reason) == (3, 1, "OSError: split 3")
    assert handle.status() == "FAILED"
    attempts = [(one.layer, one.index, one.outcome) for one in handle.timings().attempts]
    assert ("Each", 3, "failed") in attempts
    assert ("Shards", None, "succeeded") in attempts
    graph = graphs.read_graph(execution.datastore.transport, "Kept", "half")
    assert graph is not None
    assert (graph["Chained"]["after"], graph["Each"]["over"]) == (["Each"], ["Shards.number", "Shards.letter"])


def test_results(flow: Kept) -> None:
    """What an earlier release wrote of an execution that ended is read, joined or not, sharded or not."""
    before = dict(objects_of(flow))
    execution = flow.execution("whole")
    assert execution.finished
    shards, each = execution.layer("Shards"), execution.layer("Each")
    assert (shards.plain, shards.attempts, list(shards.number)) == ("plain", 2, [0, 1])
    assert (list(each.cell), list(each.pair)) == (CELLS, [0, "a", 0, "b", 1, "a", 1, "b"])
    assert (execution.layer("Each", index=2).cell, execution.layer("Parameters").n) == ("1a", 2)
    assert execution.layer("Total").all[0] == ["0A", "0B", "1A", "1B"]
    assert objects_of(flow) == before
    # What is not joined yet is joined of archives, with attempts or without.
    for key in [key for key in objects_of(flow) if key.endswith("/Each/cell.json") and "/.cache/" in key]:
        del objects_of(flow)[key]
    assert list(flow.execution("whole").layer("Each").cell) == CELLS


def test_listings(flow: Kept, version: int) -> None:
    """Executions, layers and attributes of an earlier release are listed."""
    store = flow.datastore
    executions = store.list_executions(flow=flow)
    assert [execution.id for execution in executions] == ["half", "whole"]
    assert store.list_layers(execution=executions[1]) == ["Chained", "Each", "Parameters", "Shards", "Total"]
    assert store.list_artifacts(layer=executions[1].layer("Each")) == ["cell", "pair"]
    # What attempt 1 left stands there under the finished record: release 0.1 did not distinguish attempts.
    shards, left = executions[1].layer("Shards"), ["left"] if version == 2 else []
    assert store.list_artifacts(layer=shards) == ["attempts", *left, "letter", "number", "plain"]


def test_resume(flow: Kept) -> None:
    """A fan-out of which an earlier release ran some splits runs the others, and nothing that failed stays."""
    execution = flow.execution("half")
    assert not execution.layer("Each").state.finished
    assert execution.layer("Each", index=3).tried
    before = dict(objects_of(flow))
    assert planner.plan_layer(execution, "Each").groups[0]["indexes"] == "3"
    resumed = execution.resume()
    assert resumed.layer("Total").all == [["0A", "0B", "1A", "1B"], [0, "a", 0, "b", 1, "a", 1, "b"], [0, 1], "plain"]
    for index in range(3):
        assert not [key for key in objects_of(flow).keys() - before.keys() if f"/Each/{index}/" in key]
    assert flow.datastore.list_artifacts(layer=resumed.layer("Each")) == ["cell", "pair"]
    assert not hasattr(resumed.layer("Each", index=3), "tried")


def test_elements_of_large_archives() -> None:
    """An archive without rows is read whole where one element of it is wanted."""
    flow = flow_on(2)
    artifacts = json.loads(objects_of(flow)["Kept/archives/half/Shards/0/number.json"])["artifacts"]
    content = json.dumps({"version": 2, "sharded": True, "artifacts": artifacts * 100}, separators=(",", ":"))
    objects_of(flow)["Kept/archives/half/Shards/0/number.json"] = content.encode()
    key, foreach = flow.execution("half").key("Each"), flow.registry["Each"].configuration.foreach
    assert fanout.count(flow.datastore, key, foreach) == 400
    found = [fanout.elements(flow.datastore, key, foreach, index)[0][1] for index in (0, 398)]
    assert [flow.datastore.read_artifact("Kept", artifact) for artifact in found] == [0, 1]


def test_the_id_is_taken(flow: Kept) -> None:
    """An execution of an earlier release is not run again under its id."""
    for name in ("half", "whole"):
        with pytest.raises(ExecutionError, match=f"execution {name} of flow 'Kept' already has results"):
            flow(name, n=3)


def test_the_flow_runs_beside_them(flow: Kept) -> None:
    """A new execution in an old store uses its values, and is stored as this release does."""
    assert "KEPT" not in os.environ
    execution = flow("new", n=2)
    assert execution.layer("Total").all[0] == ["0A", "0B", "1A", "1B"]
    assert not hasattr(execution.layer("Shards"), "left")
    assert len(flow.datastore.list_executions(flow=flow)) == 3
