"""Layers and what they read go to pools of processes, and into artifacts."""

from __future__ import annotations

import copy
import pickle
import shutil
from pathlib import Path

import pytest

from laminar_runtime import Flow, Layer, Parameters
from laminar_runtime.configurations import datastores, executors
from laminar_runtime.exceptions import DatastoreError
from tests.support.harness import Folder, in_memory

POOLS = """
    import base64, multiprocessing, subprocess, sys
    import cloudpickle
    from laminar_runtime import Flow, Layer
    class Point:
        def __init__(self, x): self.x = x
    class MyFlow(Flow): ...
    @MyFlow.register
    class A(Layer):
        def __call__(self):
            self.k = Point(1)
            self.shard(items=[Point(2), Point(3)])
    def total(items): return sum(item.x for item in items)
    @MyFlow.register
    class B(Layer):
        def score(self, a, x): return self.own.x + a.k.x + total(a.items) + x
        def __call__(self, a: A):
            self.own = Point(10)
            self.out = []
            for kind in ("fork", "spawn"):
                with multiprocessing.get_context(kind).Pool(1) as pool:
                    self.out.append(pool.apply(self.score, (a, 100)))
                    self.out.append(pool.apply(total, (a.items,)))
                    self.out.append(type(pool.apply(Point, (1,))) is Point)
            code = "import base64, pickle, sys; print(pickle.loads(base64.b64decode(sys.argv[1]))())"
            work = base64.b64encode(cloudpickle.dumps(lambda: self.score(a, 1000))).decode()
            self.out.append(int(subprocess.check_output([sys.executable, "-c", code, work])))
    if __name__ == "__main__" and (flow := MyFlow()):
        print(flow().layer(B).out)
"""


@pytest.mark.integration
def test_layers_go_to_pools(folder: Folder) -> None:
    """Methods, layers and accessors go to processes that are forked, spawned, or that know nothing of the flow."""
    assert folder.run(POOLS) == "[116, 5, True, 116, 5, True, 1016]"


class Stores(Flow):
    """Layers as artifacts."""


@Stores.register
class Source(Layer):
    def __call__(self, parameters: Parameters) -> None:
        self.own = parameters.x
        self.shard(items=range(3))
        self.me = self


@Stores.register
class Target(Layer):
    def __call__(self, source: Source) -> None:
        self.source = source
        self.items = {"items": source.items}


def _told(flow: Flow, execution: str) -> tuple[int, list[int], list[int], list[int]]:
    target, source = flow.execution(execution).layer(Target), flow.execution(execution).layer(Source)
    return target.source.own, list(target.source.items), list(target.items["items"]), list(source.me.items)


def test_layers_and_accessors_are_artifacts(tmp_path: Path) -> None:
    """As an artifact a layer is a reference: whoever reads it reads its attributes from the datastore of his own."""
    here, there = tmp_path / "here", tmp_path / "there"
    flow = Stores(datastore=datastores.Local(str(here)), executor=executors.Thread())
    execution = flow(x=5)
    right = (5, [0, 1, 2], [0, 1, 2], [0, 1, 2])
    assert execution.id is not None
    assert _told(flow, execution.id) == right
    assert execution.layer(Target).source.execution.flow is flow
    shutil.move(here, there)
    assert _told(Stores(datastore=datastores.Local(str(there))), execution.id) == right


def test_an_accessor_of_another_datastore_stays_there(tmp_path: Path) -> None:
    """What an artifact holds of a second datastore is read from that one."""

    class Uses(Flow): ...

    @Uses.register
    class Use(Layer):
        def __call__(self) -> None:
            self.items = other.layer(Source).items

    other = Stores(datastore=datastores.Local(str(tmp_path)), executor=executors.Thread())(x=5)
    assert list(in_memory(Uses)().layer(Use).items) == [0, 1, 2]


def test_layers_of_flows_inside_functions_are_artifacts() -> None:
    """A layer whose class has no name elsewhere is an artifact too: it is found by the flow."""

    class Inside(Flow): ...

    @Inside.register
    class One(Layer):
        def __call__(self) -> None:
            self.x = 1

    @Inside.register
    class Two(Layer):
        def __call__(self, one: One) -> None:
            self.one = one

    assert in_memory(Inside)().layer(Two).one.x == 1


def test_a_stored_layer_is_read_through_its_flow() -> None:
    """A datastore that no flow uses says what a stored layer has to be read through."""
    execution = in_memory(Stores)(x=5)
    (artifact,) = execution.datastore.ledger.read_archive(execution.key("Target"), index=0, name="source").artifacts
    copied = pickle.loads(pickle.dumps(execution.datastore))  # noqa: S301 - it was made here
    with pytest.raises(DatastoreError, match="the artifact contains flow 'Stores': read it with the flow"):
        copied.read_artifact("Stores", artifact)


def test_a_layer_without_an_execution_keeps_its_attributes() -> None:
    """An instance that a test or a layer makes is pickled and copied as any object."""
    layer = Source(own=4)
    for copied in (pickle.loads(pickle.dumps(layer)), copy.copy(layer), copy.deepcopy(layer)):  # noqa: S301
        assert (type(copied), copied.own) == (Source, 4)


def test_layers_are_copied() -> None:
    """A layer of an execution is copied with what was assigned to it, and reads on."""
    layer = in_memory(Stores)(x=5).layer(Source, mine=[1])
    for copied in (copy.copy(layer), copy.deepcopy(layer)):
        assert (copied.mine, copied.own, list(copied.items)) == ([1], 5, [0, 1, 2])


def test_datastores_pickled_by_earlier_releases_are_read(tmp_path: Path) -> None:
    """A datastore in an old artifact knows of no flows."""
    old = object.__new__(datastores.Local)
    old.__setstate__({"root": str(tmp_path), "protocols": {}, "pickle": True})
    assert (old.flows, old.root) == ({}, str(tmp_path))
