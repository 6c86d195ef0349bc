"""The values behind a sharded attribute, read one by one as they are asked for."""

from __future__ import annotations

from typing import Any

import pytest

from laminar_runtime import Flow, Layer
from laminar_runtime.configurations import datastores, executors, serde


class Shards(Layer):
    def __call__(self) -> None:
        self.shard(foo=["a", "b", "c", "d"])


@pytest.fixture
def loads() -> list[str]:
    """The values that were read from the datastore so far."""
    return []


@pytest.fixture
def accessor(loads: list[str]) -> Any:
    """An attribute of four values of a protocol that notes what it loads."""

    class MyFlow(Flow): ...

    MyFlow.register(Shards)
    datastore = datastores.Memory()

    @datastore.protocol(str)
    class Text(serde.Protocol):
        def dumps(self, value: str) -> bytes:
            return value.encode()

        def loads(self, stream: bytes) -> str:
            loads.append(stream.decode())
            return loads[-1]

    return MyFlow(datastore=datastore, executor=executors.Thread())().layer(Shards).foo


def test_nothing_is_read_until_it_is_asked_for(accessor: Any, loads: list[str]) -> None:
    """Getting the attribute and its length reads no value, and an index reads one."""
    assert isinstance(accessor, datastores.Accessor)
    assert (len(accessor), repr(accessor), loads) == (4, "Accessor(4 values)", [])
    assert (accessor[2], loads) == ("c", ["c"])


def test_iteration_is_lazy(accessor: Any, loads: list[str]) -> None:
    """Going through the values reads each when its turn comes, and may be done again."""
    assert (next(iter(accessor)), loads) == ("a", ["a"])
    assert list(accessor) == list(accessor) == ["a", "b", "c", "d"]


def test_indexes(accessor: Any, loads: list[str]) -> None:
    """Negative indexes count from the end, and past either end is an `IndexError` with the length."""
    assert (accessor[-1], accessor[-4], accessor[True]) == ("d", "a", "b")
    for index in (4, -5):
        with pytest.raises(IndexError, match="is out of range"):
            _ = accessor[index]


def test_slices(accessor: Any, loads: list[str]) -> None:
    """Slices are as of a list, and read only what is in them."""
    assert (accessor[1:3], loads) == (["b", "c"], ["b", "c"])
    assert (accessor[::-2], accessor[-2:], accessor[7:], accessor[:]) == (["d", "b"], ["c", "d"], [], list("abcd"))


def test_it_is_a_sequence(accessor: Any) -> None:
    """What a sequence can do it can."""
    assert "c" in accessor
    assert list(reversed(accessor)) == ["d", "c", "b", "a"]
    assert (accessor.index("b"), accessor.count("x"), bool(accessor)) == (1, 0, True)


def test_one_value_that_was_sharded() -> None:
    """An iterable of one item was sharded all the same, and readers get an `Accessor`."""

    class One(Layer):
        def __call__(self) -> None:
            self.shard(foo=[1], nothing=[])

    class MyFlow(Flow): ...

    MyFlow.register(One)
    one = MyFlow(datastore=datastores.Memory(), executor=executors.Thread())().layer(One)
    assert isinstance(one.foo, datastores.Accessor)
    assert (list(one.foo), len(one.nothing), list(one.nothing)) == ([1], 0, [])
