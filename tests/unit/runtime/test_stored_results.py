"""The results of an execution for who has not the flow's code."""

from __future__ import annotations

from fractions import Fraction

import pytest

from laminar_runtime import Flow, Layer, Parameters
from laminar_runtime.configurations.layers import ForEach, Parameter
from laminar_runtime.deployed.contents import StoredLayer, StoredResults
from laminar_runtime.exceptions import DatastoreError, UnsetError
from tests.support.harness import failure, in_memory


class One(Flow): ...


class Two(Flow): ...


@One.register
@Two.register
class Load(Layer):
    def __call__(self, parameters: Parameters) -> None:
        self.shard(rows=[0, 1, 2])
        self.text, self.half, self.raw = "caf\u00e9" * 1000, Fraction(1, 2), b"\x00"


@One.register(foreach=ForEach(parameters=[Parameter(Load, "rows")], tolerated_failures=1))
class Work(Layer):
    def __call__(self, load: Load, parameters: Parameters) -> None:
        self.square = {load.rows: 1 / (load.rows - parameters.bad)}


@One.register
class Fails(Layer):
    def __call__(self, work: Work) -> None:
        self.never = 1
        raise ValueError


def test_plain_values() -> None:
    """They are those that were assigned; a fan-out has a list of what its splits assigned that did not fail."""
    one = in_memory(One)
    failure(lambda: one("e1", bad=1))
    results = StoredResults(one.datastore, ["One", "None"], "e1")
    assert sorted(results) == ["Load.half", "Load.raw", "Load.rows", "Load.text", "Parameters.bad", "Work.square"]
    assert (results["Load.rows"], results["Load.raw"], results["Parameters.bad"]) == ([0, 1, 2], b"\x00", 1)
    assert results["Load.text"] == "caf\u00e9" * 1000
    assert results["Work.square"] == [{0: -1.0}, {2: 1.0}]
    with pytest.raises(
        DatastoreError, match=r"'half' of layer 'Load' is a fractions\.Fraction, which takes the flow's"
    ):
        _ = results["Load.half"]
    assert len(results) == 6
    assert "Fails.never" not in results


def test_layers_by_name() -> None:
    """A layer without its class has its attributes, and no others."""
    one = in_memory(One)
    failure(lambda: one("e1", bad=5))
    layer = StoredLayer(StoredResults(one.datastore, ["One"], "e1"), "Load")
    assert layer.rows == [0, 1, 2]
    with pytest.raises(UnsetError, match="layer 'Load' has no attribute 'row'"):
        _ = layer.row


def test_layers_of_one_name_in_a_chain() -> None:
    """The second one has the name of its flow, too."""
    one = in_memory(One)
    failure(lambda: one("e1", bad=5))
    two = Two(datastore=one.datastore, executor=one.configuration.executor)
    two("e1")
    results = StoredResults(one.datastore, ["One", "Two"], "e1")
    assert {"Load.rows", "Two.Load.rows"} <= {*results}
