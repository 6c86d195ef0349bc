"""The cost of the tasks of an execution."""

from __future__ import annotations

import pytest

from laminar_codegen.frontend.build_graph import build_graph
from laminar_codegen.frontend.loader import Source
from laminar_codegen.ir.graph import Graph
from laminar_codegen.rehearsal.compute_cost import estimate_compute
from laminar_runtime import Flow, Layer
from laminar_runtime.configurations import executors
from laminar_runtime.configurations.layers import Container


class Costs(Flow):
    """Has a layer of each kind."""


@Costs.register(container=Container(cpu=1, memory=2048))
class Fargate(Layer):
    def __call__(self) -> None: ...


@Costs.register(container=Container(cpu=1, memory=2048, spot=True))
class Spot(Layer):
    def __call__(self) -> None: ...


@Costs.register(container=Container(memory=1024), executor=executors.AWS.Lambda())
class Function(Layer):
    def __call__(self) -> None: ...


@pytest.fixture(scope="module")
def graph() -> Graph:
    from pathlib import Path

    return build_graph(Source(Costs(), Path(__file__), "test"))


def test_tasks_on_fargate_and_on_lambda(graph: Graph) -> None:
    """An hour of 1 vCPU and 2 GiB is 0.04937 dollars; 10 s of 1 GiB of a function, twice, 0.000334."""
    found = estimate_compute([graph], {"Fargate": 1}, {"Fargate": 3600})
    assert found.dollars == pytest.approx(0.04048 + 2 * 0.004445)
    found = estimate_compute([graph], {"Function": 2}, {"Function": 10})
    assert found.dollars == pytest.approx(2 * (10 * 0.0000166667 + 0.0000002))
    assert found.unknown == ()


def test_what_is_not_known_is_named(graph: Graph) -> None:
    """Spot capacity has no fixed price, and a layer may not be in the profile."""
    found = estimate_compute([graph], {"Fargate": 1, "Spot": 1, "Function": 0}, {"Spot": 1})
    assert (found.dollars, found.unknown) == (0.0, ("Fargate", "Spot"))


def test_without_a_profile_tasks_take_as_long_as_here(graph: Graph) -> None:
    """Two tasks that took an hour together cost as much as one of an hour."""
    found = estimate_compute([graph], {"Fargate": 2}, None, {"Fargate": 3600.0})
    assert found.dollars == pytest.approx(0.04048 + 2 * 0.004445)
    assert str(found) == f"${found.dollars:.6f} for the compute, if tasks take as long as here"


def test_tasks_of_flows_that_follow(graph: Graph) -> None:
    """Their names have the flow's name before them: a layer of the first flow may have the same."""
    found = estimate_compute([graph, graph], {"Costs-Fargate": 1}, {"Fargate": 3600})
    assert found.dollars == pytest.approx(0.04048 + 2 * 0.004445)
