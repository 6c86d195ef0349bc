"""The benchmark that replays real workflows."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from benchmarks import __main__ as command
from benchmarks.replay import PLANNERS, load, measure_makespan
from laminar_codegen.ir.plan import Parallel, Run, Sequence

#: The smallest order that no nesting says: C after A, D after A and B.
TASKS = [
    {"id": "D.long/name", "runtime": 4, "parents": ["A", "B"]},
    {"id": "A", "runtime": 1, "parents": []},
    {"id": "B", "runtime": 10, "parents": []},
    {"id": "C", "runtime": 12.5, "parents": ["A", "A"]},
]


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A folder with a workflow."""
    written = {"name": "n-shaped", "tasks": TASKS, "level_barrier_makespan": 22.5}
    (tmp_path / "workflow.json").write_text(json.dumps(written), encoding="utf-8")
    return tmp_path


def test_a_workflow_is_read(folder: Path) -> None:
    """Tasks are numbered so that each comes after what it depends on."""
    workflow = load(folder / "workflow.json")
    assert workflow.depends == {"T0": (), "T1": (), "T2": ("T1", "T0"), "T3": ("T1",)}
    assert workflow.seconds == {"T0": 10, "T1": 1, "T2": 4, "T3": 12.5}
    assert workflow.ideal == 14


def test_the_makespan_is_that_of_the_plan(folder: Path) -> None:
    """A plan takes no less than the ideal; another plan is measured in its place."""
    (row,) = measure_makespan(folder)
    assert (row.tasks, row.ideal, row.levels) == (4, 14, 22.5)
    assert 14 <= row.makespan <= 22.5
    assert row.ratio == row.makespan / 14
    in_a_row = Sequence(tuple(Run(name) for name in ("T0", "T1", "T2", "T3")))
    (row,) = measure_makespan(folder, lambda *_: in_a_row)
    assert (row.makespan, row.transitions, row.events) == (27.5, 5, 31)
    free = Parallel(tuple(Run(name) for name in ("T0", "T1", "T2", "T3")))
    (row,) = measure_makespan(folder, lambda *_: free)
    assert (row.makespan, row.transitions) == (12.5, 6)


def test_the_command_prints_the_figures(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """A line for each workflow and the mean, for each way of planning, or JSON; exact joins are at the ideal."""
    (row,) = measure_makespan(folder)
    assert command.main(["replay", "--workflows", str(folder)]) == 0
    printed = capsys.readouterr().out
    assert f"barriers, no durations: geometric mean {row.ratio:.3f}, worst {row.ratio:.3f}" in printed
    assert "exact joins: geometric mean 1.000, worst 1.000" in printed
    assert command.main(["replay", "--workflows", str(folder), "--json"]) == 0
    ways = json.loads(capsys.readouterr().out)
    assert list(ways) == list(PLANNERS)
    assert ways["barriers, no durations"]["workflows"][0]["transitions"] == row.transitions
    assert all(way["geometric_mean"] == pytest.approx(way["worst"]) for way in ways.values())
    assert command.main(["replay", "--workflows", str(folder / "none")]) == 1
