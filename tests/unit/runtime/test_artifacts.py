"""The layout of a datastore, and the archives and records in it."""

from __future__ import annotations

import hashlib
import json
import re

from hypothesis import given
from hypothesis import strategies as st

from laminar_runtime import Flow, Layer
from laminar_runtime.configurations.layers import ForEach, Parameter
from laminar_runtime.storage.archives import Archive, Artifact
from laminar_runtime.storage.commits import Record
from laminar_runtime.storage.layout import LayerKey
from tests.support.harness import archive_key, in_memory, objects_of

names = st.text(min_size=1)
artifacts = st.builds(Artifact, names, st.binary(min_size=32, max_size=32).map(bytes.hex), names)
archives = st.builds(Archive, st.lists(artifacts), st.booleans())
seconds = st.none() | st.floats(0, allow_infinity=False)


@given(archives)
def test_archives_survive(archive: Archive) -> None:
    """An archive that is written and read is the same."""
    assert Archive.loads(archive.dumps(), key="k") == archive


@given(st.builds(Record, names, names, st.integers(0), seconds))
def test_records_survive(record: Record) -> None:
    """A record that is written and read is the same."""
    assert Record.loads(record.dumps(), key="k") == record


@given(st.lists(archives))
def test_joining_keeps_the_order(parts: list[Archive]) -> None:
    """The archives of all splits are put one behind the other."""
    assert list(Archive.join(parts).artifacts) == [artifact for part in parts for artifact in part.artifacts]


class MyFlow(Flow): ...


@MyFlow.register
class Shards(Layer):
    def __call__(self) -> None:
        self.shard(foo=["same", "same", "other"])


@MyFlow.register(foreach=ForEach(parameters=[Parameter(Shards, "foo")]))
class Each(Layer):
    def __call__(self, shards: Shards) -> None:
        self.foo = shards.foo


@MyFlow.register
class Silent(Layer):
    def __call__(self) -> None: ...


def test_layout() -> None:
    """Keys and contents are those that other tools rely on."""
    flow = in_memory(MyFlow)
    list(flow("e1", day="today").layer(Each).foo)
    found = objects_of(flow)
    values = {key for key in found if key.startswith("MyFlow/artifacts/")}
    # An attempt's token is of its number, and of what no other has.
    archives = {re.sub(r"/1-[0-9a-f]{28}/", "/<attempt>/", key) for key in found.keys() - values}
    assert archives == {
        "MyFlow/.cache/e1/.graph.json",
        "MyFlow/.cache/e1/.run.json",
        "MyFlow/.cache/e1/.times.json",
        "MyFlow/.cache/e1/Each/.record.json",
        "MyFlow/.cache/e1/Each/.splits/0.json",
        "MyFlow/.cache/e1/Each/.splits/1.json",
        "MyFlow/.cache/e1/Each/.splits/2.json",
        "MyFlow/.cache/e1/Each/foo.json",
        "MyFlow/.cache/e1/Parameters/.record.json",
        "MyFlow/.cache/e1/Shards/.record.json",
        "MyFlow/.cache/e1/Silent/.record.json",
        "MyFlow/archives/e1/Each/0/<attempt>/foo.json",
        "MyFlow/archives/e1/Each/1/<attempt>/foo.json",
        "MyFlow/archives/e1/Each/2/<attempt>/foo.json",
        "MyFlow/archives/e1/Parameters/0/<attempt>/day.json",
        "MyFlow/archives/e1/Shards/0/<attempt>/foo.json",
    }
    # "today", "same" and "other": the same value is stored once.
    assert all(key.startswith(f"MyFlow/artifacts/{hashlib.sha256(found[key]).hexdigest()}.") for key in values)
    assert len(values) == 3


def test_archive_as_json() -> None:
    """An archive is JSON that lists type and hash of each value, in order."""
    flow = in_memory(MyFlow)
    flow("e1")
    document = json.loads(objects_of(flow)[archive_key(flow, "Shards", "foo")])
    assert [item["dtype"] for item in document["artifacts"]] == ["builtins.str"] * 3
    hexdigests = [item["hexdigest"] for item in document["artifacts"]]
    values = {key.rpartition("/")[2].partition(".")[0] for key in objects_of(flow) if "/artifacts/" in key}
    assert values == set(hexdigests)
    assert (hexdigests[0] == hexdigests[1], hexdigests[1] == hexdigests[2]) == (True, False)


def test_record_as_json() -> None:
    """A record is JSON that names flow and layer and counts the splits."""
    flow = in_memory(MyFlow)
    flow("e1")
    document = json.loads(objects_of(flow)["MyFlow/.cache/e1/Each/.record.json"])
    assert (document["flow"], document["layer"]) == ({"name": "MyFlow"}, {"name": "Each"})
    assert document["execution"]["splits"] == 3


def test_least_documents_are_read() -> None:
    """What the contract lists is enough: fields of ours have defaults."""
    digest = "0" * 64
    archive = b'{"artifacts": [{"dtype": "builtins.int", "hexdigest": "%s"}]}' % digest.encode()
    assert Archive.loads(archive, key="k") == Archive([Artifact("builtins.int", digest)])
    record = b'{"flow": {"name": "F"}, "layer": {"name": "L"}, "execution": {"splits": 2}}'
    assert Record.loads(record, key="k") == Record("F", "L", 2)


def test_keys() -> None:
    """A layer's keys are made in one place."""
    key = LayerKey("F", "e1", "L")
    assert key.archive(2, "foo") == "F/archives/e1/L/2/foo.json"
    assert key.join_archive("foo") == "F/.cache/e1/L/foo.json"
    assert key.record == "F/.cache/e1/L/.record.json"
    assert Artifact("t", "abc", "bin").key("F") == "F/artifacts/abc.bin"


def test_listings() -> None:
    """Executions, oldest first, their layers that wrote something, and the names of what these wrote."""
    flow = in_memory(MyFlow)
    ids = [flow(day=number).id for number in range(3)]
    store = flow.datastore
    assert [execution.id for execution in store.list_executions(flow=flow)] == ids
    execution = flow.execution(str(ids[0]))
    assert store.list_layers(execution=execution) == ["Each", "Parameters", "Shards"]
    assert store.list_artifacts(layer=execution.layer("Parameters")) == ["day"]
    assert store.list_artifacts(layer=execution.layer(Each)) == ["foo"]
    assert store.list_artifacts(layer=execution.layer(Silent)) == []
    assert store.list_layers(execution=flow.execution("unknown")) == []
