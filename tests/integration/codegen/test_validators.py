"""Each state machine that is emitted is one to validators that are not ours."""

from __future__ import annotations

import json
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from laminar_codegen.lower_states.states import emit_states
from laminar_codegen.planning.make_plan import make_plan
from laminar_codegen.rehearsal.simulated import validate
from laminar_codegen.render.terraform_json import render_machine
from tests.asl_validator import problems
from tests.support.golden import CASES, compilation_of
from tests.support.random_graphs import dags, graph_of
from tests.unit.property.test_machines import REFERENCES

#: What the validator has against what Step Functions takes. It takes a state named ``Default`` for the field.
KNOWN = {"containers": "MISSING_TRANSITION_TARGET: Missing 'StartAt'|'Next'|'Default' target: [object Object]"}


def test_golden_machines() -> None:
    """asl-validator has nothing against them but what it is wrong about."""
    machines = [
        (case, json.loads(render_machine(machine, REFERENCES)))
        for case in CASES
        for machine in compilation_of(case).machines
    ]
    found = problems([definition for _, definition in machines])
    reported = {case: problem for (case, _), problem in zip(machines, found, strict=True) if problem}
    assert reported == KNOWN


def test_a_wrong_machine_is_refused() -> None:
    """The validator can fail."""
    (found,) = problems([{"StartAt": "A", "States": {"A": {"Type": "Pass", "Next": "B"}}}])
    assert "MISSING_TRANSITION_TARGET" in found


@settings(max_examples=3)
@given(st.lists(st.tuples(dags(most=15), st.randoms(use_true_random=False)), min_size=10, max_size=10))
def test_random_machines(drawn: list[tuple[dict[str, set[str]], Any]]) -> None:
    """Nor against those of random graphs."""
    definitions = []
    for depends, random in drawn:
        graph = graph_of(depends, fans_out=[name for name in sorted(depends) if random.random() < 0.5])
        plan = make_plan(graph, joins=random.choice(["barriers", "exact"]))
        definitions += [json.loads(render_machine(machine, REFERENCES)) for machine in emit_states(graph, plan)]
    assert [problem for definition in definitions for problem in validate(definition)] == []
    assert [problem for problem in problems(definitions) if problem] == []
