"""What a layer instance is stored under comes from the instance."""

from __future__ import annotations

import asyncio
import pickle

import pytest

from laminar_runtime import Execution, Flow, Layer, _records, each
from laminar_runtime.configurations import datastores, executors
from laminar_runtime.configurations.layers import ForEach, Parameter
from laminar_runtime.configurations.schedulers import Scheduler
from laminar_runtime.exceptions import ExecutionError, FlowError
from laminar_runtime.layer import storage_name, store_as
from laminar_runtime.planner import planner
from laminar_runtime.storage.layout import LayerKey
from laminar_runtime.task_environment import TaskContext


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


def test_a_fan_out_finds_its_parents_by_their_keys(execution: Execution) -> None:
    """What an execution says of names holds for the elements of splits, for hooks and for what layers depend on."""
    view = execution.with_storage_names({"Split": "Split.2", "Double": "Double.2"})
    _run(view.layer(Split), view.layer(Double))
    assert list(view.layer(Double).twice) == [2, 4]
    assert (view.layer("Split").state.finished, view.key("Split").layer) == (True, "Split.2")
    assert execution.stored == {"Split.2", "Double.2"}
    plan = planner.plan_layer(view, "Double")
    assert (plan.splits, plan.groups) == (2, ())
    with pytest.raises(ExecutionError, match="layer 'Split' of flow 'Rounds' has not finished"):
        _run(execution.layer(Double))


def test_layers_in_other_processes_know_the_names(execution: Execution) -> None:
    """Layers are pickled with the names, for pools of processes."""
    view = execution.with_storage_names({"Split": "Split.2"})
    _run(view.layer(Split))
    found = pickle.loads(pickle.dumps(view.layer(Double)))  # noqa: S301 - our own
    assert list(found.execution.layer(Split).part) == [1, 2]


def test_the_names_of_a_task_are_in_its_environment() -> None:
    """They stand there only if there are any: the variables of a task that runs once are what they were."""
    task = TaskContext(execution="e1", flow="Rounds", layer="Double")
    assert not [name for name in task.environment() if name.endswith("STORED_AS")]
    assert task.key == LayerKey("Rounds", "e1", "Double")
    again = _records.evolve(task, stored_as="Double.2", upstream=(("Größe", "Größe.2"), ("Split", "Split.2")))
    assert TaskContext.parse(again.environment()) == again
    assert again.key.record == "Rounds/.cache/e1/Double.2/.record.json"
    assert again.key.of("Split").record == "Rounds/.cache/e1/Split.2/.record.json"
    assert again.key.of("Other").record == "Rounds/.cache/e1/Other/.record.json"


@pytest.mark.parametrize("text", ["{", "[]", '{"Split": 1}', "1"])
def test_names_that_are_none(text: str) -> None:
    environment = TaskContext(execution="e1", flow="Rounds", layer="Double").environment()
    with pytest.raises(FlowError, match="the environment variable LAMINAR_UPSTREAM_STORED_AS must have the form"):
        TaskContext.parse({**environment, "LAMINAR_UPSTREAM_STORED_AS": text})
