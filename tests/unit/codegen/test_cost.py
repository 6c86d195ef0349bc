"""What an execution takes is computed from its states, and is what a replay of these states counts."""

from __future__ import annotations

import itertools
from pathlib import Path

import pytest

from laminar_codegen.cost import estimate
from laminar_codegen.ir.asl import Choice, Rule, Succeed
from laminar_codegen.ir.asl import StateMachine as Machine
from laminar_codegen.ir.expressions import Expression
from laminar_codegen.pipeline import compile_flow
from laminar_codegen.rehearsal.simulated import profiled_services, replay_flow

GOLDEN = Path(__file__).parent.parent.parent / "golden"
PROGRAMS = ["diamond", "foreach", "grid", "hooks", "lambda", "n_shaped", "nested_branches", "one_layer", "one_to_one"]


@pytest.mark.parametrize("program", PROGRAMS)
def test_a_replay_takes_what_is_estimated(program: str) -> None:
    compilation = compile_flow(str(GOLDEN / program / "flow.py"))

    (graph,) = compilation.graphs
    (unit,) = compilation.units
    replayed = replay_flow(
        unit.machines, services=profiled_services(dict.fromkeys((layer.name for layer in graph.layers), 1.0))
    )

    found = estimate(unit.machines)
    assert replayed.status == "SUCCEEDED", replayed.cause
    assert (replayed.transitions, replayed.events) == (found.transitions.at({}), found.events.at({}))


def loop(default: str) -> Machine:
    """Return a machine that goes back to its first state, or on."""
    states = (
        Choice(name="Look", rules=(Rule(Expression("$states.input.again"), "Again"),), default=default),
        Choice(name="Again", rules=(), default="Look"),
        Succeed(name="End"),
    )
    return Machine(name="flow", comment="", states=states)


@pytest.mark.parametrize(("laps", "transitions"), [(1, 2), (2, 4), (3, 6)])
def test_a_loop_is_run_as_often_as_is_said(laps: int, transitions: int) -> None:
    assert estimate([loop("End")], laps=laps).transitions.base == transitions


def test_states_that_never_end_are_refused() -> None:
    with pytest.raises(ValueError, match="no path through the states from 'Look' ends"):
        estimate([loop("Again")])


def test_a_long_sequence_is_walked() -> None:
    names = [f"S{number}" for number in range(5_000)]
    states = [Choice(name=name, rules=(), default=after) for name, after in itertools.pairwise(names)]
    machine = Machine(name="flow", comment="", states=(*states, Succeed(name=names[-1])))

    assert estimate([machine]).transitions.base == len(names)
