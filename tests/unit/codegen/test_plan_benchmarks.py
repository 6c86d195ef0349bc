"""The benchmarks of plans run, and print true figures."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from benchmarks import __main__ as command
from benchmarks import planning

#: The smallest order that no nesting says: C after A, D after A and B.
TASKS = [
    {"id": "A", "runtime": 1, "parents": []},
    {"id": "B", "runtime": 10, "parents": []},
    {"id": "C", "runtime": 12.5, "parents": ["A"]},
    {"id": "D", "runtime": 4, "parents": ["A", "B"]},
]


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A folder with a workflow."""
    (tmp_path / "workflow.json").write_text(json.dumps({"name": "n-shaped", "tasks": TASKS}), encoding="utf-8")
    return tmp_path


def test_makespans_of_all_ways_to_plan(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Levels and plain barriers take 22.5 s, barriers by durations 15 s, exact joins the 14 s of the longest path."""
    assert command.main(["makespan", "--workflows", str(folder), "--json"]) == 0
    found = json.loads(capsys.readouterr().out)
    ratios = {"levels": 22.5 / 14, "barriers": 22.5 / 14, "profile": 15 / 14, "auto": 1, "exact": 1}
    assert found["workflows"][0]["ratios"] == pytest.approx(ratios)
    assert found["worst"] == pytest.approx(ratios)
    assert command.main(["makespan", "--workflows", str(folder)]) == 0
    printed = capsys.readouterr().out.splitlines()
    assert printed[0].split() == list(ratios)
    assert printed[-2].split()[:3] == ["geometric", "mean", "1.6071"]


def test_a_folder_without_workflows(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """It is an error that names the folder."""
    assert command.main(["makespan", "--workflows", str(tmp_path)]) == 1
    assert f"there are no workflows in {tmp_path}" in capsys.readouterr().err


@pytest.mark.parametrize("shape", ["chain", "diamonds", "random"])
def test_flows_of_all_shapes_are_planned(shape: str) -> None:
    """And the time that it takes is printed."""
    assert 0 < planning.plan(shape, 100) < 60
