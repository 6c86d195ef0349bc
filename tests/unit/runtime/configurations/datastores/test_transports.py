"""What every transport must do: one suite for all kinds, and for the smallest one of the tests."""

from __future__ import annotations

import threading
from pathlib import Path

import pytest

from laminar_runtime.configurations.datastores import AWS, DataStore
from laminar_runtime.configurations.datastores.local import FileTransport
from laminar_runtime.configurations.datastores.memory import MemoryTransport
from laminar_runtime.configurations.datastores.s3_boto3 import Boto3Objects
from laminar_runtime.configurations.datastores.s3_obstore import ObstoreObjects
from laminar_runtime.configurations.datastores.transport import ContentKey, Transport, address, map_requests
from laminar_runtime.exceptions import MissingError
from laminar_runtime.storage.layout import LayerKey
from tests.support.transports import Dictionary


@pytest.fixture(
    params=[
        "memory",
        "files",
        "dictionary",
        pytest.param("obstore", marks=pytest.mark.integration),
        pytest.param("boto3", marks=pytest.mark.integration),
    ]
)
def transport(request: pytest.FixtureRequest, tmp_path: Path) -> Transport:
    """A transport of each kind, empty."""
    match request.param:
        case "memory":
            return MemoryTransport()
        case "files":
            return FileTransport(str(tmp_path))
        case "dictionary":
            return Dictionary()
    found = AWS.S3(root=request.getfixturevalue("s3_root")).transport
    if request.param == "boto3":
        found._use(Boto3Objects(found.root.split("/")[2]))
    else:
        assert isinstance(found._objects(), ObstoreObjects)
    return found


def test_bytes_survive(transport: Transport) -> None:
    """What is written is read, the last if it was written twice."""
    for content in (b"first", bytes(range(256)), b""):
        transport.put("a/b/c.bin", content)
        assert transport.get("a/b/c.bin") == content
        assert type(transport.get("a/b/c.bin")) is bytes
    assert transport.exists("a/b/c.bin")


def test_pieces_are_one_object(transport: Transport) -> None:
    """An object may be given in pieces, of any kind of memory, or in none."""
    transport.put("a", b"some", bytearray(b"th"), memoryview(b"ing"))
    transport.put("nothing")
    assert (transport.get("a"), transport.get("nothing")) == (b"something", b"")


def test_large_objects(transport: Transport) -> None:
    """Bytes that are written and read in parts, where a transport does that, are the same."""
    content = bytes(range(256)) * (9 * 2**12)
    transport.put("large", content[:1000], content[1000:])
    assert transport.get("large") == content
    assert bytes(transport.get_buffer("large")) == content
    assert transport.get_range("large", len(content) - 3, len(content) + 3) == content[-3:]


def test_a_buffer_is_the_readers_own(transport: Transport) -> None:
    """Who reads into a buffer may write to it: what is stored stays as it is."""
    for size in (5, 2**20):
        transport.put("a", bytes(size))
        view = memoryview(transport.get_buffer("a"))
        view[:3] = b"abc"
        assert bytes(view[:5]) == b"abc\0\0"
        assert transport.get("a") == bytes(size)


def test_a_key_that_is_known_late(transport: Transport) -> None:
    """The key may be known when the bytes have been looked at."""
    for content in (b"small", bytes(2**21)):
        transport.put(ContentKey("a/b/", lambda: "a/b/c"), content)
        assert transport.get("a/b/c") == content
    assert transport.names("a/b/") == ["c"]


def test_of_all_that_create_a_key_one_succeeds(transport: Transport) -> None:
    """Of all that create a key at once, one succeeds, and what it created stays."""
    created: dict[int, bool] = {}

    def create(number: int) -> None:
        created[number] = transport.create("a/b", b"%d" % number)

    threads = [threading.Thread(target=create, args=(number,)) for number in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    (winner,) = (number for number, first in created.items() if first)
    assert len(created) == 8
    assert transport.get("a/b") == b"%d" % winner
    assert not transport.create("a/b", b"%d" % winner)
    assert transport.names("a/") == ["b"]


def test_the_same_bytes_are_created_once(transport: Transport) -> None:
    """A client that creates what another one has created learns that it did not."""
    content = b"the same"
    assert [transport.create("a", content) for _ in range(3)] == [True, False, False]


def test_some_of_the_bytes(transport: Transport) -> None:
    """A range of bytes is read, as far as there are so many."""
    transport.put("a", b"0123456789")
    transport.put("empty", b"")
    ranges = [(0, 3), (4, 6), (8, 20), (10, 20), (30, 40)]
    found = [transport.get_range("a", start, end) for start, end in ranges]
    assert found == [b"012", b"45", b"89", b"", b""]
    assert transport.get_range("empty", 0, 8) == b""


def test_what_is_missing(transport: Transport) -> None:
    """What was not written does not exist. The error of reading it has its address, and is a ``FileNotFoundError``."""
    transport.put("a/b", b"")
    for path in ("a/nope", "a", "a/b/c"):
        assert not transport.exists(path)
    for read in (transport.get, transport.get_buffer, lambda key: transport.get_range(key, 0, 8)):
        with pytest.raises(MissingError) as caught:
            read("a/nope")
        assert isinstance(caught.value, FileNotFoundError)
        assert str(caught.value) == f"nothing is stored at {address(transport, 'a/nope')}"


def test_names(transport: Transport) -> None:
    """The names directly below a prefix, sorted, folders once, without those that begin with a dot."""
    for path in ("a/z", "a/b/c", "a/b/d", "a/.hidden/x", "a/.x", "ab/x"):
        transport.put(path, b"x")
    assert transport.names("a/") == ["b", "z"]
    assert transport.names("nope/") == []


def test_locks(transport: Transport) -> None:
    """A lock that is free is held, again after it was released, and no object is left of it."""
    for _ in range(2):
        with transport.lock("F/.locks/e1") as held:
            assert held
    assert transport.names("F/.locks/") == []


def test_requests_in_order(transport: Transport) -> None:
    """Results come in the order of the items, however many, and errors come out."""
    assert transport.at_once >= 1
    assert list(map_requests(transport, lambda number: number * 2, iter(range(100)))) == list(range(0, 200, 2))
    assert list(map_requests(transport, str, [1])) == ["1"]
    assert list(map_requests(transport, str, [])) == []
    with pytest.raises(ZeroDivisionError):
        list(map_requests(transport, lambda number: 1 // number, [1, 0, 1]))


def test_requests_are_lazy(transport: Transport) -> None:
    """Who takes one result has not had all of a long list read."""
    asked: list[int] = []
    assert next(iter(map_requests(transport, lambda number: asked.append(number) or number, range(1000)))) == 0
    assert len(asked) < 100


def test_values_are_written_where_they_are_not(transport: Transport) -> None:
    """A value whose stored bytes were damaged is stored again."""
    datastore, key = DataStore(transport), LayerKey("Flow", "e1", "Layer")

    def write() -> str:
        archive = datastore.write(key, index=0, name="foo", values=["value"], sharded=False)
        return archive.artifacts[0].key("Flow")

    path = write()
    content = transport.get(path)
    assert write() == path
    for damaged in (content[:-1], content[:-1] + b"?"):
        transport.put(path, damaged)
        assert write() == path
        assert transport.get(path) == content
