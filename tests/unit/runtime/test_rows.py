"""Large archives: a split reads its own element, and as many bytes of a thousand elements as of many times as many."""

from __future__ import annotations

import functools
import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from laminar_runtime.configurations.datastores import AWS, DataStore, Local, Memory
from laminar_runtime.configurations.datastores.s3_boto3 import Boto3Objects
from laminar_runtime.configurations.layers import ForEach, Parameter
from laminar_runtime.exceptions import DamagedError
from laminar_runtime.splits import fanout
from laminar_runtime.storage import rows
from laminar_runtime.storage.archives import Archive, Artifact
from laminar_runtime.storage.commits import Commit
from laminar_runtime.storage.layout import LayerKey
from laminar_runtime.storage.rows import Rows
from tests.support.sizes import size
from tests.support.transports import Recording

texts = st.text(st.characters(codec="utf-8"))
artifacts = st.builds(Artifact, texts, texts, texts)
#: Artifacts of the largest archive here.
MOST = size(10_000, full=100_000)
KEY = LayerKey("F", "e1", "Each")
OVER = LayerKey("F", "e1", "Over")


@given(st.lists(artifacts), st.booleans(), st.lists(st.integers(0)))
def test_each_item_is_where_it_is_said_to_be(items: list[Artifact], sharded: bool, missing: list[int]) -> None:  # noqa: FBT001
    """Whatever types are called, an archive is JSON, and each artifact stands in the bytes that `rows` names."""
    archive = Archive(items, sharded, missing)
    content = archive.dumps()
    assert [Artifact.parse(item) for item in json.loads(content)["artifacts"]] == items
    assert rows.find(content) == archive.rows
    for place, item in enumerate(items):
        start, end = archive.rows.span(place)
        assert Artifact.parse(rows.item(content[start:end])) == item


@pytest.mark.parametrize(
    "content", [b"", b"{}", b'{"artifacts": []}', b"[\n", b'{"count":1,"artifacts":[\n]}', b"\xff\n"]
)
def test_what_has_no_rows(content: bytes) -> None:
    """Of what an earlier release wrote, or is damaged, it is not known where items stand."""
    assert rows.find(content) is None


@functools.cache
def many(number: int) -> Archive:
    """Return an archive of many artifacts, none like the other."""
    kinds = ("builtins.int", "numpy.ndarray")
    return Archive([Artifact(kinds[place % 2], f"{place:064x}") for place in range(number)], sharded=True)


@pytest.fixture(
    params=[
        "Local",
        "Memory",
        pytest.param("S3", marks=pytest.mark.integration),
        pytest.param("S3 by boto3", marks=pytest.mark.integration),
    ]
)
def store(request: pytest.FixtureRequest, tmp_path: Path) -> DataStore:
    """A datastore of each kind, that notes how many bytes were read by how many requests."""
    if request.param == "Memory":
        inner: DataStore = Memory()
    elif request.param == "Local":
        inner = Local(tmp_path)
    else:
        inner = AWS.S3(root=request.getfixturevalue("s3_root"))
        if request.param == "S3 by boto3":
            inner.transport._use(Boto3Objects(inner.root.split("/")[2]))
    return DataStore(Recording(inner.transport))


def read(store: Any, index: int, parameter: Parameter) -> tuple[Artifact, int, int]:
    """Return the element that a split sees, and by how many requests, and bytes, it is read."""
    store.transport.clear()
    ((_, artifact),) = fanout.elements(store, KEY, ForEach(parameters=[parameter]), index)
    return artifact, len(store.transport.requests), store.transport.bytes_read


@pytest.mark.parametrize("number", [1_000, MOST])
def test_a_split_reads_its_element_of_what_was_sharded(store: DataStore, number: int) -> None:
    """The commit of the layer says where its element stands: two requests, and some hundred bytes."""
    archive = many(number)
    store.transport.put(OVER.archive(0, "item", "1-a"), archive.dumps())
    store.ledger.commit(OVER, index=0, commit=Commit("1-a", {"item": archive}), fans_out=False)
    for index in (0, 1, number // 2, number - 1):
        artifact, asked, size = read(store, index, Parameter("Over", "item"))
        assert artifact == archive.artifacts[index]
        assert asked == 2
        assert size < 500
    assert fanout.count(store, KEY, ForEach(parameters=[Parameter("Over", "item")])) == number


@pytest.mark.parametrize("number", [1_000, MOST])
def test_a_split_reads_its_element_of_a_join(store: DataStore, number: int) -> None:
    """So it is of what all splits of a layer wrote: the record, the beginning of the joined archive, and the row."""
    archive = many(number)
    store.transport.put(OVER.join_archive("item"), archive.dumps())
    store.ledger.write_record(OVER, splits=number)
    for index in (0, 57, number // 2, number - 1):
        artifact, asked, size = read(store, index, Parameter("Over", "item", index=None))
        assert artifact == archive.artifacts[index]
        assert asked == 3
        assert size < 9_000
    assert fanout.count(store, KEY, ForEach(parameters=[Parameter("Over", "item", index=None)])) == number


def test_a_small_join_is_read_at_once(store: DataStore) -> None:
    """A joined archive of few is read by one request."""
    store.transport.put(OVER.join_archive("item"), many(40).dumps())
    store.ledger.write_record(OVER, splits=40)
    artifact, asked, _ = read(store, 39, Parameter("Over", "item", index=None))
    assert (artifact, asked) == (many(40).artifacts[39], 2)


@pytest.mark.parametrize(
    "damage", [lambda content: content[:-200], lambda content: content.replace(b"numpy", b"\xffumpy")]
)
def test_damaged_rows(damage: Any) -> None:
    """The error for a damaged row has its key."""
    store = Memory()
    store.transport.put(OVER.archive(0, "item", "1-a"), damage(many(1_000).dumps()))
    store.ledger.commit(OVER, index=0, commit=Commit("1-a", {"item": many(1_000)}), fans_out=False)
    with pytest.raises(DamagedError, match=r"F/archives/e1/Over/0/1-a/item\.json is damaged"):
        fanout.elements(store, KEY, ForEach(parameters=[Parameter("Over", "item")]), 999)


def test_spans() -> None:
    """Rows stand one behind the other."""
    found = Rows(count=3, start=60, width=40)
    assert [found.span(place) for place in range(3)] == [(60, 100), (100, 140), (140, 180)]
