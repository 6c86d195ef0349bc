"""What is an artifact: what ``__call__`` assigns, and what hooks assign is not."""

from __future__ import annotations

import sqlite3
from collections.abc import Generator

import pytest

from laminar_runtime import Flow, Layer
from laminar_runtime.configurations import hooks
from laminar_runtime.configurations.layers import Catch
from laminar_runtime.exceptions import DatastoreError, LayerError
from tests.support.harness import failure, in_memory

SAME = ["one object"]


class Hooked(Layer):
    rows = 0

    @hooks.execution
    def before(self) -> None:
        self.again, self.once, self.changed, self.shadowed, self.connection = (
            SAME,
            SAME,
            1,
            5,
            sqlite3.connect(":memory:"),
        )
        self.rows = 10

    @hooks.execution
    def around(self) -> Generator[None, None, None]:
        self.outer = "hook"
        yield
        self.mine, self.after, self.gone = "hook", "hook", None
        del self.gone

    def __call__(self) -> None:
        self.seen = (self.once is SAME, self.outer, self.rows)
        self.again = self.again
        self.changed += 1
        self.mine, self.gone = "call", "call"
        self.dropped = 1
        del self.dropped
        vars(self)["behind"] = "call"


def test_assignments_of_hooks() -> None:
    """What the call assigns is stored as it left it, also the very object that a hook had assigned."""

    class MyFlow(Flow): ...

    MyFlow.register(Hooked)
    hooked = in_memory(MyFlow)().layer(Hooked)
    names = hooked.execution.datastore.list_artifacts(layer=hooked)
    assert {name: getattr(hooked, name) for name in names} == {
        "again": SAME,
        "behind": "call",
        "changed": 2,
        "gone": "call",
        "mine": "call",
        "seen": (True, "hook", 10),
    }
    assert hooked.rows == 0


def test_values_that_are_nothing() -> None:
    """A value that is None, empty or zero is an artifact as any other; so is one that a hook had assigned before."""
    nothing = {"none": None, "zero": 0, "false": False, "text": "", "items": [], "same": None}

    class MyFlow(Flow): ...

    @MyFlow.register
    class Assigns(Layer):
        @hooks.execution
        def before(self) -> None:
            self.same = None

        def __call__(self) -> None:
            for name, value in nothing.items():
                setattr(self, name, value)

    layer = in_memory(MyFlow)().layer(Assigns)
    assert layer.execution.datastore.list_artifacts(layer=layer) == sorted(nothing)
    assert {name: getattr(layer, name) for name in nothing} == nothing


def test_what_is_deleted_is_no_artifact() -> None:
    """What the call assigned, or sharded, and then deleted was not assigned; what it then assigned was."""

    class MyFlow(Flow): ...

    @MyFlow.register
    class Deletes(Layer):
        def __call__(self) -> None:
            self.plain, self.again = 1, 1
            self.shard(parts=[1, 2], others=[3])
            del self.plain, self.again, self.parts, self.others
            self.again, self.others = 2, 4

    layer = in_memory(MyFlow)().layer(Deletes)
    assert layer.execution.datastore.list_artifacts(layer=layer) == ["again", "others"]
    assert (layer.again, layer.others, hasattr(layer, "parts")) == (2, 4, False)


def test_hooks_do_not_shard() -> None:
    """It would not be stored, so it is refused, as it is on a layer that is read."""

    class MyFlow(Flow): ...

    @MyFlow.register
    class Shards(Layer):
        @hooks.execution
        def before(self) -> None:
            self.shard(x=[1])

        def __call__(self) -> None: ...

    flow = in_memory(MyFlow)
    said = "layer 'Shards' shards 'x' outside of __call__: it would not be stored"
    assert said in str(failure(lambda: flow("e1")))
    with pytest.raises(LayerError, match=said):
        flow.execution("e1").layer(Shards).shard(x=[1])


class Fails(Layer):
    error: type[Exception] | None = ValueError

    def __call__(self) -> None:
        self.connection, self.rows = sqlite3.connect(":memory:"), 5
        self.cursor = self.connection.cursor()
        vars(self)["index"] = 3
        self.last = 6
        if self.error:
            raise self.error("the real error")


@pytest.mark.parametrize("catch", [Catch(), Catch(ValueError)])
@pytest.mark.parametrize("error", [ValueError, None])
def test_values_that_cannot_be_stored(error: type[Exception] | None, catch: Catch) -> None:
    """The layer's own error is reported, the others in notes; what can be stored is."""

    class MyFlow(Flow): ...

    MyFlow.register(catch=catch)(type("Fails", (Fails,), {"error": error}))
    flow = in_memory(MyFlow)
    found = failure(lambda: flow("e1"))
    notes = "\n".join(found.__notes__)
    if error is not None and not catch.exceptions:
        assert str(found) == "the real error"
        assert "Besides, layer 'Fails' assigns to reserved names: index" in notes
    else:
        assert isinstance(found, LayerError)
        assert ("Before that, the layer's Catch caught ValueError: the real error" in notes) == bool(error)
    assert "Besides, artifact 'connection' of layer 'Fails' is a sqlite3.Connection that" in notes
    assert "Besides, artifact 'cursor'" in notes
    layer = flow.execution("e1").layer("Fails")
    assert (layer.rows, layer.last, layer.state.finished) == (5, 6, False)


def test_all_that_cannot_be_stored_is_named() -> None:
    """A layer that did its work fails with the first such value, and the others in notes."""

    class MyFlow(Flow): ...

    @MyFlow.register
    class Two(Layer):
        def __call__(self) -> None:
            self.one = (number for number in range(3))
            self.two = sqlite3.connect(":memory:")

    found = failure(in_memory(MyFlow))
    assert isinstance(found, DatastoreError)
    assert "artifact 'one'" in str(found)
    assert found.__notes__[0].startswith("Besides, artifact 'two' of layer 'Two'")
