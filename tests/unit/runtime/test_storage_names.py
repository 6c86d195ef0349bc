"""What a layer instance is stored under comes from the instance."""

from __future__ import annotations

import asyncio
import pickle

import pytest

from laminar_runtime import Execution, Flow, Layer, each
from laminar_runtime.configurations import datastores, executors
from laminar_runtime.configurations.layers import ForEach, Parameter
from laminar_runtime.configurations.schedulers import Scheduler
from laminar_runtime.layer import storage_name, store_as


class Rounds(Flow): ...


@Rounds.register
class Split(Layer):
    def __call__(self) -> None:
        self.shard(part=[1, 2])


@Rounds.register(foreach=ForEach(parameters=[Parameter(Split, "part")]))
class Double(Layer):
    part: int

    def __call__(self, split: Split) -> None:
        self.twice = split.part * 2  # type: ignore[operator] # an element of what was sharded


@pytest.fixture
def execution() -> Execution:
    return Rounds(datastore=datastores.Memory(), executor=executors.Thread()).execution("e1")


def _run(*layers: Layer) -> None:
    async def go() -> None:
        for layer in layers:
            await Scheduler().schedule(layer=layer)

    asyncio.run(go())


def test_the_name_is_that_of_the_layer_unless_it_has_another(execution: Execution) -> None:
    layer = execution.layer(Split)
    assert (storage_name(layer), execution.key(layer).layer) == ("Split", "Split")
    assert storage_name(store_as(layer, "Split.2")) == "Split.2"
    assert execution.key(layer).record == "Rounds/.cache/e1/Split.2/.record.json"
    assert layer.name == "Split"


def test_a_layer_runs_under_another_name(execution: Execution) -> None:
    """All that the instance leaves is under that name, and it reads it there; others have nothing of it."""
    again = store_as(execution.layer(Split), "Split.2")
    _run(again)
    assert list(again.part) == [1, 2]
    assert again.state.finished
    assert not execution.layer(Split).state.finished
    assert execution.datastore.list_artifacts(layer=again) == ["part"]
    assert execution.stored == {"Split.2"}


def test_a_fan_out_runs_under_another_name(execution: Execution) -> None:
    again = store_as(execution.layer(Double), "Double.2")
    _run(execution.layer(Split), again)
    assert list(again.twice) == [2, 4]
    assert list(each(again, lambda layer: layer.twice)) == [2, 4]
    assert execution.layer(again, index=1).twice == 4
    assert not execution.layer(Double).state.finished


def test_the_name_goes_with_a_pickle(execution: Execution) -> None:
    again = store_as(execution.layer(Split), "Split.2")
    _run(again)
    assert list(pickle.loads(pickle.dumps(again)).part) == [1, 2]  # noqa: S301 - our own
