"""What every datastore must do, and what is of each kind's own."""

from __future__ import annotations

import pickle
import threading
from pathlib import Path
from typing import Any

import pytest

from laminar_runtime.artifacts import LayerKey
from laminar_runtime.configurations.datastores import AWS, DataStore, Local, Memory, from_root
from laminar_runtime.exceptions import DatastoreError, MissingError


@pytest.fixture(params=["Local", "Memory", "S3", "S3 by boto3"])
def datastore(request: pytest.FixtureRequest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> DataStore:
    """A datastore of each kind, empty."""
    if request.param == "Memory":
        return Memory()
    if request.param == "S3 by boto3":
        # A variable that only boto3 understands.
        monkeypatch.setenv("AWS_MAX_ATTEMPTS", "3")
    return Local(tmp_path) if request.param == "Local" else AWS.S3(root=request.getfixturevalue("s3_root"))


def test_bytes_survive(datastore: DataStore) -> None:
    """What is written is read, the last if it was written twice."""
    for content in (b"first", bytes(range(256)), b""):
        datastore.write_bytes(path="a/b/c.bin", content=content)
        assert datastore.read_bytes(path="a/b/c.bin") == content
    assert datastore.exists(path="a/b/c.bin")


def test_what_is_missing(datastore: DataStore) -> None:
    """What was not written does not exist, reading it tells its address, and the error is a ``FileNotFoundError``."""
    datastore.write_bytes(path="a/b", content=b"")
    for path in ("a/nope", "a", "a/b/c"):
        assert not datastore.exists(path=path)
    with pytest.raises(MissingError, match="nothing is stored at ") as caught:
        datastore.read_bytes(path="a/nope")
    assert isinstance(caught.value, FileNotFoundError)
    assert datastore.uri(path="a/nope") in str(caught.value)


def test_names(datastore: DataStore) -> None:
    """The names directly below a prefix, sorted, folders once, without those that begin with a dot."""
    for path in ("a/z", "a/b/c", "a/b/d", "a/.hidden/x", "ab/x"):
        datastore.write_bytes(path=path, content=b"x")
    assert datastore.names(prefix="a/") == ["b", "z"]
    assert datastore.names(prefix="nope/") == []


def test_map_keeps_the_order(datastore: DataStore) -> None:
    """Results come in the order of the items, however many, and errors come out."""
    assert list(datastore.map(lambda number: number * 2, iter(range(100)))) == list(range(0, 200, 2))
    assert list(datastore.map(str, [1])) == ["1"]
    assert list(datastore.map(str, [])) == []
    with pytest.raises(ZeroDivisionError):
        list(datastore.map(lambda number: 1 // number, [1, 0, 1]))


def test_map_is_lazy(datastore: DataStore) -> None:
    """Who takes one result has not had all of a long list read."""
    asked: list[int] = []
    assert next(iter(datastore.map(lambda number: asked.append(number) or number, range(1000)))) == 0
    assert len(asked) < 100


def test_values_are_written_where_they_are_not(datastore: DataStore) -> None:
    """A value that is stored is not stored again, and one whose bytes were damaged is."""
    key = LayerKey("Flow", "e1", "Layer")

    def write() -> str:
        archive = datastore.write(key, index=0, name="foo", values=["value"], sharded=False)
        return archive.artifacts[0].key("Flow")

    path = write()
    content = datastore.read_bytes(path=path)
    assert write() == path
    for damaged in (content[:-1], content[:-1] + b"?"):
        datastore.write_bytes(path=path, content=damaged)
        assert write() == path
        assert datastore.read_bytes(path=path) == content


def test_the_base_is_no_kind() -> None:
    """The base has no place for bytes, and says which kinds have."""
    base: Any = DataStore("nowhere")
    for call in (base.exists, base.read_bytes):
        with pytest.raises(TypeError, match="no kind of datastore: use Local, Memory or"):
            call(path="x")
    with pytest.raises(TypeError, match="no kind of datastore"):
        base.write_bytes(path="x", content=b"")
    with pytest.raises(TypeError, match="no kind of datastore"):
        base.names(prefix="x/")


def test_local_is_below_the_working_directory(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Without a root it is ``.laminar`` where the flow was made, also after the process went elsewhere."""
    monkeypatch.chdir(tmp_path)
    datastore = Local()
    monkeypatch.chdir("/")
    assert datastore.root == str(tmp_path / ".laminar")


def test_local_leaves_no_half_written_files(tmp_path: Path) -> None:
    """A write that fails leaves what was there before, and nothing beside it."""
    datastore = Local(tmp_path)
    datastore.write_bytes(path="a", content=b"before")
    with pytest.raises(TypeError):
        datastore.write_bytes(path="a", content="no bytes")  # type: ignore[arg-type]
    assert [item.name for item in tmp_path.iterdir()] == ["a"]
    assert datastore.read_bytes(path="a") == b"before"


@pytest.mark.parametrize("root", ["bucket/prefix", "s3://", "s3:///prefix", ""])
def test_s3_roots(root: str) -> None:
    """A root that names no bucket is refused, with the form that is expected."""
    with pytest.raises(DatastoreError, match="is s3://bucket or s3://bucket/prefix, not"):
        AWS.S3(root=root)


def test_s3_without_a_bucket(aws: str) -> None:
    """An error of AWS's own is told with the address."""
    datastore = AWS.S3(root="s3://there-is-no-such-bucket/x/")
    with pytest.raises(DatastoreError, match=r"s3://there-is-no-such-bucket/x/a: .*NoSuchBucket"):
        datastore.write_bytes(path="a", content=b"")


def test_s3_that_does_not_answer(aws: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """An error of boto3's own, here a region that is none, is told with the address too."""
    monkeypatch.setenv("AWS_DEFAULT_REGION", "no region")
    with pytest.raises(DatastoreError, match="s3://bucket/a: "):
        AWS.S3(root="s3://bucket").read_bytes(path="a")


def test_s3_in_a_whole_bucket(s3_root: str) -> None:
    """A root may be a bucket without a prefix."""
    datastore = AWS.S3(root=s3_root.removesuffix("/flows"))
    datastore.write_bytes(path="a/b", content=b"x")
    assert datastore.names(prefix="a/") == ["b"]


def test_s3_in_many_threads(s3_root: str) -> None:
    """Threads may share a datastore from its first call on."""
    datastore, errors = AWS.S3(root=s3_root), []

    def write(number: int) -> None:
        try:
            datastore.write_bytes(path=f"a/{number}", content=b"x")
        except Exception as error:  # noqa: BLE001
            errors.append(error)

    threads = [threading.Thread(target=write, args=(number,)) for number in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert errors == []
    assert len(datastore.names(prefix="a/")) == 8


def test_s3_can_be_pickled(s3_root: str) -> None:
    """A datastore that was used can be sent to another process."""
    datastore = AWS.S3(root=s3_root)
    datastore.write_bytes(path="a", content=b"x")
    assert pickle.loads(pickle.dumps(datastore)).read_bytes(path="a") == b"x"  # noqa: S301


def test_from_root(tmp_path: Path) -> None:
    """A task's datastore is where the environment says, with the protocols of the flow's."""
    local = Local(tmp_path)
    local.protocols["x"] = object()  # type: ignore[assignment]
    assert from_root(str(tmp_path), local) is local
    other, s3 = from_root(str(tmp_path / "other"), local), from_root("s3://bucket/x", local)
    assert isinstance(other, Local)
    assert isinstance(s3, AWS.S3)
    assert (other.root, s3.root) == (str(tmp_path / "other"), "s3://bucket/x")
    assert other.protocols == s3.protocols == local.protocols
