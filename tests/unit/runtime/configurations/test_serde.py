"""Protocols: how values become bytes."""

from __future__ import annotations

import hashlib
import json
from pathlib import Path
from typing import Any, BinaryIO

import pytest

from laminar_runtime import Flow, Layer
from laminar_runtime.configurations import datastores, executors, serde
from tests.support.harness import objects_of


class Json(serde.Protocol):
    """By bytes."""

    extension = "json"

    def dumps(self, value: Any) -> bytes:
        return json.dumps(value).encode()

    def loads(self, stream: bytes) -> Any:
        return json.loads(stream)


class Stream(serde.Protocol):
    """By files."""

    def dump(self, value: Any, file: BinaryIO) -> None:
        file.write(json.dumps(value).encode())

    def load(self, file: BinaryIO) -> Any:
        return json.load(file)


@pytest.mark.parametrize("protocol", [Json(), Stream(), serde.PickleProtocol()], ids=repr)
def test_either_pair_is_enough(protocol: serde.Protocol, tmp_path: Path) -> None:
    """Whichever of the two pairs is defined, bytes, files and paths all work."""
    value = {"a": [1, 2]}
    content = protocol.dumps(value)
    assert protocol.loads(content) == value
    file = tmp_path / "value"
    protocol.write(value, str(file))
    assert file.read_bytes() == content
    assert protocol.read(str(file)) == value
    assert protocol.hexdigest(value) == hashlib.sha256(content).hexdigest()


def test_a_protocol_that_defines_nothing() -> None:
    """A protocol without either pair says what it lacks."""
    with pytest.raises(TypeError, match="Protocol defines neither dumps nor dump"):
        serde.Protocol().dumps(1)
    with pytest.raises(TypeError, match="Protocol defines neither loads nor load"):
        serde.Protocol().loads(b"")


def test_pickles_take_functions() -> None:
    """The default takes what plain pickle does not."""
    protocol = serde.PickleProtocol()
    assert protocol.loads(protocol.dumps(lambda number: number + 1))(1) == 2


def test_registered_types() -> None:
    """A protocol is for exact types, one or several; others are pickled, subclasses among them."""

    class Own(dict[str, int]): ...

    class MyFlow(Flow): ...

    @MyFlow.register
    class Writes(Layer):
        def __call__(self) -> None:
            self.list_ = [1]
            self.own = Own(a=1)
            self.shard(mixed=[{"b": 2}, "text"])

    datastore = datastores.Memory()
    assert datastore.protocol(list, dict)(Json) is Json
    flow = MyFlow(datastore=datastore, executor=executors.Thread())
    writes = flow().layer(Writes)
    assert (writes.list_, writes.own, list(writes.mixed)) == ([1], {"a": 1}, [{"b": 2}, "text"])
    values = {key.rpartition(".")[2]: 0 for key in objects_of(flow) if "/artifacts/" in key}
    assert set(values) == {"json", "pickle"}
    assert sum(key.endswith(".pickle") for key in objects_of(flow)) == 2


def test_dtype() -> None:
    """A type's name is that of its module and itself."""
    assert (serde.dtype(int), serde.dtype(Json)) == ("builtins.int", f"{__name__}.Json")
