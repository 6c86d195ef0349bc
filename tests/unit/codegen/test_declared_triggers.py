"""The parameters of triggers are those that the flow declares."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from laminar_codegen.pipeline import Compilation
from laminar_codegen.problems import CompileError
from laminar_codegen.triggers.declared import check_against_inputs
from tests.support.graph_notation import graphs_in

FLOW = """
from datetime import datetime

from laminar_runtime import Flow, Layer, Parameters
from laminar_runtime.configurations.schedulers import AWS
from laminar_runtime.configurations.triggers import *

class F(Flow): ...

@F.register
class Options(Parameters):
    when: datetime
    rows: list[int]
    share: float | None = None
    mode: str = "full"

@F.register
class A(Layer):
    def __call__(self, options: Options) -> None:
        self.mode = options.mode

flow = F(scheduler=AWS.StepFunctions({}))

if __name__ == "__main__" and flow:
    flow()
"""


def problems(compiled: Callable[[str], Compilation], arguments: str) -> list[str]:
    """Return the problems of a flow with arguments of its scheduler."""
    try:
        compiled(FLOW.replace("{}", arguments))
    except CompileError as error:
        return sorted(problem.what for problem in error.problems)
    return []


@pytest.mark.parametrize(
    "trigger",
    [
        "Schedule('rate(1 day)', parameters={'when': SCHEDULED_TIME, 'rows': [1], 'share': 1})",
        "Event({'source': ['a']}, parameters={'when': '2026-01-01', 'rows': FromEvent('$.rows'), 'share': None})",
    ],
)
def test_declared_parameters(compiled: Callable[[str], Compilation], trigger: str) -> None:
    """Defaults may be left out, a whole number is a number, and only the event has what is taken from it."""
    assert problems(compiled, f"triggers=[{trigger}]") == []


def test_other_parameters(compiled: Callable[[str], Compilation]) -> None:
    """Unknown names, missing parameters and other types are refused at once."""
    trigger = "Schedule('rate(1 day)', parameters={'rows': SCHEDULED_TIME, 'mode': 3, 'day': 1})"
    where = "the trigger 'schedule' of flow 'F'"
    assert problems(compiled, f"triggers=[{trigger}]") == [
        f"{where} has the parameter 'day', which the flow does not declare",
        f"{where} has the parameter 'mode' of the JSON type integer, but the flow declares str",
        f"{where} has the parameter 'rows' of the JSON type string, but the flow declares list[int]",
        f"{where} lacks the parameter 'when', which the flow requires",
    ]


def test_a_plain_schedule_has_no_parameters(compiled: Callable[[str], Compilation]) -> None:
    found = problems(compiled, "schedule='rate(1 day)'")
    assert found == [
        f"the trigger 'schedule' of flow 'F' lacks the parameter '{name}', which the flow requires"
        for name in ("rows", "when")
    ]


def test_untyped_parameters() -> None:
    """A flow that declares no parameters takes any."""
    (graph,) = graphs_in("X")
    assert list(check_against_inputs(graph, "a", {"any": 1})) == []
