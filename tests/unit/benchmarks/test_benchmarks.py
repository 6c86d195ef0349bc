"""Programs, rows and tables of the benchmarks."""

from __future__ import annotations

import ast
import json
import math
from collections.abc import Callable
from pathlib import Path

import pytest

from benchmarks import (
    growth,
    makespan,
    programs,
    report,
    startup,
    suite,
    table,
    transitions,
)
from benchmarks.rows import Row, at_most, both, faster, memory_at_most, ratio_at_most, slower_by_at_most


@pytest.mark.parametrize(
    "write",
    [
        programs.laminar_chain,
        programs.laminar_foreach,
        programs.metaflow_chain,
        programs.metaflow_diamonds,
        programs.metaflow_foreach,
        programs.sfnx_chain,
        programs.cdk_chain,
    ],
)
def test_programs(write: Callable[[int], str]) -> None:
    """Each program is Python, and grows with what it is asked for."""
    assert len(list(ast.walk(ast.parse(write(3))))) <= len(list(ast.walk(ast.parse(write(9)))))


def test_targets() -> None:
    """A row knows whether it reaches its target."""
    row = Row("subject", 0.1, 0.5, "baseline", 90)
    for target, met in [
        (at_most(0.1), True),
        (at_most(0.09), False),
        (faster(5), True),
        (faster(6), False),
        (ratio_at_most(0.2), True),
        (slower_by_at_most(0.0), True),
        (memory_at_most(89), False),
        (both(at_most(1), memory_at_most(89)), False),
    ]:
        assert target.met(row) is met, target.text
    assert "1/5" in report.table([{"benchmark": "x", "rows": [Row("s", 0.01, 0.05, "b").plain()]}]) or row.ratio == 0.2


def test_exponent() -> None:
    """The exponent of a power is found."""
    sizes = [1_000, 2_500, 5_000]
    assert growth.exponent(sizes, [size**1.5 for size in sizes]) == pytest.approx(1.5)
    assert growth.exponent(sizes, [size * math.log(size) for size in sizes]) < 1.2


def test_transitions(tmp_path: Path) -> None:
    """A fan-out takes four transitions, as many as its states."""
    assert transitions.transitions_of(tmp_path, 3) == 4


def test_makespans(tmp_path: Path) -> None:
    """The makespans of a folder of workflows are printed over all of them, for each way to plan."""
    tasks_ = [
        {"id": name, "runtime": seconds, "parents": parents}
        for name, seconds, parents in [("a", 1, []), ("b", 5, []), ("c", 5, ["a"]), ("d", 1, ["a", "b"])]
    ]
    (tmp_path / "n.json").write_text(json.dumps({"name": "n", "tasks": tasks_}), encoding="utf-8")
    barriers, profile, exact = makespan.rows(tmp_path)
    assert (exact.candidate, exact.met, exact.baseline) == (1, True, 10 / 6)
    assert barriers.candidate >= profile.candidate >= exact.candidate


def test_start_ups(tmp_path: Path) -> None:
    """A workflow is run packed and with a job for each task; the goals are for a start-up of 45 seconds."""
    tasks_ = [
        {"id": f"t{number}", "runtime": 1, "parents": [f"t{number - 1}"] if number else []} for number in range(3)
    ]
    (tmp_path / "w.json").write_text(json.dumps({"name": "w", "tasks": tasks_}), encoding="utf-8")
    found = {row.subject: row for row in startup.rows(tmp_path)}
    makespan_, billed = (found[f"{what} workflows, 45 s start-up"] for what in ("makespan of", "billed for"))
    assert (makespan_.candidate, makespan_.baseline) == (pytest.approx(48), pytest.approx(3 * 46))
    assert (billed.candidate, billed.baseline) == (pytest.approx(60), pytest.approx(180))
    assert all(row.met is not False for row in found.values())
    assert found["makespan of workflows, 90 s start-up"].target is None


def test_table(tmp_path: Path) -> None:
    """The table of some runs takes the place of the one that is there, and says what it was measured with."""
    rows = [Row("subject", 0.1, 0.5, "baseline", 90, target=at_most(0.1), note="of a sample")]
    figures = report.section(report.document(name, rows) for name in ("task", "import"))
    assert "| task | subject (of a sample) | 100.0 ms | 90 MiB | baseline | 500.0 ms |  | 0.20 |  | at most" in figures
    assert figures.count("Python ") == 1
    before = "text\n<!-- figures -->\nold\n<!-- end of the figures -->\nmore\n"
    written = table.place(before, figures)
    assert written == before.replace("old", f"\n{figures}\n")
    assert table.place(written, figures) == written
    with pytest.raises(ValueError, match="lacks a place"):
        table.place("text", figures)
    assert set(table.NAMES) - set(suite.BENCHMARKS) == {"makespan", "startup"}
