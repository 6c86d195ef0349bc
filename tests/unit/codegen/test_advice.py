"""What the compiler says about plans on the page of an execution."""

from __future__ import annotations

import tomllib
from importlib.metadata import EntryPoint
from pathlib import Path

from laminar_codegen.api.advice import advise
from laminar_runtime import Flow, Layer
from laminar_runtime.configurations import datastores, executors


class Zigzag(Flow):
    """C after A, D after A and B."""


@Zigzag.register
class A(Layer):
    def __call__(self) -> None: ...


@Zigzag.register
class B(Layer):
    def __call__(self) -> None: ...


@Zigzag.register
class C(Layer):
    def __call__(self, a: A) -> None: ...


@Zigzag.register
class D(Layer):
    def __call__(self, a: A, b: B) -> None: ...


def test_plans_of_a_flow_are_compared() -> None:
    """By the seconds of the layers that it has: others of the record are left out."""
    lines = [*advise(Zigzag(), {"A": 1, "B": 10, "C": 10, "D": 1, "Former": 9})]
    assert "takes 20.0 s, and the longest path 11.0 s" in lines[0]
    assert [*advise(Zigzag(), {"Former": 9})] == []


def test_a_flow_that_cannot_be_compiled_has_no_plan() -> None:
    """The reason is a line of the page, not its end."""
    flow = Zigzag(datastore=datastores.Memory(), executor=executors.Thread())
    (line,) = advise(flow, {"A": 1.0})
    assert line.startswith("The flow has no plan to compare: ")


def test_the_page_finds_it_by_its_entry_point() -> None:
    """The group that the page asks for has this function."""
    project = tomllib.loads((Path(__file__).parents[3] / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    (named,) = project["entry-points"]["laminar_runtime.report.planners"].values()
    assert EntryPoint("codegen", named, "laminar_runtime.report.planners").load() is advise
