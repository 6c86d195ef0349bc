"""Replays of the machines of random flows: the right jobs, at the right times."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Mapping
from typing import Any

import attrs
import pytest
from hypothesis import given
from hypothesis import strategies as st
from sfnx.testing import run

from laminar_codegen.cost import estimate
from laminar_codegen.ir.graph import Graph
from laminar_codegen.ir.plan import FanOut, Parallel, PipelinedFanOut, Run, Sequence, Step, SubMachine
from laminar_codegen.lower_states.states import emit_states
from laminar_codegen.planning.make_plan import make_plan
from laminar_codegen.rehearsal.simulated import JobResult, Replayed, Services, profiled_services, replay_flow, validate
from laminar_codegen.render.terraform_json import render_machine
from laminar_codegen.targets.planners import planner_of
from laminar_runtime.configurations import planners
from tests.support.random_graphs import dags, graph_of, order_of, series_parallel
from tests.unit.property import test_machines
from tests.unit.property.test_machines import REFERENCES, WIDTHS, Depends


def _definition(graph: Graph) -> str:
    (machine,) = emit_states(graph, make_plan(graph))
    return render_machine(machine, REFERENCES)


def _replay(graph: Graph, services: Services, **options: Any) -> Replayed:
    machines = emit_states(graph, make_plan(graph))
    return replay_flow(machines, services=services, references=REFERENCES, **options)


def _makespan(plan: Step, seconds: Mapping[str, float], splits: Mapping[str, int]) -> float:
    """Return how long a plan takes."""
    match plan:
        case Run(layer):
            return seconds[layer]
        case FanOut(layer):
            return seconds[layer] if splits[layer] else 0
        case Sequence(steps):
            return sum(_makespan(step, seconds, splits) for step in steps)
        case Parallel(branches):
            return max(_makespan(branch, seconds, splits) for branch in branches)
        case _:
            raise AssertionError(plan)


def _drawn(data: st.DataObject, depends: Depends) -> tuple[Graph, dict[str, int], dict[str, int]]:
    """Draw a graph of which some layers fan out, with the seconds of layers and their splits."""
    wide = data.draw(st.sets(st.sampled_from(sorted(depends))))
    seconds = {name: data.draw(st.integers(0, 50)) for name in depends}
    splits = {name: data.draw(st.sampled_from(WIDTHS)) for name in sorted(wide)}
    return graph_of(depends, fans_out=wide), seconds, splits


@given(dags(most=15), st.data())
def test_a_machine_takes_as_long_as_its_plan(depends: Depends, data: st.DataObject) -> None:
    """The emitted machine adds nothing: sequences add up, branches last as long as the longest of them."""
    graph, seconds, splits = _drawn(data, depends)
    if data.draw(st.booleans()):
        # Planners that are jobs take no longer here than those that are functions: neither takes any time.
        graph = attrs.evolve(graph, planner=planner_of(planners.AWS.Batch(), None))
    replayed = _replay(graph, profiled_services(seconds, splits=splits))
    assert replayed.status == "SUCCEEDED", replayed
    assert replayed.seconds == _makespan(make_plan(graph), seconds, splits)


@given(dags(most=15), st.data())
def test_layers_start_when_all_that_they_depend_on_has_ended(depends: Depends, data: st.DataObject) -> None:
    """Each split of each layer runs once, after all splits of the layers before it; unrelated layers do not wait."""
    graph, seconds, splits = _drawn(data, depends)
    services = profiled_services(seconds, splits=splits)
    _replay(graph, services)
    attempts = services.jobs.attempts
    assert Counter(attempt.layer for attempt in attempts) == Counter({name: splits.get(name, 1) for name in depends})
    started = {attempt.layer: attempt.started for attempt in attempts}
    ended = {attempt.layer: attempt.ended for attempt in attempts}
    for parent, child in order_of(make_plan(graph)):
        if parent in ended and child in started:
            assert ended[parent] <= started[child]
    first = min(started.values(), default=0)
    assert first == 0


@given(series_parallel(), st.data())
def test_nested_flows_take_as_long_as_their_longest_path(
    flow: tuple[Depends, set[tuple[str, str]]], data: st.DataObject
) -> None:
    """A flow that series and branches can say takes no longer than it must, with as many machines as it wants."""
    depends, _ = flow
    seconds = {name: data.draw(st.integers(0, 50)) for name in depends}
    ends: dict[str, int] = {}
    left = list(depends)
    while left:
        name = next(name for name in left if depends[name] <= ends.keys())
        ends[name] = max((ends[parent] for parent in depends[name]), default=0) + seconds[name]
        left.remove(name)
    assert _replay(graph_of(depends), profiled_services(seconds)).seconds == max(ends.values())


@given(dags(most=12), st.data())
def test_two_interpreters_do_the_same(depends: Depends, data: st.DataObject) -> None:
    """The replay submits the jobs and writes the objects that sfnx does, in as many transitions."""
    graph, seconds, splits = _drawn(data, depends)
    services, other = profiled_services(seconds, splits=splits), test_machines.Services(splits)
    replayed = _replay(graph, services, input={"parameters": {"items": [1]}})
    ended = run(json.loads(_definition(graph)), {"parameters": {"items": [1]}}, other)
    assert _submitted(services) == Counter(
        (layer, job.get("ArrayProperties", {}).get("Size"), *_common(job["Environment"])) for layer, job in other.jobs
    )
    assert {place: json.loads(text) for place, text in services.objects.contents.items()} == other.objects
    assert Counter(replayed.states) == Counter(ended.states)
    assert replayed.transitions == len(ended.states)
    assert replayed.output == ended.output


def _submitted(services: Services) -> Counter[tuple[Any, ...]]:
    jobs = [job.request for job in services.jobs.jobs.values() if job.parent is None]
    return Counter((job.environment["LAMINAR_LAYER_NAME"], job.array_size, *_common(job.environment)) for job in jobs)


def _common(environment: Mapping[str, str]) -> list[tuple[str, str]]:
    """Return the variables of a job without the indexes of its splits, which the two planners spell differently."""
    common = {"LAMINAR_EXECUTION_ID", "LAMINAR_LAYER_SPLITS", "LAMINAR_LAYER_ATTEMPT"}
    return sorted((name, value) for name, value in environment.items() if name in common)


@given(dags(most=12), st.data())
def test_two_interpreters_fail_the_same(depends: Depends, data: st.DataObject) -> None:
    """A layer that fails is tried as often, and ends the execution with the same error."""
    bad, attempts = data.draw(st.sampled_from(sorted(depends))), data.draw(st.integers(1, 4))
    failures = data.draw(st.integers(0, 5))
    graph = graph_of(depends, attempts={bad: attempts})
    left = {bad: failures}

    def work(attempt: Any) -> JobResult:
        left[attempt.layer] = left.get(attempt.layer, 0) - 1
        return JobResult(exit_code=int(left[attempt.layer] >= 0))

    services = profiled_services({})
    services.jobs.run = work
    replayed = _replay(graph, services)
    other = test_machines.Services({}, {bad: failures})
    ended = run(json.loads(_definition(graph)), {}, other)
    assert replayed.error == ended.error
    tried = [
        attempt.environment.get("LAMINAR_LAYER_ATTEMPT", "1")
        for attempt in services.jobs.attempts
        if attempt.layer == bad
    ]
    assert tried == [job["Environment"].get("LAMINAR_LAYER_ATTEMPT", "1") for layer, job in other.jobs if layer == bad]


@given(dags(most=15), st.data())
def test_machines_are_valid_and_replay_the_same_each_time(depends: Depends, data: st.DataObject) -> None:
    """Step Functions takes what is emitted, and a replay of it is the same each time."""
    graph, seconds, splits = _drawn(data, depends)
    assert validate(_definition(graph)) == []
    first = _replay(graph, profiled_services(seconds, splits=splits))
    assert first == _replay(graph, profiled_services(seconds, splits=splits))


@pytest.mark.parametrize("length", [1, 10, 300])
def test_events_of_a_chain(length: int) -> None:
    """A layer that runs once is six events, besides the execution's two and the five of the input that is kept."""
    depends = {f"L{i}": {f"L{i - 1}"} if i else set() for i in range(length)}
    replayed = _replay(graph_of(depends), profiled_services({}, otherwise=1))
    assert (replayed.seconds, replayed.transitions, replayed.events) == (length, length + 1, 6 * length + 7)


@pytest.mark.parametrize(("width", "transitions", "events"), [(0, 3, 14), (1, 4, 22), (2, 4, 22), (10_000, 4, 22)])
def test_events_of_a_fan_out(width: int, transitions: int, events: int) -> None:
    """Whatever the width, a fan-out is a few transitions and events."""
    replayed = _replay(graph_of({"A": set()}, fans_out=["A"]), profiled_services({"A": 3}, splits={"A": width}))
    # Besides, the parameters are kept: one transition of five events. The execution's own two are counted above.
    assert (replayed.transitions, replayed.events) == (transitions + 1, events + 2 + 5)
    assert replayed.seconds == (3 if width else 0)


@given(st.lists(st.integers(1, 50), min_size=2, max_size=6), st.sampled_from(WIDTHS))
def test_fan_outs_run_item_by_item(seconds: list[int], width: int) -> None:
    """Pipelined fan-outs are array jobs that wait child by child, at the estimated transitions and events."""
    layers = [f"L{place}" for place in range(len(seconds))]
    graph = graph_of({name: set(layers[:place]) for place, name in enumerate(layers)}, fans_out=layers)
    services = profiled_services(dict(zip(layers, seconds, strict=True)), splits=dict.fromkeys(layers, width))
    replayed = replay_flow(emit_states(graph, PipelinedFanOut(tuple(layers))), services=services)
    assert replayed.status == "SUCCEEDED", replayed
    assert replayed.seconds == (sum(seconds) if width else 0)
    assert Counter(attempt.layer for attempt in services.jobs.attempts) == Counter(dict.fromkeys(layers, width))
    estimated, jobs = (
        estimate(emit_states(graph, PipelinedFanOut(tuple(layers)))),
        dict.fromkeys(layers, int(width > 0)),
    )
    assert (estimated.transitions.at(jobs), estimated.events.at(jobs)) == (replayed.transitions, replayed.events)


@given(st.lists(st.integers(0, 50), min_size=3, max_size=9), st.data())
def test_nested_machines_take_as_long_as_one(seconds: list[int], data: st.DataObject) -> None:
    """A part of a plan that is a machine of its own takes two states' worth of events, and no time."""
    layers = [f"L{place}" for place in range(len(seconds))]
    depends = {name: set(layers[place - 1 : place]) for place, name in enumerate(layers)}
    start = data.draw(st.integers(0, len(layers) - 2))
    steps = [Run(name) for name in layers]
    inner = SubMachine("part_1", Sequence((steps[start], steps[start + 1])))
    plan = Sequence((*steps[:start], inner, *steps[start + 2 :]))
    services = profiled_services(dict(zip(layers, seconds, strict=True)))
    replayed = replay_flow(emit_states(graph_of(depends), plan), services=services)
    assert (replayed.status, replayed.seconds) == ("SUCCEEDED", sum(seconds))
    assert replayed.total_transitions == len(layers) + 2
    assert [nested.transitions for nested in replayed.nested] == [2]
    assert replayed.events == 2 + 5 + 6 * (len(layers) - 1)
