"""Each expression that is emitted is evaluated here as the reference implementation of JSONata evaluates it.

The machines of all golden flows are run in virtual time. What their expressions see, and what they give, is noted, and
npm's jsonata is asked about the same.
"""

from __future__ import annotations

import dataclasses
import json
import re
from pathlib import Path
from typing import Any, Literal

import pytest

from laminar_codegen.ir.asl import StateMachine
from laminar_codegen.ir.graph import DeclaredParameter
from laminar_codegen.lower_states.input_check import find_problems
from laminar_codegen.pipeline import compile_flow
from laminar_codegen.problems import Location
from laminar_codegen.rehearsal.asl import query_language
from laminar_codegen.rehearsal.asl.errors import NamedError
from laminar_codegen.rehearsal.asl.evaluation import Evaluation
from laminar_codegen.rehearsal.asl.scopes import Scope
from laminar_codegen.rehearsal.asl.templates import Template, View, expressions_in
from laminar_codegen.rehearsal.simulated import profiled_services, replay_flow
from laminar_codegen.render.terraform_json import render_machine
from laminar_runtime.inputs.shapes import describe, spell
from tests import asl_validator
from tests.unit.property.test_machines import REFERENCES

GOLDEN = Path(__file__).parents[2] / "golden"
#: What is another each time.
CHANCE = ("$uuid(", "$random(", "$now(", "$millis(")
#: How many expressions the runs evaluate at least, so that there is something to compare.
ENOUGH = 40

Seen = dict[str, tuple[str, Any]]


@dataclasses.dataclass
class Size:
    a: int
    b: str = ""


def _machines() -> list[tuple[StateMachine, ...]]:
    return [compile_flow(str(file)).machines for file in sorted(GOLDEN.glob("*/flow.py"))]


def _note(seen: Seen, value: Any, view: View) -> None:
    for expression in expressions_in(value):
        if not any(name in expression for name in CHANCE):
            values = json.loads(json.dumps(view.values))
            seen.setdefault(json.dumps([expression, values], sort_keys=True), (expression, values))


def _seen() -> Seen:
    """All expressions of runs of the golden flows, each once with the values that it sees."""
    seen: Seen = {}
    evaluate = Evaluation.evaluate

    def noting(self: Evaluation, scope: Scope, template: Template, view: View) -> Any:
        _note(seen, template.source, view)
        return evaluate(self, scope, template, view)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(Evaluation, "evaluate", noting)
        for machines in _machines():
            for input_ in ({}, {"parameters": {"day": "2026-01-31"}}):
                replay_flow(machines, services=profiled_services({}, splits={}), input=input_)
    return seen


def _ours(expression: str, values: Any) -> dict[str, Any]:
    """Evaluate an expression here, and give what comes of it as `asl_validator.evaluate` gives it."""
    try:
        return {"value": Template(f"{{% {expression} %}}").evaluate(View(values, {}))}
    except NamedError:
        return {}


def test_the_reference_makes_the_same_of_each_expression() -> None:
    """Value by value; what is undefined or wrong there is an error here."""
    asked = list(_seen().values())
    assert len({expression for expression, _ in asked}) >= ENOUGH
    different = [
        (expression, ours, theirs)
        for (expression, values), theirs in zip(asked, asl_validator.evaluate(asked), strict=True)
        for ours in [_ours(expression, values)]
        if ours != {name: value for name, value in theirs.items() if name == "value"}
    ]
    assert different == []


def test_the_reference_reads_each_expression() -> None:
    """Also those of states that no run enters: each is JSONata to the reference, and here."""
    texts = [render_machine(machine, REFERENCES) for machines in _machines() for machine in machines]
    expressions = sorted({expression for text in texts for expression in expressions_in(json.loads(text))})
    problems = [
        (expression, answer["error"])
        for expression, answer in zip(
            expressions, asl_validator.evaluate([(expression, None) for expression in expressions]), strict=True
        )
        if "error" in answer
    ]
    assert problems == []
    assert [query_language.check_syntax(expression) for expression in expressions] == [None] * len(expressions)


def test_the_reference_checks_inputs_alike() -> None:
    """The first state of flows with typed parameters finds the same problems there, with each type and each value."""
    values = [None, True, 0, 1, 2.5, 2**53, "", "a", [], [1], [[]], [None, "a"], [["a"], []], {}, {"a": 1}, {"a": []}]
    hints = [
        str,
        int,
        float | None,
        bool,
        Literal["a", 1, True] | None,
        list[int],
        list[list[str]],
        dict[str, list[int]],
    ]
    hints += [tuple[int, str], tuple[str | None, str], Size, list[Size], Any, dict[str, Any] | list[str]]
    asked = []
    for hint in hints:
        declared = DeclaredParameter("x", describe(hint), spell(hint), None, "", Location("flow.py"))
        for given in (*({"x": value} for value in values), {}, {"y": 1}, [], [{"x": 1}]):
            context = {"Execution": {"Input": {"parameters": given}}}
            asked.append((f"{{'found': [{find_problems([declared])}]}}", {"states": {"context": context}}))
    answers = asl_validator.evaluate(asked)
    different = [
        (values, ours, theirs)
        for (expression, values), theirs in zip(asked, answers, strict=True)
        for ours in [_ours(expression, values)]
        if _without_numbers(ours) != _without_numbers({name: theirs[name] for name in theirs if name == "value"})
    ]
    assert different == []
    assert len({json.dumps(answer) for answer in answers}) > len(hints)


def _without_numbers(answer: dict[str, Any]) -> str:
    """Return an answer as text, without how a large number is written."""
    return re.sub(r"not [0-9.e+]+", "not a number", json.dumps(answer))
