"""The time limit of a flow, in virtual time: of one flow, in a chain, and with turns."""

from __future__ import annotations

import functools
from typing import Any

import pytest

from laminar_codegen.lower_states.flow_sequence import emit_chain
from laminar_codegen.lower_states.states import emit_states
from laminar_codegen.lower_states.turns import take_turns
from laminar_codegen.planning.make_plan import make_plan
from laminar_codegen.rehearsal.simulated import Replayed, Services, profiled_services, redrive, replay_flow
from tests.support.graph_notation import graphs_in

ten_seconds = functools.partial(profiled_services, {}, otherwise=10)
ONE = "flow Report | ends=25\nA\nB after A\nC after B\n"


def run(text: str, overlap: Any = "allow", services: Services | None = None) -> Replayed:
    """Replay the flows of a text, whose layers take ten seconds each."""
    graphs = graphs_in(text)
    machines = [machine for graph in graphs for machine in emit_states(graph, make_plan(graph))]
    if len(graphs) > 1:
        machines.insert(0, emit_chain(graphs))
    found = tuple(machines) if overlap == "allow" else take_turns(machines, graphs[0], overlap)
    return replay_flow(found, services=services or ten_seconds())


def test_an_execution_is_ended_with_its_jobs() -> None:
    """It times out at its limit, and what it waits for is stopped."""
    services = ten_seconds()
    replayed = run(ONE, services=services)
    assert (replayed.status, replayed.seconds) == ("TIMED_OUT", 25)
    assert [attempt.outcome for attempt in services.jobs.attempts] == ["SUCCEEDED", "SUCCEEDED", "TERMINATED"]
    assert run(ONE.replace("25", "31")).status == "SUCCEEDED"


def test_a_redriven_execution_has_the_whole_time_again() -> None:
    """It goes on with the layer that was stopped."""
    services = ten_seconds()
    redriven = redrive(run(ONE, services=services))
    assert (redriven.status, redriven.seconds) == ("SUCCEEDED", 10)
    assert [attempt.layer for attempt in services.jobs.attempts] == ["A", "B", "C", "C"]


@pytest.mark.parametrize(("limit", "status"), [("ends=5", "FAILED"), ("ends=15", "SUCCEEDED")])
def test_a_flow_of_a_chain_has_a_limit_of_its_own(limit: str, status: str) -> None:
    """The chain takes longer than the limit of its second flow, and fails if that flow does."""
    assert run(f"flow One\nA\nB after A\nflow Two | {limit}\nC").status == status


def test_the_wait_for_a_turn_does_not_count() -> None:
    """The machine of the flow has the limit; those that find its turn have none."""
    (graph,) = graphs_in(ONE)
    found = take_turns(emit_states(graph, make_plan(graph)), graph, "queue")
    assert [machine.timeout for machine in found] == [None, None, 25]
    assert run(ONE, "queue").status == "FAILED"
