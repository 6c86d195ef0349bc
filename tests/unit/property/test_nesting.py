"""Flows that are too large for one state machine: in several, and still in order."""

from __future__ import annotations

import random

import attrs
import pytest
from hypothesis import given
from hypothesis import strategies as st

from laminar_codegen.ir.plan import Step, layers_of
from laminar_codegen.limits import DEFINITION_BYTES
from laminar_codegen.lower_states.split_machines import MachineSize, split_plan
from laminar_codegen.lower_states.states import emit_states, measure_steps
from laminar_codegen.planning.make_plan import make_plan
from laminar_codegen.rehearsal.simulated import Attempt, JobResult, Replayed, profiled_services, redrive, replay_flow
from laminar_codegen.render.terraform_json import size_of
from tests.support.random_graphs import dags, graph_of, in_order

Depends = dict[str, set[str]]


@attrs.define
class Work:
    """Jobs that note what they ran, and fail once if they are in `broken`."""

    broken: set[str] = attrs.field(factory=set)
    done: list[str] = attrs.field(factory=list)

    def run(self, attempt: Attempt) -> JobResult:
        """End a job."""
        if attempt.layer in self.broken:
            self.broken.remove(attempt.layer)
            return JobResult(exit_code=1)
        self.done.append(attempt.layer)
        return JobResult()


def _replay(depends: Depends, plan: Step, work: Work) -> Replayed:
    services = profiled_services({}, otherwise=1)
    services.jobs.run = work.run
    return replay_flow(emit_states(graph_of(depends), plan), services=services)


@given(dags(most=30), st.integers(2, 12), st.sampled_from(["barriers", "exact"]), st.data())
def test_nested_steps_runin_order(depends: Depends, room: int, joins: str, data: st.DataObject) -> None:
    """Whatever little a machine takes, each layer runs once, after what it depends on, also after a redrive."""
    graph = graph_of(depends)
    own = measure_steps(graph)

    def heavy(step: Step) -> MachineSize:
        return MachineSize(own(step).size * DEFINITION_BYTES // (900 * room), 0)

    plan = split_plan(make_plan(graph, joins=joins), heavy)  # type: ignore[arg-type] # one of the literals
    assert sorted(layers_of(plan)) == sorted(depends)
    work = Work(set(data.draw(st.lists(st.sampled_from(sorted(depends)), max_size=1))))
    replayed = _replay(depends, plan, work)
    if replayed.status != "SUCCEEDED":
        # A part whose execution failed is run by another, in which jobs of what finished end at once: here they do not.
        replayed = redrive(replayed)
    assert replayed.status == "SUCCEEDED", replayed.cause
    assert set(work.done) == set(depends)
    assert in_order(depends, list(dict.fromkeys(work.done)))


def _chain(count: int) -> Depends:
    return {f"Layer{place}": {f"Layer{place - 1}"} if place else set() for place in range(count)}


def _random(count: int) -> Depends:
    chance = random.Random(1)  # noqa: S311 - it hides nothing
    names = [f"Layer{place}" for place in range(count)]
    return {
        name: set(chance.sample(names[max(0, place - 40) : place], min(place, 3))) for place, name in enumerate(names)
    }


@pytest.mark.integration  # it takes seconds: a unit test is quicker
@pytest.mark.parametrize("shape", [_chain, _random])
def test_five_thousand_layers(shape: object) -> None:
    """They are a handful of machines, each within its limit, that run all layers in order."""
    depends = shape(5000)  # type: ignore[operator] # one of the two above
    graph = graph_of(depends)
    plan = split_plan(make_plan(graph), measure_steps(graph))
    machines = emit_states(graph, plan)
    assert 4 <= len(machines) <= 12
    assert all(size_of(machine.states) < DEFINITION_BYTES for machine in machines)
    work = Work()
    replayed = _replay(depends, plan, work)
    assert replayed.status == "SUCCEEDED", replayed.cause
    assert sorted(work.done) == sorted(depends)
    assert in_order(depends, work.done)


def test_nine_hundred_layers_fit_one_machine() -> None:
    """A plain layer takes at most 1,030 bytes, with the longest names that a deployment may have."""
    graph = graph_of(_chain(900))
    (machine,) = emit_states(graph, split_plan(make_plan(graph), measure_steps(graph)))
    assert size_of(machine.states) / len(graph.layers) <= 1030
