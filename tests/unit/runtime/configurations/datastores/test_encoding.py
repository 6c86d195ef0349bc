"""How values become objects: in frames, compressed where that gains, and read back as they were."""

from __future__ import annotations

import hashlib
import subprocess
import sys
import textwrap
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from laminar_runtime.configurations import datastores, serde
from laminar_runtime.configurations.datastores.encoding import Encoded, decode, encode
from laminar_runtime.exceptions import DamagedError, DatastoreError
from laminar_runtime.storage.layout import LayerKey

PICKLE = serde.PickleProtocol()
KEY = LayerKey("Flow", "e1", "A")
SMALL = st.one_of(st.none(), st.booleans(), st.integers(), st.text(), st.binary(max_size=100))


def joined(encoded: Encoded) -> bytearray:
    """Return the object that an encoded value is stored as."""
    return bytearray(b"".join(encoded.parts))


def there_and_back(value: Any, protocol: serde.Protocol = PICKLE) -> Any:
    """Return a value, stored and read."""
    encoded = encode(value, protocol)
    return decode(joined(encoded), encoded.extension, protocol, place="here")


@given(st.recursive(SMALL, lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner)))
def test_values_come_back(value: Any) -> None:
    """Any value of plain types comes back equal."""
    assert there_and_back(value) == value


@pytest.mark.parametrize(
    ("value", "extension"),
    [
        (7, "pickle"),
        ("text " * 10_000, "pickle.zst"),
        (np.random.default_rng(0).random(100_000), "frames"),
        (np.zeros(100_000), "frames.zst"),
        (np.arange(10), "pickle"),
    ],
)
def test_each_artifact_is_stored_as_it_gains(value: Any, extension: str) -> None:
    """Large buffers stand apart, and only what becomes smaller is compressed."""
    assert encode(value, PICKLE).extension == extension
    assert np.array_equal(there_and_back(value), value)


def test_large_buffers_are_not_copied() -> None:
    """What is written of an array is the array's own memory, and what is read is a view that may be written to."""
    array = np.random.default_rng(0).random(100_000)
    encoded = encode(array, PICKLE)
    assert any(
        np.shares_memory(np.frombuffer(part, "u1"), array) for part in encoded.parts if len(part) == array.nbytes
    )
    content = joined(encoded)
    read = decode(content, encoded.extension, PICKLE, place="here")
    assert np.shares_memory(np.frombuffer(content, "u1"), read)
    read[0] = 2.0


def test_the_name_is_the_hash_of_the_object() -> None:
    """An object's name is the SHA-256 of its bytes, so that equal values are stored once."""
    for value in (1, "x" * 100_000, np.ones(100_000), np.random.default_rng(0).random(100_000)):
        encoded = encode(value, PICKLE)
        assert hashlib.sha256(joined(encoded)).hexdigest() == encoded.digest()
        assert encode(value, PICKLE).digest() == encoded.digest()


@pytest.mark.parametrize("value", ["x" * 100_000, np.random.default_rng(0).random(100_000)])
@pytest.mark.parametrize("kept", [0, 5, 0.5, -1])
def test_cut_objects_are_damaged(value: Any, kept: float) -> None:
    """An object that lost its end, or all of it, is reported as damaged, with its place."""
    encoded = encode(value, PICKLE)
    content = joined(encoded)
    with pytest.raises(DamagedError, match=r"^here is damaged"):
        decode(
            content[: int(kept * len(content)) if kept == 0.5 else int(kept)], encoded.extension, PICKLE, place="here"
        )


@pytest.mark.integration
@pytest.mark.parametrize("kind", ["Memory", "Local", "S3"])
@pytest.mark.parametrize("number", [0, 3, 3_000_000])
def test_large_and_small_arrays_in_each_datastore(kind: str, number: int, tmp_path: Any, s3_root: str) -> None:
    """Arrays of 0 bytes to 24 megabytes come back from each kind of datastore."""
    stores = {
        "Memory": datastores.Memory,
        "Local": lambda: datastores.Local(root=tmp_path),
        "S3": lambda: datastores.AWS.S3(root=s3_root),
    }
    store, array = stores[kind](), np.random.default_rng(0).random(number)
    archive = store.write(KEY, index=0, name="array", values=[array], sharded=False)
    assert np.array_equal(store.read("Flow", archive), array)


def test_json_where_asked_for() -> None:
    """Types registered for JSON are stored as JSON, and others still pickled."""
    store = datastores.Memory()
    store.protocol(dict, list)(serde.JsonProtocol)
    archive = store.write(KEY, index=0, name="x", values=[{"a": [1, None, "é"]}, (1, 2)], sharded=True)
    assert [artifact.extension for artifact in archive.artifacts] == ["json", "pickle"]
    assert list(store.read("Flow", archive)) == [{"a": [1, None, "é"]}, (1, 2)]


@pytest.mark.parametrize("value", [[(1, 2)], {1: "a"}, [{"a": {1}}], [b"x"]])
def test_json_refuses_what_would_not_come_back(value: Any) -> None:
    """What JSON would bring back as something else is refused when it is written."""
    with pytest.raises(TypeError, match=r"JSON (cannot restore|changes the keys)"):
        serde.JsonProtocol().dumps(value)


def _around_itself() -> list[Any]:
    inner: dict[str, Any] = {}
    inner["a"] = [inner]
    return [inner]


def _deep() -> list[Any]:
    found: list[Any] = []
    for _ in range(100_000):
        found = [found]
    return found


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (_around_itself, "contains itself"),
        (_deep, "nested too deeply"),
        (lambda: [float("nan")], "JSON cannot express nan"),
        (lambda: {"a": -float("inf")}, "JSON cannot express -inf"),
    ],
)
def test_json_refuses_what_it_cannot_say(make: Callable[[], Any], message: str) -> None:
    """A value that contains itself ends in an error and not in a hang; the artifact is named with the cure."""
    store = datastores.Memory()
    store.protocol(dict, list)(serde.JsonProtocol)
    with pytest.raises(DatastoreError, match=f"artifact 'x' of layer .*{message}"):
        store.write(KEY, index=0, name="x", values=[make()], sharded=False)


def test_json_takes_the_same_value_twice() -> None:
    """A value that stands in several places contains itself in none."""
    inner = [1]
    assert serde.JsonProtocol().dumps([inner, inner, {"a": inner}]) == b'[[1],[1],{"a":[1]}]'


@pytest.mark.integration
def test_large_bytes_are_in_memory_once(tmp_path: Path) -> None:
    """Bytes are written and read at 1.1 times their size: there is no second copy of them."""
    code = """
    import os, resource, sys
    from laminar_runtime.storage.layout import LayerKey
    from laminar_runtime.configurations.datastores import Local
    store, key, size = Local(sys.argv[1]), LayerKey("F", "e", "A"), 200 * 2**20
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    if sys.argv[2] == "write":
        value = os.urandom(size)
        store.write(key, index=0, name="x", values=[value], sharded=False)
    else:
        value = store.read("F", store.ledger.read_archive(key, index=0, name="x"))
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    print(type(value).__name__, len(value) == size, (peak - before) * 1024 / size < 1.1)
    """
    for what in ("write", "read"):
        words = [sys.executable, "-c", textwrap.dedent(code), str(tmp_path), what]
        ended = subprocess.run(words, capture_output=True, text=True, check=True)
        assert ended.stdout.split() == ["bytes", "True", "True"]


def test_pickle_switched_off() -> None:
    """A datastore without pickle neither writes pickles nor loads those that are there."""
    store = datastores.Memory()
    pickled = store.write(KEY, index=0, name="x", values=[1], sharded=False)
    store.pickle = False
    with pytest.raises(DatastoreError, match="does not load pickles"):
        store.read("Flow", pickled)
    with pytest.raises(
        DatastoreError, match=r"artifact 'y' of layer 'A' is a builtins\.int, but this datastore does not"
    ):
        store.write(KEY, index=0, name="y", values=[1], sharded=False)
    store.protocol(int)(serde.JsonProtocol)
    assert store.read("Flow", store.write(KEY, index=0, name="y", values=[1], sharded=False)) == 1


def test_tasks_keep_the_word_on_pickles(tmp_path: Any) -> None:
    """The datastore that a task is given has the protocols of the flow's, and its word on pickles."""
    flow = datastores.Local(root=tmp_path / "a", pickle=False)
    flow.protocol(int)(serde.JsonProtocol)
    given = datastores.from_root(str(tmp_path / "b"), flow)
    assert (given.pickle, list(given.protocols)) == (False, ["builtins.int"])
