"""The embedded AWS takes each definition that is emitted."""

from __future__ import annotations

import random
from pathlib import Path

from laminar_codegen.ir.asl import StateMachine
from laminar_codegen.lower_states.states import emit_states
from laminar_codegen.pipeline import compile_flow
from laminar_codegen.planning.make_plan import make_plan
from laminar_codegen.render.terraform_json import render_machine
from tests.integration.codegen.test_embedded_aws.embedded_aws_bench import Bench
from tests.support.random_graphs import graph_of
from tests.unit.property.test_machines import REFERENCES

GOLDEN = Path(__file__).parents[3] / "golden"


def _machines() -> list[tuple[str, StateMachine]]:
    found = [
        (f"{file.parent.name}-{machine.name}", machine)
        for file in sorted(GOLDEN.glob("*/flow.py"))
        for machine in compile_flow(str(file)).machines
    ]
    chance = random.Random(1)  # noqa: S311 - it hides nothing
    names = [f"L{place}" for place in range(20)]
    depends = {name: set(chance.sample(names[:place], min(place, 2))) for place, name in enumerate(names)}
    graph = graph_of(depends, fans_out=names[::3])
    return [*found, ("exact", emit_states(graph, make_plan(graph, joins="exact"))[0])]


def test_emitted_definitions_are_taken(bench: Bench) -> None:
    """Its interpreter reads the whole definition when a machine is made."""
    made = [
        bench.aws.client("stepfunctions").create_state_machine(
            name=name.replace("_", "-")[:80],
            definition=render_machine(machine, REFERENCES),
            roleArn="arn:aws:iam::123456789012:role/states",
        )["stateMachineArn"]
        for name, machine in _machines()
    ]
    assert len(set(made)) == len(made) > 15
