"""What is of each kind of datastore's own. What all transports must do is in test_transports.py."""

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

from laminar_runtime.configurations.datastores import AWS, Local, from_root
from laminar_runtime.configurations.datastores.transport import ContentKey
from laminar_runtime.exceptions import DatastoreError, MissingError


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
    transport = Local(tmp_path).transport
    transport.put("a", b"before")
    with pytest.raises(TypeError):
        transport.put("a", "no bytes")  # type: ignore[arg-type]
    with pytest.raises(ZeroDivisionError):
        transport.put(ContentKey("", lambda: str(1 // 0)), bytes(2**20))
    assert [item.name for item in tmp_path.iterdir()] == ["a"]
    assert transport.get("a") == b"before"


@pytest.mark.unit
def test_local_writes_no_bytes_that_are_there(tmp_path: Path) -> None:
    """A small file that is named after its bytes, and has them, is left alone, which is quicker."""
    transport = Local(tmp_path).transport
    for key, same in ((ContentKey("a/", lambda: "a/b"), True), ("a/b", False)):
        transport.put(key, b"some", b"thing")
        before = (tmp_path / "a/b").stat().st_ino
        (tmp_path / "other").unlink(missing_ok=True)
        (tmp_path / "other").hardlink_to(tmp_path / "a/b")  # so that its number is not used again
        transport.put(key, b"something")
        assert ((tmp_path / "a/b").stat().st_ino == before) is same


@pytest.mark.unit
@pytest.mark.parametrize(
    "root",
    ["", " ", "s3://bucket/x", Path("s3://bucket/x"), "gs://bucket", "file:///x", "~nobody-here/x", "a\0b", None, 5],
)
def test_local_roots(root: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """What is no path of a folder is refused, and no folder of that name is made."""
    monkeypatch.chdir(tmp_path)
    with pytest.raises(DatastoreError, match="the root of a Local datastore must be the path of a folder, not"):
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
        Local(tmp_path).transport.put("a/b", b"x")
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
        (_folder_in_its_place, "the path is a folder, not a file"),
        (_file_above, "a part of the path is a file, not a folder"),
        (lambda _: "x" * 300, "shorten the root, or the names"),
        (lambda _: "a\0b", "cannot be the path of a file"),
    ],
)
def test_local_errors_of_the_system(prepare: Callable[[Path], str], told: str, tmp_path: Path) -> None:
    """Whatever keeps a file from being read or written is an error of ours, with the path and a cure."""
    store, path = Local(tmp_path), prepare(tmp_path)
    for attempt in (store.transport.get, store.transport.get_buffer, lambda path: store.transport.put(path, b"x")):
        with pytest.raises(DatastoreError, match=told) as error:
            attempt(path)
        assert str(tmp_path) in str(error.value)
        assert not isinstance(error.value, MissingError)
    assert [item.name for item in tmp_path.iterdir() if item.name.startswith(".")] == []


@pytest.mark.unit
def test_local_maps_a_bounded_number_of_files(tmp_path: Path) -> None:
    """However many large files are read and kept, only so many keep a descriptor open; all read right."""
    store = Local(tmp_path)
    for number in range(60):
        store.transport.put(str(number), bytes([number]) * 2**20)
    before = len(list(Path("/dev/fd").iterdir()))
    found = [store.transport.get_buffer(str(number)) for number in range(60)]
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
    from laminar_runtime.configurations.datastores.transport import ContentKey
    store = Local(sys.argv[1])
    store.transport.put("F/artifacts/a", b"x")
    store.transport.put("F/archives/b", b"x")
    assert not synced
    store.transport.put("F/.cache/e/c", b"x")
    print(synced[:2], synced[2].startswith(".writing-"), len(synced))
    # What another process has written, and was killed before it was on the disk, is a part of what this one states.
    other = Local(sys.argv[1])
    other.transport.put(ContentKey("F/artifacts/", lambda: "F/artifacts/a"), b"x")
    other.transport.create("F/.cache/e/d", b"x")
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
    assert datastore.transport.create("a/b", b"first")
    assert not datastore.transport.create("a/b", b"second")
    assert datastore.transport.get("a/b") == b"first"
    refuse(errno.ENOSPC)
    with pytest.raises(DatastoreError, match=os.strerror(errno.ENOSPC)):
        datastore.transport.create("a/c", b"first")
    assert [item.name for item in (tmp_path / "a").iterdir()] == ["b"]


@pytest.mark.unit
@pytest.mark.parametrize("root", ["bucket/prefix", "s3://", "s3:///prefix", ""])
def test_s3_roots(root: str) -> None:
    """A root that names no bucket is refused, with the form that is expected."""
    with pytest.raises(DatastoreError, match="must be s3://bucket or s3://bucket/prefix, not"):
        AWS.S3(root=root)


def test_s3_without_a_bucket(aws: str) -> None:
    """An error of AWS's own is told with the address."""
    datastore = AWS.S3(root="s3://there-is-no-such-bucket/x/")
    with pytest.raises(DatastoreError, match=r"s3://there-is-no-such-bucket/x/a: .*NoSuchBucket"):
        datastore.transport.put("a", b"")


def test_s3_that_does_not_answer(aws: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """An error of botocore's own, here a region that is none, is told with the address too."""
    monkeypatch.setenv("AWS_DEFAULT_REGION", "no region")
    with pytest.raises(DatastoreError, match="s3://bucket/a: "):
        AWS.S3(root="s3://bucket").transport.get("a")


def test_s3_in_a_whole_bucket(s3_root: str) -> None:
    """A root may be a bucket without a prefix."""
    datastore = AWS.S3(root=s3_root.removesuffix("/flows"))
    datastore.transport.put("a/b", b"x")
    assert datastore.transport.names("a/") == ["b"]


def test_s3_in_many_threads(s3_root: str) -> None:
    """Threads may share a datastore from its first call on."""
    datastore, errors = AWS.S3(root=s3_root), []

    def write(number: int) -> None:
        try:
            datastore.transport.put(f"a/{number}", b"x")
        except Exception as error:  # noqa: BLE001
            errors.append(error)

    threads = [threading.Thread(target=write, args=(number,)) for number in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert errors == []
    assert len(datastore.transport.names("a/")) == 8


def test_s3_can_be_pickled(s3_root: str) -> None:
    """A datastore that was used can be sent to another process."""
    datastore = AWS.S3(root=s3_root)
    datastore.transport.put("a", b"x")
    assert pickle.loads(pickle.dumps(datastore)).transport.get("a") == b"x"  # noqa: S301


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
