"""What is of each kind of datastore's own. What all transports must do is in test_transports.py."""

from __future__ import annotations

import errno
import os
import re
import stat
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from laminar_runtime.configurations.datastores import AWS, Local, from_root
from laminar_runtime.configurations.datastores.transport import ContentKey
from laminar_runtime.exceptions import DatastoreError, MissingError


def test_local_is_below_the_working_directory(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Without a root it is ``.laminar`` where the flow was made, also after the process went elsewhere."""
    monkeypatch.chdir(tmp_path)
    datastore = Local()
    monkeypatch.chdir("/")
    assert datastore.root == str(tmp_path / ".laminar")


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


def test_local_root_at_home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A root may begin with the user's home, and may be a path of pathlib."""
    monkeypatch.setenv("HOME", str(tmp_path))
    assert Local("~/x").root == Local(tmp_path / "x").root == str(tmp_path / "x")


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


@pytest.mark.parametrize(
    ("prepare", "message"),
    [
        (_folder_in_its_place, "the path is a folder, not a file"),
        (_file_above, "a part of the path is a file, not a folder"),
        (lambda _: "x" * 300, "shorten the root, or the names"),
        (lambda _: "a\0b", "cannot be the path of a file"),
    ],
)
def test_local_errors_of_the_system(prepare: Callable[[Path], str], message: str, tmp_path: Path) -> None:
    """Whatever keeps a file from being read or written is an error of ours, with the path and a cure."""
    store, path = Local(tmp_path), prepare(tmp_path)
    for attempt in (store.transport.get, store.transport.get_buffer, lambda path: store.transport.put(path, b"x")):
        with pytest.raises(DatastoreError, match=message) as error:
            attempt(path)
        assert str(tmp_path) in str(error.value)
        assert not isinstance(error.value, MissingError)
    assert [item.name for item in tmp_path.iterdir() if item.name.startswith(".")] == []


def test_local_maps_a_bounded_number_of_files(tmp_path: Path) -> None:
    """However many large files are read and kept, only so many keep a descriptor open; all read right."""
    store, large = Local(tmp_path), 2**20
    for number in range(40):
        store.transport.put(str(number), bytes([number]) * large)
    before = len(list(Path("/dev/fd").iterdir()))
    found = [store.transport.get_buffer(str(number)) for number in range(40)]
    assert len(list(Path("/dev/fd").iterdir())) - before <= 32
    assert all(bytes(content) == bytes([number]) * large for number, content in enumerate(found))
    del found
    assert len(list(Path("/dev/fd").iterdir())) <= before


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


@pytest.mark.parametrize("root", ["bucket/prefix", "s3://", "s3:///prefix", ""])
def test_s3_roots(root: str) -> None:
    """A root that names no bucket is refused, with the form that is expected."""
    with pytest.raises(DatastoreError, match="must be s3://bucket or s3://bucket/prefix, not"):
        AWS.S3(root=root)


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
