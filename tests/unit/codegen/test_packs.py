"""Packs of random flows: their order, their predictions, and what they cost."""

from __future__ import annotations

import math
import random

import attrs
import pytest

from benchmarks.replay import Workflow
from laminar_codegen.ir.plan import Pack, layers_of
from laminar_codegen.planning.choose_packs import choose_packs
from laminar_codegen.planning.make_plan import make_plan
from laminar_codegen.planning.makespan import makespan
from laminar_codegen.planning.pack_costs import USUAL_COSTS, Costs
from laminar_codegen.planning.pack_options import Job, Option, Options, best_options
from laminar_codegen.planning.pack_schedule import Capacity, pack_seconds
from laminar_codegen.planning.pack_work import Work


def _workflow(seed: int) -> Workflow:
    chance = random.Random(seed)  # noqa: S311 - the same flow each time
    names = [f"L{number}" for number in range(chance.randint(2, 40))]
    depends = {
        name: tuple(sorted({chance.choice(names[max(0, place - 8) : place]) for _ in range(chance.randint(0, 3))}))
        if place
        else ()
        for place, name in enumerate(names)
    }
    return Workflow("Random", {name: chance.choice([0.1, 2, 30, 400]) for name in names}, depends, None)


@pytest.mark.parametrize("seed", range(12))
def test_random_flows(seed: int) -> None:
    """Each layer runs once and in order, no later and no dearer than in a job of its own."""
    workflow = _workflow(seed)
    graph, costs = workflow.graph, USUAL_COSTS
    if seed % 2:  # every third layer has another image
        other = attrs.evolve(graph.layers[0].container, image="other:1")
        layers = (
            attrs.evolve(layer, container=other) if place % 3 else layer for place, layer in enumerate(graph.layers)
        )
        graph = attrs.evolve(graph, layers=tuple(layers))
    packs = choose_packs(graph, "auto", workflow.seconds, costs)
    assert packs == choose_packs(graph, "auto", workflow.seconds, costs)
    images = {layer.name: layer.container.image for layer in graph.layers}
    for pack in packs:
        assert len({images[name] for name in pack.names}) == 1
        for place, layer in enumerate(pack.layers):
            assert {*layer.after} == {*workflow.depends[layer.name]} & {*pack.names}
            assert {*layer.after} <= {*pack.names[:place]}
    plans = [
        make_plan(graph, durations=workflow.seconds, joins="exact", packs=chosen, start_up=costs.start_up)
        for chosen in (packs, ())
    ]
    assert sorted(layers_of(plans[0])) == sorted(workflow.seconds)
    packed, apart = (makespan(plan, workflow.seconds, costs.start_up) for plan in plans)
    assert packed <= apart * 1.02 + 1e-6
    assert _bill(packs, workflow) <= _bill((), workflow) * 1.0001


def _bill(packs: tuple[Pack, ...], workflow: Workflow) -> float:
    packed = {name for pack in packs for name in pack.names}
    jobs = [(Capacity(pack.cpu, pack.memory), pack_seconds(pack, workflow.seconds)) for pack in packs]
    jobs += [(Capacity(1, 2048), seconds) for name, seconds in workflow.seconds.items() if name not in packed]
    return math.fsum(USUAL_COSTS.bill(size, seconds) for size, seconds in jobs)


def test_the_prediction_of_options_is_that_of_the_plan() -> None:
    """Options of a part predict what the plan of their jobs takes."""
    workflow = _workflow(3)
    work = Work.of(workflow.graph, workflow.seconds, USUAL_COSTS)
    everything = range(len(work.after))
    apart = Options(work).alone(everything)
    plan = make_plan(workflow.graph, joins="exact")
    assert apart.seconds == pytest.approx(makespan(plan, workflow.seconds, USUAL_COSTS.start_up))
    assert all(isinstance(job, Job) for option in Options(work).of(everything) for job in option.jobs)


def test_best_options() -> None:
    """An option that another one beats is left out."""
    assert best_options([Option(5, 5), Option(4, 6), Option(6, 6), Option(5, 4)]) == [Option(4, 6), Option(5, 4)]


def test_bill() -> None:
    """A job bills its size, at least for a minute, and its start-up in part."""
    costs = Costs(of_cpu=1, of_memory=2, of_job=0)
    assert costs.bill(Capacity(2, 1024), 1) == 4 * 60
    assert costs.bill(Capacity(2, 1024), 85) == 4 * 100
