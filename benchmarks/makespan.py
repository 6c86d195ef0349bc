"""The makespan of plans of real workflows, against the ideal: the longest path through each.

``python -m benchmarks makespan --workflows DIR`` reads the same files as ``replay``, and plans each in every way. It
prints the makespan of the plan itself, and ``replay`` that of the emitted state machine.
"""

from __future__ import annotations

import argparse
import json
import statistics
import sys
import time
from collections.abc import Callable, Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any

import attrs

from benchmarks.replay import Workflow, load
from benchmarks.rows import Row, Target
from laminar_codegen.planning.make_plan import make_plan
from laminar_codegen.planning.makespan import critical_path, makespan
from laminar_codegen.planning.partial_order import ranks, topological_numbering

__all__ = ["WAYS", "Plans", "main", "measure", "rows"]


def _level_barriers(workflow: Workflow) -> float:
    """Return the makespan with a barrier after each level: the sum of the longest layer of each."""
    names, parents = topological_numbering({name: set(above) for name, above in workflow.depends.items()})
    longest: dict[int, float] = {}
    for name, level in zip(names, ranks(parents), strict=True):
        longest[level] = max(longest.get(level, 0.0), workflow.seconds[name])
    return sum(longest.values())


def _plan(workflow: Workflow, **options: Any) -> float:
    return makespan(make_plan(workflow.graph, **options), workflow.seconds)


#: The ways to plan a workflow.
WAYS: Mapping[str, Callable[[Workflow], float]] = {
    "levels": _level_barriers,
    "barriers": _plan,
    "profile": lambda workflow: _plan(workflow, durations=workflow.seconds),
    "auto": lambda workflow: _plan(workflow, durations=workflow.seconds, joins="auto"),
    "exact": lambda workflow: _plan(workflow, joins="exact"),
}


#: The goals for the mean of the makespan against the ideal, by the kind of plan.
_TARGETS = {"barriers": 1.17, "profile": 1.01, "exact": 1.00}


@attrs.frozen
class Plans:
    """The makespan of a workflow, planned in each way.

    Args:
        workflow: The workflow's name.
        tasks: Its tasks.
        ratios: The makespan in each way, divided by the ideal.
        seconds: The seconds to plan in all ways on this machine.
    """

    workflow: str
    tasks: int
    ratios: Mapping[str, float]
    seconds: float

    def __str__(self) -> str:
        return f"{self.workflow[:44]:<44} {self.tasks:4} tasks {_columns(self.ratios)}   ({self.seconds:.2f} s here)"


def measure(workflow: Workflow) -> Plans:
    """Plan a workflow in each way.

    Args:
        workflow: The workflow.
    """
    started = time.perf_counter()
    ideal = critical_path(workflow.graph, workflow.seconds)
    ratios = {way: plan(workflow) / ideal for way, plan in WAYS.items()}
    return Plans(workflow.name, len(workflow.seconds), ratios, time.perf_counter() - started)


def _at_most(ratio: float) -> Target:
    # To the two digits that are printed.
    return Target(f"at most {ratio:.2f} of the ideal", lambda row: round(row.candidate, 2) <= ratio)


def rows(folder: Path) -> Iterator[Row]:
    """Yield the rows with the goals over all workflows of a folder, compared with barriers after each level.

    Args:
        folder: The folder.
    """
    found = [measure(load(file)) for file in sorted(folder.glob("*.json"))]
    mean, worst = _over_all(found, statistics.geometric_mean), _over_all(found, max)
    for way, most in _TARGETS.items():
        target = _at_most(most)
        note = f"geometric mean over {len(found)} workflows, at worst {worst[way]:.3f}"
        yield Row(
            f"makespan, {way}", mean[way], mean["levels"], "barriers after levels", unit="", target=target, note=note
        )


def _columns(ratios: Mapping[str, float]) -> str:
    return "".join(f"{ratio:10.4f}" for ratio in ratios.values())


def _over_all(rows: Iterable[Plans], total: Callable[[list[float]], float]) -> dict[str, float]:
    ratios = [row.ratios for row in rows]
    return {way: total([each[way] for each in ratios]) for way in WAYS}


def main(arguments: list[str]) -> int:
    """Print the makespans of the workflows of a folder.

    Args:
        arguments: The command's arguments.

    Returns:
        The exit code.
    """
    parser = argparse.ArgumentParser(prog="python -m benchmarks makespan", description=__doc__)
    parser.add_argument("--workflows", type=Path, required=True, help="the folder with the workflows")
    parser.add_argument("--json", action="store_true", help="print JSON")
    options = parser.parse_args(arguments)
    rows = [measure(load(file)) for file in sorted(options.workflows.glob("*.json"))]
    if not rows:
        print(f"there are no workflows in {options.workflows}", file=sys.stderr)
        return 1
    totals = {"geometric mean": _over_all(rows, statistics.geometric_mean), "worst": _over_all(rows, max)}
    if options.json:
        print(json.dumps({"workflows": [attrs.asdict(row) for row in rows], **totals}, indent=2))
        return 0
    print(f"{'':55}{''.join(f'{way:>10}' for way in WAYS)}")
    for row in rows:
        print(row)
    for name, ratios in totals.items():
        print(f"{name:55}{_columns(ratios)}")
    return 0
