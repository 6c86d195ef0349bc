"""Exact joins: no layer waits for more than it depends on, whatever happens in between."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from typing import Any

import attrs
from hypothesis import assume, given
from hypothesis import strategies as st

from laminar_codegen.cost import estimate
from laminar_codegen.ir.plan import ExactJoins, JoinNode, Run, Step
from laminar_codegen.lower_states.states import emit_states
from laminar_codegen.rehearsal.simulated import Attempt, BatchJobs, JobResult, Services, redrive, replay
from laminar_codegen.render.terraform_json import render_machine
from tests.support.random_graphs import dags, graph_of, in_order
from tests.unit.property.test_machines import REFERENCES

Depends = dict[str, set[str]]
NAMES = [f"L{number}" for number in range(12)]


def joins(depends: Mapping[str, Iterable[str]]) -> Step:
    """Return a plan of chains that are a layer each: all that layers depend on is waited for."""
    return ExactJoins(tuple((JoinNode(name, Run(name), tuple(sorted(above))),) for name, above in depends.items()))


def critical(depends: Depends, seconds: Mapping[str, float]) -> float:
    """Return how long the longest path takes."""
    ends: dict[str, float] = {}

    def end(name: str) -> float:
        if name not in ends:
            ends[name] = seconds[name] + max(map(end, depends[name]), default=0)
        return ends[name]

    return max(map(end, depends))


@attrs.define
class Jobs:
    """Jobs that take some seconds, and fail as often as `failures` says."""

    seconds: Mapping[str, float]
    failures: dict[str, int] = attrs.field(factory=dict)
    done: list[str] = attrs.field(factory=list)

    @property
    def services(self) -> Services:
        """What a replay calls."""
        return Services(jobs=BatchJobs(run=self.run, seconds=lambda attempt: self.seconds[_layer(attempt)]))

    def run(self, attempt: Attempt) -> JobResult:
        """End an attempt."""
        layer = _layer(attempt)
        if self.failures.get(layer, 0):
            self.failures[layer] -= 1
            return JobResult(exit_code=1)
        self.done.append(layer)
        return JobResult()


def _layer(attempt: Attempt) -> str:
    return attempt.environment["LAMINAR_LAYER_NAME"]


def _definition(depends: Depends) -> dict[str, Any]:
    (machine,) = emit_states(graph_of(depends), joins(depends))
    definition: dict[str, Any] = json.loads(render_machine(machine, REFERENCES))
    return definition


def test_one_join_by_eye() -> None:
    """The N: D waits for A and B, C for A alone."""
    depends: Depends = {"A": set(), "B": set(), "C": {"A"}, "D": {"A", "B"}}
    replayed = replay(_definition(depends), services=Jobs({"A": 5, "B": 50, "C": 60, "D": 7}).services)
    assert replayed.status == "SUCCEEDED", replayed.cause
    assert replayed.seconds == 65


@given(dags(most=12), st.lists(st.integers(1, 500), min_size=12, max_size=12))
def test_nothing_waits_without_need(depends: Depends, times: list[int]) -> None:
    """The machine takes as long as its longest path."""
    assume(len(depends) > 1)
    jobs = Jobs(dict(zip(NAMES, times, strict=True)))
    replayed = replay(_definition(depends), services=jobs.services)
    assert replayed.status == "SUCCEEDED", replayed.cause
    assert sorted(jobs.done) == sorted(depends)
    assert in_order(depends, jobs.done)
    assert replayed.seconds == critical(depends, jobs.seconds)


@given(dags(most=12), st.integers(0, 3))
def test_what_exact_joins_take_is_estimated(depends: Depends, seconds: int) -> None:
    """An execution takes no more transitions and events than were estimated of it."""
    assume(len(depends) > 1)
    replayed = replay(_definition(depends), services=Jobs(dict.fromkeys(NAMES, seconds)).services)
    assert replayed.status == "SUCCEEDED", replayed.cause
    expected = estimate(emit_states(graph_of(depends), joins(depends)))
    assert replayed.transitions <= expected.transitions.at({})
    assert replayed.events <= expected.events.at({})


@given(dags(most=10), st.lists(st.integers(1, 500), min_size=12, max_size=12), st.data())
def test_a_redrive_goes_on(depends: Depends, times: list[int], data: st.DataObject) -> None:
    """Whichever layers fail, redrives finish the rest, each layer once, in order."""
    assume(len(depends) > 1)
    failures = data.draw(st.dictionaries(st.sampled_from(sorted(depends)), st.integers(1, 2), max_size=3))
    jobs = Jobs(dict(zip(NAMES, times, strict=True)), dict(failures))
    replayed = replay(_definition(depends), services=jobs.services)
    redrives = 0
    while replayed.status != "SUCCEEDED":
        redrives += 1
        assert redrives <= sum(failures.values())
        replayed = redrive(replayed)
    assert sorted(jobs.done) == sorted(depends)
    assert in_order(depends, jobs.done)
    assert not any(jobs.failures.values())


@given(dags(most=8), st.lists(st.integers(1, 500), min_size=12, max_size=12), st.sampled_from([0.5, 3, 20]))
def test_lost_signals_are_looked_for(depends: Depends, times: list[int], overhead: float) -> None:
    """Slow states lose signals, between a look and the wait for a token: the machine still ends, a little later."""
    assume(len(depends) > 1)
    jobs = Jobs(dict(zip(NAMES, times, strict=True)))
    replayed = replay(_definition(depends), services=jobs.services, overhead=overhead)
    assert replayed.status == "SUCCEEDED", replayed.cause
    assert sorted(jobs.done) == sorted(depends)
    assert in_order(depends, jobs.done)


def test_an_execution_that_goes_on_finds_the_marks() -> None:
    """One that is started anew under the same id meets the marks of the first, and loses nothing."""
    depends: Depends = {"A": set(), "B": set(), "C": {"A"}, "D": {"A", "B"}}
    jobs = Jobs(dict.fromkeys("ABCD", 9), {"D": 1})
    services, definition = jobs.services, _definition(depends)
    assert replay(definition, services=services).status == "FAILED"
    assert replay(definition, services=services, name="execution@resume-1").status == "SUCCEEDED"
    assert in_order(depends, jobs.done[-4:])
