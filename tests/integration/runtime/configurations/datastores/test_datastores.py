"""What every datastore must do, and what is of each kind's own."""

from __future__ import annotations

import errno
import os
import pickle
import re
import stat
import subprocess
import sys
import textwrap
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from laminar_runtime.configurations.datastores import AWS, DataStore, Local, Memory, from_root
from laminar_runtime.configurations.datastores.s3_boto3 import Boto3Objects
from laminar_runtime.exceptions import DatastoreError, MissingError
from laminar_runtime.storage.layout import LayerKey


@pytest.fixture(
    params=[
        pytest.param("Local", marks=pytest.mark.unit),
        pytest.param("Memory", marks=pytest.mark.unit),
        "S3",
        "S3 by boto3",
    ]
)
def datastore(request: pytest.FixtureRequest, tmp_path: Path) -> DataStore:
    """A datastore of each kind, empty."""
    if request.param == "Memory":
        return Memory()
    if request.param == "Local":
        return Local(tmp_path)
    found = AWS.S3(root=request.getfixturevalue("s3_root"))
    if request.param == "S3 by boto3":
        found._use(Boto3Objects(found.root.split("/")[2]))
    return found


def test_bytes_survive(datastore: DataStore) -> None:
    """What is written is read, the last if it was written twice."""
    for content in (b"first", bytes(range(256)), b""):
        datastore.write_bytes(path="a/b/c.bin", content=content)
        assert datastore.read_bytes(path="a/b/c.bin") == content
    assert datastore.exists(path="a/b/c.bin")


def test_what_is_created_once(datastore: DataStore) -> None:
    """Of all that create a key at once, one succeeds, and what it created stays."""
    created: dict[int, bool] = {}

    def create(number: int) -> None:
        created[number] = datastore.create_bytes(path="a/b", content=b"%d" % number)

    threads = [threading.Thread(target=create, args=(number,)) for number in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    (winner,) = (number for number, first in created.items() if first)
    assert len(created) == 8
    assert datastore.read_bytes(path="a/b") == b"%d" % winner
    assert not datastore.create_bytes(path="a/b", content=b"%d" % winner)
    assert datastore.names(prefix="a/") == ["b"]


@pytest.mark.unit
def test_a_kind_that_creates_nothing_by_itself() -> None:
    """A kind of datastore of one's own need not know how to create: it looks, and writes."""

    class Own(Memory):
        create_bytes = DataStore.create_bytes

    datastore = Own()
    assert datastore.create_bytes(path="a", content=b"x")
    assert not datastore.create_bytes(path="a", content=b"y")
    assert datastore.read_bytes(path="a") == b"x"


def test_some_of_the_bytes(datastore: DataStore) -> None:
    """A range of bytes is read, as far as there are so many."""
    datastore.write_bytes(path="a", content=b"0123456789")
    datastore.write_bytes(path="empty", content=b"")
    ranges = [(0, 3), (4, 6), (8, 20), (10, 20), (30, 40)]
    found = [datastore.read_range(path="a", start=start, end=end) for start, end in ranges]
    assert found == [b"012", b"45", b"89", b"", b""]
    assert datastore.read_range(path="empty", start=0, end=8) == b""
    with pytest.raises(MissingError, match="nothing is stored at "):
        datastore.read_range(path="nope", start=0, end=8)


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


@pytest.mark.unit
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


@pytest.mark.unit
def test_local_is_below_the_working_directory(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Without a root it is ``.laminar`` where the flow was made, also after the process went elsewhere."""
    monkeypatch.chdir(tmp_path)
    datastore = Local()
    monkeypatch.chdir("/")
    assert datastore.root == str(tmp_path / ".laminar")


@pytest.mark.unit
def test_local_leaves_no_half_written_files(tmp_path: Path) -> None:
    """A write that fails leaves what was there before, and nothing beside it."""
    datastore = Local(tmp_path)
    datastore.write_bytes(path="a", content=b"before")
    with pytest.raises(TypeError):
        datastore.write_bytes(path="a", content="no bytes")  # type: ignore[arg-type]
    assert [item.name for item in tmp_path.iterdir()] == ["a"]
    assert datastore.read_bytes(path="a") == b"before"


@pytest.mark.unit
@pytest.mark.parametrize(
    "root",
    ["", " ", "s3://bucket/x", Path("s3://bucket/x"), "gs://bucket", "file:///x", "~nobody-here/x", "a\0b", None, 5],
)
def test_local_roots(root: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """What is no path of a folder is refused, and no folder of that name is made."""
    monkeypatch.chdir(tmp_path)
    with pytest.raises(DatastoreError, match="the root of a Local datastore is the path of a folder, not"):
        Local(root)
    assert list(tmp_path.iterdir()) == []


@pytest.mark.unit
def test_local_root_at_home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A root may begin with the user's home, and may be a path of pathlib."""
    monkeypatch.setenv("HOME", str(tmp_path))
    assert Local("~/x").root == Local(tmp_path / "x").root == str(tmp_path / "x")


@pytest.mark.unit
@pytest.mark.parametrize("umask", [0o022, 0o077, 0o002])
def test_local_heeds_the_umask(umask: int, tmp_path: Path) -> None:
    """Files have the rights that any new file of the user has, so that a team can share a folder."""
    before = os.umask(umask)
    try:
        Local(tmp_path).write_bytes(path="a/b", content=b"x")
    finally:
        os.umask(before)
    assert stat.S_IMODE((tmp_path / "a" / "b").stat().st_mode) == 0o666 & ~umask


def _folder_in_its_place(root: Path) -> str:
    (root / "a").mkdir()
    return "a"


def _file_above(root: Path) -> str:
    (root / "a").write_text("")
    return "a/b"


@pytest.mark.unit
@pytest.mark.parametrize(
    ("prepare", "told"),
    [
        (_folder_in_its_place, "a folder stands where a file belongs"),
        (_file_above, "a file stands where a folder belongs"),
        (lambda _: "x" * 300, "shorten the root, or the names"),
        (lambda _: "a\0b", "cannot be the path of a file"),
    ],
)
def test_local_errors_of_the_system(prepare: Callable[[Path], str], told: str, tmp_path: Path) -> None:
    """Whatever keeps a file from being read or written is an error of ours, with the path and a cure."""
    store, path = Local(tmp_path), prepare(tmp_path)
    for attempt in (store.read_bytes, store.read_buffer, lambda path: store.write_bytes(path=path, content=b"x")):
        with pytest.raises(DatastoreError, match=told) as error:
            attempt(path=path)
        assert str(tmp_path) in str(error.value)
        assert not isinstance(error.value, MissingError)
    assert [item.name for item in tmp_path.iterdir() if item.name.startswith(".")] == []


@pytest.mark.unit
def test_local_maps_a_bounded_number_of_files(tmp_path: Path) -> None:
    """However many large files are read and kept, only so many keep a descriptor open; all read right."""
    store = Local(tmp_path)
    for number in range(60):
        store.write_bytes(path=str(number), content=bytes([number]) * 2**20)
    before = len(list(Path("/dev/fd").iterdir()))
    found = [store.read_buffer(path=str(number)) for number in range(60)]
    assert len(list(Path("/dev/fd").iterdir())) - before <= 32
    assert all(set(bytes(content)) == {number} for number, content in enumerate(found))
    del found
    assert len(list(Path("/dev/fd").iterdir())) <= before


def test_local_syncs_before_it_states_facts(tmp_path: Path) -> None:
    """What a record is about is on the disk before the record is written: files are synced in that order."""
    code = """
    import os, sys
    synced = []
    def fsync(descriptor, real=os.fsync):
        synced.append(os.path.basename(os.readlink(f"/proc/self/fd/{descriptor}")))
        real(descriptor)
    os.fsync = fsync
    from laminar_runtime.configurations.datastores import Local
    store = Local(sys.argv[1])
    store.write_bytes(path="F/artifacts/a", content=b"x")
    store.write_bytes(path="F/archives/b", content=b"x")
    assert not synced
    store.write_bytes(path="F/.cache/e/c", content=b"x")
    print(synced[:2], synced[2].startswith(".writing-"), len(synced))
    # What another process has written, and was killed before it was on the disk, is a part of what this one states.
    other = Local(sys.argv[1])
    assert other.holds(path="F/artifacts/a", parts=[b"x"])
    other.create_bytes(path="F/.cache/e/d", content=b"x")
    print(synced[3:4])
    """
    ended = subprocess.run(
        [sys.executable, "-c", textwrap.dedent(code), str(tmp_path)], capture_output=True, text=True, check=True
    )
    assert ended.stdout.splitlines() == ["['a', 'b'] True 3", "['a']"]


@pytest.mark.unit
@pytest.mark.parametrize(
    "root",
    [
        "s3://bucket//x",
        "s3://bucket/a/../b",
        "s3://bucket/./b",
        "s3://bucket/a\nb",
        "s3://arn:aws:s3:eu-west-1:123456789012:accesspoint/x",
        "s3://b",
    ],
)
def test_s3_roots_that_not_every_client_can_name(root: str) -> None:
    """A prefix with a part that is empty, `.` or `..`, and what names no bucket, are refused."""
    with pytest.raises(DatastoreError, match=re.escape(repr(root))):
        AWS.S3(root=root)


@pytest.mark.unit
def test_local_where_files_have_one_name(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A file system without links, such as FAT, creates a key once, too; another error of its is not hidden."""

    def refuse(number: int) -> None:
        monkeypatch.setattr(os, "link", lambda *_: (_ for _ in ()).throw(OSError(number, os.strerror(number))))

    datastore = Local(tmp_path)
    refuse(errno.EPERM)
    assert datastore.create_bytes(path="a/b", content=b"first")
    assert not datastore.create_bytes(path="a/b", content=b"second")
    assert datastore.read_bytes(path="a/b") == b"first"
    refuse(errno.ENOSPC)
    with pytest.raises(DatastoreError, match=os.strerror(errno.ENOSPC)):
        datastore.create_bytes(path="a/c", content=b"first")
    assert [item.name for item in (tmp_path / "a").iterdir()] == ["b"]


@pytest.mark.unit
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
    """An error of botocore's own, here a region that is none, is told with the address too."""
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


@pytest.mark.unit
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
