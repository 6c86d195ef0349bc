"""What is of each kind of datastore's own. What all transports must do is in test_transports.py."""

from __future__ import annotations

import pickle
import subprocess
import sys
import textwrap
import threading
from pathlib import Path

import pytest

from laminar_runtime.configurations.datastores import AWS
from laminar_runtime.exceptions import DatastoreError


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


def test_s3_without_a_bucket(aws: str) -> None:
    """An error of AWS's own is reported with the address."""
    datastore = AWS.S3(root="s3://there-is-no-such-bucket/x/")
    with pytest.raises(DatastoreError, match=r"s3://there-is-no-such-bucket/x/a: .*NoSuchBucket"):
        datastore.transport.put("a", b"")


def test_s3_that_does_not_answer(aws: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """An error of botocore's own, here of a wrong region, is reported with the address too."""
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
