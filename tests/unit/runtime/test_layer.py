"""Layers: as plain classes, and their artifacts in an execution."""

from __future__ import annotations

import pytest

from laminar_runtime import Flow, Layer, Parameters
from laminar_runtime.configurations import datastores, executors
from laminar_runtime.configurations.datastores.memory import MemoryTransport
from laminar_runtime.exceptions import DatastoreError, LayerError
from laminar_runtime.storage.layout import LayerKey, input_key
from tests.support.harness import in_memory


class A(Layer):
    def __call__(self) -> None:
        self.foo = "bar"


class B(Layer):
    def __call__(self, a: A) -> None:
        self.foo = a.foo * 2


def run(call: object) -> Layer:
    """Run a flow with a layer ``Wrong`` and give the layer."""
    flow = type("MyFlow", (Flow,), {})
    flow.register(type("One", (Layer,), {"__call__": call}))
    instance = in_memory(flow)
    instance("e1")
    return instance.execution("e1").layer("One")


def test_plain_instances() -> None:
    """Attributes are set by keyword, and the call is a plain call."""
    b = B()
    b(A(foo="x"))
    assert b.foo == "xx"


def test_plain_shard() -> None:
    """Outside an execution a sharded attribute is a list."""
    a = A()
    a.shard(items=(number for number in range(3)), letters="ab")
    assert (a.items, a.letters) == ([0, 1, 2], ["a", "b"])


def test_equality() -> None:
    """A layer equals its class's instances and its name, and nothing else."""
    assert A() == A(foo=1) == "A"
    assert A() != B()
    assert A() != "B"
    assert A() != 1


def test_hash_and_order() -> None:
    """A layer is found in sets by its name, and sorts by it."""
    assert {A(), A(foo=1), B()} == {"A", "B"}
    assert sorted([B(), A()]) == ["A", "B"]


def test_absent_attribute_of_a_plain_instance() -> None:
    """A plain instance has no artifacts to look up."""
    with pytest.raises(AttributeError, match="layer 'A' has no attribute 'foo': it belongs to no execution"):
        _ = A().foo
    assert (A().index, A().splits, A().attempt) == (None, None, None)


def test_artifacts_of_a_dependency() -> None:
    """What a layer assigned is read by those that depend on it, and in the results."""

    class MyFlow(Flow): ...

    MyFlow.register(A)
    MyFlow.register(B)
    execution = in_memory(MyFlow)()
    assert (execution.layer(A).foo, execution.layer(B()).foo, execution.layer("B").foo) == ("bar", "barbar", "barbar")


def test_artifact_is_what_it_is_at_the_end() -> None:
    """A value that is changed after it was assigned is stored as it is when the layer ends."""

    def call(self: Layer) -> None:
        self.items = []
        self.items.append(1)

    assert run(call).items == [1]


def test_reader_gets_a_copy() -> None:
    """What a reader does to a value is not seen by others."""

    def call(self: Layer) -> None:
        self.items = [1]

    one = run(call)
    one.items.append(2)
    assert one.execution.layer("One").items == [1]


def test_own_artifacts_while_running() -> None:
    """A running layer reads back what it assigned and sharded, and nothing that it did not."""

    def call(self: Layer) -> None:
        self.plain = 1
        self.shard(sharded=[1, 2])
        self.total = self.plain + sum(self.sharded)
        self.has = hasattr(self, "absent")

    one = run(call)
    assert (one.total, one.has) == (4, False)


@pytest.mark.parametrize("last", ["plain", "shard"])
def test_the_last_assignment_counts(last: str) -> None:
    """Whether an attribute was assigned or sharded last decides what it is."""

    def call(self: Layer) -> None:
        if last == "shard":
            self.foo = 1
        self.shard(foo=[1, 2])
        if last == "plain":
            self.foo = 1

    assert (run(call).foo == 1) == (last == "plain")


def test_artifacts_are_written_when_the_layer_raises() -> None:
    """What was assigned until then is there, and the layer has not finished."""

    class MyFlow(Flow): ...

    @MyFlow.register
    class Fails(Layer):
        def __call__(self) -> None:
            self.foo = 1
            raise OSError("later")

    flow = in_memory(MyFlow)
    with pytest.raises(OSError, match="later"):
        flow("e1")
    fails = flow.execution("e1").layer(Fails)
    assert fails.foo == 1
    assert not fails.state.finished
    with pytest.raises(AttributeError, match=r"no attribute 'bar' in execution e1\. It did not finish"):
        _ = fails.bar


def test_absent_artifact_of_a_finished_layer() -> None:
    """The error distinguishes a layer that did not assign it from one that did not run."""
    with pytest.raises(AttributeError, match=r"'bar' in execution e1\. It finished, but did not assign it"):
        _ = run(lambda _self: None).bar


@pytest.mark.parametrize("name", ["attempt", "configuration", "definition", "execution", "index", "shard", "splits"])
def test_reserved_names(name: str) -> None:
    """Assigning to a name that means something else fails the layer, and names it."""
    with pytest.raises(LayerError, match=f"layer 'One' assigns to reserved names: {name}"):
        run(lambda self: setattr(self, name, 99))


@pytest.mark.parametrize("name", ["name", "state"])
def test_reserved_properties(name: str) -> None:
    """Names that are computed refuse to be assigned at once."""
    with pytest.raises(AttributeError, match=name):
        run(lambda self: setattr(self, name, 99))


def test_reserved_names_of_shards() -> None:
    """The same goes for what is sharded."""
    with pytest.raises(LayerError, match="'index' is reserved"):
        run(lambda self: self.shard(index=[1]))


def test_value_that_cannot_be_stored() -> None:
    """The error names the artifact and its type."""
    with pytest.raises(DatastoreError, match=r"artifact 'foo' of layer 'One' is a builtins.generator that Pickle.*"):
        run(lambda self: setattr(self, "foo", (_ for _ in ())))


def test_state_of_layers() -> None:
    """Inside a task a layer sees itself running, its dependencies finished, and neither of others."""

    class MyFlow(Flow): ...

    MyFlow.register(A)

    @MyFlow.register
    class Looks(Layer):
        def __call__(self, a: A) -> None:
            later = self.execution.layer("Later")
            self.seen = [(layer.state.finished, layer.state.running) for layer in (self, a, later)]

    @MyFlow.register
    class Later(Layer):
        def __call__(self, looks: Looks) -> None: ...

    looks = in_memory(MyFlow)().layer(Looks)
    assert looks.seen == [(False, True), (True, False), (False, False)]
    assert (looks.state.finished, looks.state.running) == (True, False)


def test_index_and_splits_of_a_plain_layer() -> None:
    """A layer that is no fan-out is its own only split, on its first attempt."""

    def call(self: Layer) -> None:
        self.seen = (self.index, self.splits, self.attempt, self.name)

    assert run(call).seen == (0, 1, 1, "One")


def test_defaults_of_the_class() -> None:
    """An attribute with a default in the class is read downstream as assigned, and as the default if it was not."""

    class MyFlow(Flow): ...

    @MyFlow.register
    class Counts(Layer):
        count = 0
        untouched = "as it was"

        def __call__(self) -> None:
            self.count += 5

    @MyFlow.register
    class Reads(Layer):
        def __call__(self, counts: Counts) -> None:
            self.seen = (counts.count, counts.untouched)

    assert in_memory(MyFlow)().layer(Reads).seen == (5, "as it was")
    assert (Counts.count, Counts().count) == (0, 0)


def test_parameters_have_finished_from_the_start() -> None:
    """Also where a state machine has the input, and no task has taken it yet."""
    flow = in_memory(type("MyFlow", (Flow,), {}))
    execution = flow.execution("e1")
    assert not execution.layer(Parameters).state.finished
    flow.datastore.transport.put(input_key("MyFlow", "e1"), b'{"parameters": {"foo": 1}}')
    assert execution.layer(Parameters).state.finished
    assert execution.layer(Parameters).foo == 1


def test_parameters_that_another_task_stores_meanwhile() -> None:
    """Tasks that start together take the input once: who comes second reads what the first has stored."""

    class Racing(MemoryTransport):
        """Has another task store the parameters before the record is looked for again."""

        looks = 0

        def get(self, key: str) -> bytes:
            if key == LayerKey("MyFlow", "e1", "Parameters").record:
                self.looks += 1
                if self.looks == 2:
                    flow.execution("e1").take_input()
            return super().get(key)

    class MyFlow(Flow): ...

    @MyFlow.register
    class A(Layer):
        def __call__(self) -> None: ...

    transport = Racing()
    flow = MyFlow(datastore=datastores.DataStore(transport), executor=executors.Thread())
    transport.put(input_key("MyFlow", "e1"), b'{"parameters": {"foo": 1}}')
    assert flow.execution("e1").layer(Parameters).foo == 1
