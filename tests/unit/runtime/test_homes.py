"""What a flow's file defines is the same in tasks, launchers and applications, whatever the file's name is there."""

from __future__ import annotations

import pickle

import pytest

from laminar_runtime import Flow, Layer, Parameters
from laminar_runtime.configurations import datastores, serde
from laminar_runtime.exceptions import DatastoreError
from laminar_runtime.pickling import homes
from tests.support.harness import in_memory, objects_of


class Point:
    """A class of a flow's module."""

    def __init__(self, x: int) -> None:
        self.x = x


class Own(Flow):
    """A flow of this module."""


@Own.register
class Write(Layer):
    def __call__(self, parameters: Parameters) -> None:
        self.point = Point(parameters.x)


def test_types_of_the_flows_module_have_one_name_in_archives() -> None:
    """Whoever writes, the flow's module is ``__main__`` in archives, and protocols are found all the same."""
    flow = in_memory(Own)

    @flow.datastore.protocol(Point)
    class Text(serde.Protocol):
        extension = "txt"

        def dumps(self, value: Point) -> bytes:
            return str(value.x).encode()

        def loads(self, stream: bytes) -> Point:
            return Point(int(stream))

    execution = flow(x=3)
    key = execution.key("Write")
    (artifact,) = flow.datastore.ledger.read_archive(key, index=0, name="point").artifacts
    assert (artifact.dtype, artifact.extension) == ("__main__.Point", "txt")
    assert execution.layer(Write).point.x == 3


def test_two_flows_of_one_name_keep_their_classes() -> None:
    """Each of two flows of one name, of different modules, reads instances of its own module's classes."""
    other = {"__name__": "other", "__file__": "other.py"}
    exec(  # noqa: S102 - a second module
        "from laminar_runtime import Flow, Layer\n"
        "class Point: ...\n"
        "class Own(Flow): ...\n"
        "@Own.register\n"
        "class Write(Layer):\n"
        "    def __call__(self): self.point = Point()\n",
        other,
    )
    first, second = in_memory(Own), in_memory(other["Own"])
    one, two = first(x=1), second()
    assert type(one.layer(Write).point) is Point
    assert type(two.layer("Write").point) is other["Point"]


def test_a_reader_without_the_flows_module() -> None:
    """Where nothing defines the flow, the error says what to import."""
    store = datastores.Memory()
    flow = in_memory(Own)
    execution = flow(x=3)
    (artifact,) = flow.datastore.ledger.read_archive(execution.key("Write"), index=0, name="point").artifacts
    store.workspace.update({path.replace("Own/", "Gone/"): content for path, content in objects_of(flow).items()})
    with pytest.raises(DatastoreError, match="this process does not define flow 'Gone', whose file defines 'Point'"):
        store.read_artifact("Gone", artifact)
    with pytest.raises(homes.UnknownNameError, match="read it with the flow's datastore"):
        pickle.loads(store.transport.get(artifact.key("Gone")))  # noqa: S301
