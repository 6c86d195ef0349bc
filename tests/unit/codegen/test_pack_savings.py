"""What packs save, and why layers have jobs of their own."""

from __future__ import annotations

import pytest

from laminar_codegen.command.packs import report_packs
from laminar_codegen.ir.graph import Graph
from laminar_codegen.ir.plan import Pack, PackedLayer, Packing, Parallel, Run, Sequence, Step, SubMachine
from laminar_codegen.planning.choose_packs import choose_packs
from laminar_codegen.planning.make_plan import make_plan
from laminar_codegen.planning.pack_costs import Costs
from laminar_codegen.planning.pack_savings import Savings, packs_in, reasons_apart, runs_several_splits, savings
from laminar_codegen.planning.pack_splits import pack_splits
from tests.support.graph_notation import graph_in, profile_of

#: A dollar for a second of a virtual CPU, at least a minute.
COSTS = Costs(start_up=45, billed_start_up=15, minimum=60, of_cpu=1, of_memory=0, of_job=0)


def plans(graph: Graph, packing: Packing, durations: dict[str, float]) -> tuple[Step, Step]:
    """Return the plan of a graph with packs, and that without."""
    packs = choose_packs(graph, packing, durations)
    return make_plan(graph, durations=durations, packs=packs), make_plan(graph, durations=durations)


def test_a_chain_saves_start_ups_and_minimum_bills() -> None:
    graph = graph_in("A\nB after A\nC after B")
    seconds = {"A": 1.0, "B": 2.0, "C": 3.0}
    plan, apart = plans(graph, "chains", seconds)
    assert savings(graph, plan, apart, seconds, COSTS) == Savings(jobs=2, seconds=90.0, dollars=120.0)


def test_long_layers_save_start_ups_only() -> None:
    """More than the minimum is billed: what remains are the seconds of the starts that are billed."""
    graph = graph_in("A\nB after A")
    seconds = {"A": 600.0, "B": 900.0}
    plan, apart = plans(graph, "chains", seconds)
    assert savings(graph, plan, apart, seconds, COSTS) == Savings(jobs=1, seconds=45.0, dollars=15.0)


def test_without_packs_nothing_is_saved() -> None:
    graph = graph_in("A\nB")
    plan, apart = plans(graph, "chains", {})
    assert savings(graph, plan, apart, {}, COSTS) == Savings(0, 0.0, 0.0)


@pytest.mark.parametrize("wrap", [lambda step: SubMachine("part_1", step), lambda step: Sequence((Run("Z"), step))])
def test_packs_are_found_anywhere_in_a_plan(wrap: type) -> None:
    pack = Pack((PackedLayer("A", (), 1, 2048), PackedLayer("B", ("A",), 1, 2048)), 1, 2048)
    assert [*packs_in(Parallel((Run("C"), wrap(pack))))] == [pack]


def test_layers_have_jobs_of_their_own_for_reasons() -> None:
    graph = graph_in("A\nB after A | each=A.item\nC after A\nD after C\nE after B, D | on=Lambda")
    packs = choose_packs(graph, "chains")
    assert [pack.names for pack in packs] == [("C", "D")]
    assert reasons_apart(graph, packs, "other") == {"other": ["A"], "fans out": ["B"], "runs on AWS Lambda": ["E"]}


def test_fan_outs_have_jobs_of_one_split_for_reasons() -> None:
    """Splits share jobs by their measured seconds: a fan-out of long splits, or of unknown ones, does not."""
    text = "A\nB after A | each=A.item\nC after A | each=A.item\nD after A | each=A.item"
    seconds = {"A": 1.0, "B": 2.0, "C": 500.0}
    graph = pack_splits(graph_in(text), profile_of(seconds))
    assert [layer.name for layer in graph.layers if runs_several_splits(layer)] == ["B"]
    assert reasons_apart(graph, (), "other", profile_of(seconds)) == {
        "other": ["A"],
        "takes 500 seconds for a split": ["C"],
        "fans out, and has no measured duration": ["D"],
    }
    plan, apart = plans(graph, "auto", seconds)
    assert "  splits          B: a job runs several of its splits, as many as fit, of 2 s each" in [
        *report_packs(graph, plan, apart, "auto", profile_of(seconds))
    ]


def test_the_report_names_packs_savings_and_reasons() -> None:
    graph = graph_in("A\nB after A\nC after A\nD after B, C | on=Lambda")
    seconds = {"A": 2.0, "B": 2.0, "C": 2.0, "D": 1.0}
    plan, apart = plans(graph, "auto", seconds)
    lines = [*report_packs(graph, plan, apart, "auto", profile_of(seconds))]
    assert lines[0] == "  packs           3 of 4 layers share 1 job"
    assert lines[1].startswith("                  A, B, C: ")
    assert lines[2].startswith("  saves           2 start-ups, ")
    assert lines[-1] == "  not packed      D: runs on AWS Lambda"


def test_the_report_without_durations_says_what_it_assumes() -> None:
    graph = graph_in("\n".join(["L0", *(f"L{number} after L{number - 1}" for number in range(1, 9))]))
    plan, apart = plans(graph, "chains", {})
    lines = [*report_packs(graph, plan, apart, "chains", None)]
    assert lines[1] == "                  L0, L1, L2, L3, L4, L5 and 3 more: 1 vCPU, 2,048 MiB"
    assert lines[2].startswith("  saves           8 start-ups, 360.0 s and $")
    assert lines[2].endswith(" an execution, if each layer takes a second")
