"""Plans by example: barriers by durations, exact joins, and fan-outs that run item by item."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import attrs
import pytest

from laminar_codegen.ir.graph import Dimension, Graph, LayerNode
from laminar_codegen.ir.plan import (
    ExactJoins,
    FanOut,
    JoinNode,
    Parallel,
    PipelinedFanOut,
    Run,
    Sequence,
    layers_of,
    print_plan,
)
from laminar_codegen.planning.make_plan import make_plan
from laminar_codegen.planning.makespan import critical_path, makespan
from laminar_codegen.problems import CompileError
from laminar_codegen.targets.aws_lambda.target import LambdaTarget
from laminar_runtime.configurations.layers import Retry
from tests.support.random_graphs import graph_of

#: The smallest order that no nesting says.
N = {"A": set[str](), "B": set[str](), "C": {"A"}, "D": {"A", "B"}}


def test_a_barrier_is_placed_by_durations() -> None:
    """Without durations by levels; with them so that what takes long does not wait for what takes longer."""
    assert make_plan(graph_of(N)) == Sequence((Parallel((Run("A"), Run("B"))), Parallel((Run("C"), Run("D")))))
    seconds = {"A": 1.0, "B": 10.0, "C": 12.5, "D": 4.0}
    plan = make_plan(graph_of(N), durations=seconds)
    assert plan == Sequence((Run("A"), Parallel((Sequence((Run("B"), Run("D"))), Run("C")))))
    assert makespan(plan, seconds) == 15


def test_a_layer_of_which_nothing_is_known_takes_the_median() -> None:
    """As does each that the profile lacks; what it has of other layers does not count."""
    known = make_plan(graph_of(N), durations={"A": 1, "B": 10, "C": 10, "D": 10})
    assert make_plan(graph_of(N), durations={"A": 1, "C": 10, "D": 10, "Old": 1e9}) == known
    assert make_plan(graph_of(N), durations={"Old": 1e9}) == make_plan(graph_of(N))


def test_exact_joins_by_eye() -> None:
    """Chains with the fewest dependencies between them; only where no nesting says the order."""
    joins = ExactJoins(
        (
            (JoinNode("A", Run("A"), ()), JoinNode("C", Run("C"), ())),
            (JoinNode("B", Run("B"), ()), JoinNode("D", Run("D"), ("A",))),
        )
    )
    assert make_plan(graph_of(N), joins="exact") == joins
    around = {"First": set[str](), **{name: above or {"First"} for name, above in N.items()}, "Last": {"C", "D"}}
    assert make_plan(graph_of(around), joins="exact") == Sequence((Run("First"), joins, Run("Last")))


def test_layers_alike_are_one_node() -> None:
    """A hundred layers between the same neighbours are waited for as one, and wait as one."""
    many = {f"M{number}": {"A"} for number in range(100)}
    depends = {**N, **many, "C": set(many), "D": {"B", *many}}
    plan = make_plan(graph_of(depends), joins="exact")
    assert isinstance(plan, ExactJoins)
    nodes = {node.name: node for chain in plan.paths for node in chain}
    assert {name: node.after for name, node in nodes.items()} == {"A-101": (), "C": (), "B": (), "D": ("A-101",)}
    assert nodes["A-101"].step == Sequence((Run("A"), Parallel(tuple(map(Run, many)))))


def test_a_profile_decides() -> None:
    """Barriers where they cost little, exact joins elsewhere; without a profile nothing can be weighed."""
    seconds = {"A": 1.0, "B": 10.0, "C": 12.5, "D": 4.0}
    assert isinstance(make_plan(graph_of(N), durations=seconds, joins="auto"), ExactJoins)
    even = {"A": 1.0, "B": 1.01, "C": 5.0, "D": 5.0}
    assert make_plan(graph_of(N), durations=even, joins="auto") == make_plan(graph_of(N))
    for durations in (None, {}, {"Old": 1.0}):
        with pytest.raises(CompileError, match=r"LAM044 .*none is known(.|\n)*fix  give a profile"):
            make_plan(graph_of(N), durations=durations, joins="auto")


def test_barriers_within_a_part_where_only_some_cost_much() -> None:
    """Of two parts that no nesting says, the one where a barrier costs much gets exact joins."""
    two = {f"{part}{name}": {f"{part}{each}" for each in above} for part in "XY" for name, above in N.items()}
    seconds = {"A": 1.0, "B": 10.0, "C": 12.5, "D": 4.0}
    durations = {f"X{name}": taken for name, taken in seconds.items()} | dict.fromkeys((f"Y{name}" for name in N), 1.0)
    plan = make_plan(graph_of(two), durations=durations, joins="auto")
    assert isinstance(plan, Parallel)
    assert [type(branch) for branch in plan.branches] == [ExactJoins, Sequence]


def _items(**changes: Mapping[str, Any]) -> Graph:
    """Return two fan-outs, the second over the splits of the first, between two layers that run once."""
    graph = graph_of({"Find": set(), "Fetch": {"Find"}, "Clean": {"Fetch"}, "Merge": {"Clean"}})
    foreach = {"Fetch": (Dimension("Find", "item", 0),), "Clean": (Dimension("Fetch", "text", None),)}

    def changed(layer: LayerNode) -> LayerNode:
        usual = {"foreach": foreach.get(layer.name, ()), "pipelined": layer.name == "Clean"}
        return attrs.evolve(layer, **{**usual, **changes.get(layer.name, {})})

    return attrs.evolve(graph, layers=tuple(changed(layer) for layer in graph.layers))


def test_fan_outs_run_item_by_item() -> None:
    """Each split of the second needs one split of the first only."""
    plan = make_plan(_items())
    assert plan == Sequence((Run("Find"), PipelinedFanOut(("Fetch", "Clean")), Run("Merge")))
    assert print_plan(plan) == "Sequence\n  Run Find\n  PipelinedFanOut Fetch, Clean\n  Run Merge\n"
    seconds = {"Find": 1, "Fetch": 20, "Clean": 300, "Merge": 4000}
    assert makespan(plan, seconds) == critical_path(_items(), seconds) == 4321


def test_a_chain_goes_on() -> None:
    """A third fan-out over the splits of the second is in the same chain, also if it reads what came before all."""
    over = (Dimension("Clean", "text", None),)
    longer = _items(Merge={"foreach": over, "pipelined": True, "depends": ("Clean", "Find", "Parameters")})
    assert make_plan(longer) == Sequence((Run("Find"), PipelinedFanOut(("Fetch", "Clean", "Merge"))))
    whole = _items(Merge={"foreach": over, "pipelined": True, "depends": ("Clean", "Fetch")})
    assert make_plan(whole) == Sequence((Run("Find"), PipelinedFanOut(("Fetch", "Clean")), FanOut("Merge")))


@pytest.mark.parametrize(
    "changes",
    [
        {"Clean": {"pipelined": False}},
        {"Clean": {"foreach": (Dimension("Parameters", "names", None),)}},
        {"Fetch": {"foreach": ()}},
        {"Clean": {"optional": True}},
        {"Fetch": {"optional": True}},
        {"Fetch": {"hooks": (("retry", "hook"),), "retry": Retry(attempts=2)}},
        {"Clean": {"hooks": (("submission", "hook"),)}},
        {"Clean": {"executor": LambdaTarget(concurrency=1)}},
        {"Merge": {"depends": ("Fetch",)}},
        {"Clean": {"depends": ("Fetch", "Merge")}, "Merge": {"depends": ()}},
    ],
    ids=[
        "does not ask for it",
        "of parameters",
        "over no fan-out",
        "may be skipped",
        "what is before may be skipped",
        "retry hook",
        "submission hook",
        "other executor",
        "what is before is needed elsewhere",
        "needs something else",
    ],
)
def test_what_does_not_run_item_by_item(changes: Mapping[str, Mapping[str, Any]]) -> None:
    """Where it is not asked for, a layer needs more than an item, or something is left to decide, there is no chain."""
    plan = make_plan(_items(**changes))
    assert sorted(layers_of(plan)) == ["Clean", "Fetch", "Find", "Merge"]
    assert "PipelinedFanOut" not in print_plan(plan)


def test_retry_hooks_without_a_next_attempt() -> None:
    """They are never called, as where a flow has one for those of its layers that are tried again."""
    graph = _items(Fetch={"hooks": (("retry", "hook"),)}, Find={"hooks": (("retry", "hook"),)})
    assert "PipelinedFanOut Fetch, Clean" in print_plan(make_plan(graph))
    assert [layer.name for layer in graph.layers if layer.planned] == ["Fetch", "Clean"]


def test_execution_hooks_do_not_break_chains() -> None:
    """They run in the tasks."""
    assert "PipelinedFanOut Fetch, Clean" in print_plan(make_plan(_items(Clean={"hooks": (("execution", "hook"),)})))
