"""Damaged data is an error of ours that says where it is, not a wrong value."""

from __future__ import annotations

import json
import sys
import types

import pytest

from laminar_runtime import Execution, Flow, Layer
from laminar_runtime.configurations import datastores, executors, serde
from laminar_runtime.configurations.layers import ForEach, Parameter
from laminar_runtime.exceptions import DamagedError, DatastoreError, MissingError
from tests.support.harness import archive_key, in_memory, objects_of


class MyFlow(Flow): ...


@MyFlow.register
class Shards(Layer):
    def __call__(self) -> None:
        self.shard(foo=["a"])
        self.plain = "b"


@MyFlow.register(foreach=ForEach(parameters=[Parameter(Shards, "foo")]))
class Each(Layer):
    def __call__(self, shards: Shards) -> None:
        self.foo = shards.foo


@pytest.fixture
def execution() -> Execution:
    return in_memory(MyFlow)("e1")


def value_key(execution: Execution) -> str:
    """Return the key of the value of Shards.plain."""
    document = json.loads(objects_of(execution.flow)[plain_key(execution)])
    prefix = f"MyFlow/artifacts/{document['artifacts'][0]['hexdigest']}."
    return next(key for key in objects_of(execution.flow) if key.startswith(prefix))


def plain_key(execution: Execution) -> str:
    """Return the key of the archive of Shards.plain."""
    return archive_key(execution.flow, "Shards", "plain")


def test_changed_value(execution: Execution) -> None:
    """A value whose bytes were changed is refused by its SHA-256."""
    key = value_key(execution)
    objects_of(execution.flow)[key] += b" "
    with pytest.raises(DamagedError, match=f"memory:///{key} is damaged: its SHA-256"):
        _ = execution.layer(Shards).plain


def test_missing_value(execution: Execution) -> None:
    """A value that is gone is not taken for an attribute that was never assigned."""
    key = value_key(execution)
    del objects_of(execution.flow)[key]
    with pytest.raises(MissingError, match=f"nothing is stored at memory:///{key}"):
        _ = execution.layer(Shards).plain


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"{",
        b"\xff",
        b"[]",
        b"{}",
        b'{"artifacts": 1}',
        b'{"artifacts": [1]}',
        b'{"artifacts": [{"dtype": "x"}]}',
        b'{"version": 99, "artifacts": []}',
        b'{"version": "new", "artifacts": []}',
    ],
)
def test_damaged_archive(execution: Execution, content: bytes) -> None:
    """The error for an archive that is damaged, or of a newer release, has its key."""
    key = plain_key(execution)
    objects_of(execution.flow)[key] = content
    with pytest.raises(DamagedError, match=f"memory:///{key} is damaged"):
        _ = execution.layer(Shards).plain


def test_missing_archive(execution: Execution) -> None:
    """An archive that is gone is not taken for an attribute that was never assigned, also of a split of a fan-out."""
    for layer, attribute in (("Shards", "plain"), ("Each", "foo")):
        key = archive_key(execution.flow, layer, attribute)
        del objects_of(execution.flow)[key]
        with pytest.raises(DamagedError, match=f"memory:///{key} is missing, but a finished split wrote it"):
            getattr(execution.layer(layer), attribute)


@pytest.mark.parametrize(
    "content",
    [
        b"{",
        b"{}",
        b'{"flow": {"name": "F"}, "layer": {"name": "L"}, "execution": {"splits": "many"}}',
        b'{"flow": {"name": "F"}, "layer": {"name": "L"}, "execution": {"splits": Infinity}}',
        b'{"flow": "F", "layer": "L", "execution": []}',
    ],
)
def test_damaged_record(execution: Execution, content: bytes) -> None:
    """The error for a damaged record has its key."""
    key = "MyFlow/.cache/e1/Each/.record.json"
    objects_of(execution.flow)[key] = content
    with pytest.raises(DamagedError, match=f"memory:///{key} is damaged"):
        _ = execution.layer(Each).foo


def test_class_that_is_gone() -> None:
    """The error for a value whose class cannot be imported here has its type and place."""
    module = types.ModuleType("gone_module")
    exec("class Gone: pass", module.__dict__)  # noqa: S102

    class Keeps(Layer):
        def __call__(self) -> None:
            self.foo = module.Gone()

    class OwnFlow(Flow): ...

    OwnFlow.register(Keeps)
    sys.modules["gone_module"] = module
    try:
        execution = in_memory(OwnFlow)("e1")
    finally:
        del sys.modules["gone_module"]
    with pytest.raises(DatastoreError, match=r"memory:///OwnFlow/artifacts/\w+\.\w+ has a gone_module\.Gone"):
        _ = execution.layer(Keeps).foo


def test_protocol_that_fails() -> None:
    """The error of a protocol that cannot bring a value back has the value's place."""
    datastore = datastores.Memory()

    @datastore.protocol(str)
    class Broken(serde.Protocol):
        def dumps(self, value: str) -> bytes:
            return value.encode()

        def loads(self, stream: bytes) -> str:
            raise ValueError("no")

    execution = MyFlow(datastore=datastore, executor=executors.Thread()).execution("e1")
    datastore.write(execution.key("Shards"), index=0, name="plain", values=["b"], sharded=False)
    with pytest.raises(DatastoreError, match=r"artifacts/\w+\.bin has a builtins.str .* ValueError: no"):
        _ = execution.layer(Shards).plain
    datastore.protocols.clear()
    with pytest.raises(DatastoreError, match=r"no protocol is registered for builtins\.str"):
        _ = execution.layer(Shards).plain
