"""The makespan of the emitted state machines of real workflows, against the ideal: the longest path through each.

``python -m benchmarks replay --workflows DIR``: each file of the folder is a real execution, of the form
``{"name", "tasks": [{"id", "runtime", "parents"}], "level_barrier_makespan"}``. A flow with a layer for each task is
planned and emitted, and the state machine is replayed in virtual time, with as many machines as it wants, and states
that take no time themselves.
"""

from __future__ import annotations

import argparse
import json
import statistics
import sys
import time
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

import attrs

from laminar_codegen.ir.graph import Container, Graph, LayerNode, Retry
from laminar_codegen.ir.plan import Step
from laminar_codegen.lower_states.split_machines import split_plan
from laminar_codegen.lower_states.states import emit_states, measure_steps
from laminar_codegen.planning.make_plan import make_plan
from laminar_codegen.problems import Location
from laminar_codegen.rehearsal.simulated import profiled_services, replay_flow
from laminar_codegen.targets.batch.target import BatchTarget

__all__ = ["Makespan", "Workflow", "load", "main", "measure_makespan", "summary"]

_LAYER = LayerNode(
    name="",
    location=Location("workflow.json"),
    summary="",
    depends=(),
    hints=(),
    hooks=(),
    container=Container(("python", "main.py"), 1, 2048, None, None),
    foreach=(),
    retry=Retry(1, 0.1, 2, 0),
    executor=BatchTarget(),
)


@attrs.frozen
class Workflow:
    """A real execution.

    Args:
        name: Its name.
        seconds: The seconds of each task.
        depends: The dependencies of each task. Tasks come after their dependencies.
        levels: The makespan with a barrier after each level, None if the file does not have it.
    """

    name: str
    seconds: Mapping[str, float]
    depends: Mapping[str, tuple[str, ...]]
    levels: float | None

    @property
    def ideal(self) -> float:
        """Seconds of its longest path."""
        ends: dict[str, float] = {}
        for name, above in self.depends.items():
            ends[name] = max((ends[parent] for parent in above), default=0) + self.seconds[name]
        return max(ends.values(), default=0)

    @property
    def graph(self) -> Graph:
        """A flow with a layer for each task."""
        layers = (attrs.evolve(_LAYER, name=name, depends=tuple(sorted(above))) for name, above in self.depends.items())
        return Graph("Workflow", Location("workflow.json"), self.name, tuple(layers), in_memory=False, timeout=86400)


@attrs.frozen
class Makespan:
    """The makespan of a workflow's state machine.

    Args:
        workflow: The workflow's name.
        tasks: Its tasks.
        ideal: Seconds of its longest path.
        makespan: Seconds of its execution.
        levels: Seconds with a barrier after each level, None if not known.
        transitions: The state transitions of the execution, those of nested ones too.
        events: The events of its history.
        replayed: Seconds that planning, emitting and replaying took here.
    """

    workflow: str
    tasks: int
    ideal: float
    makespan: float
    levels: float | None
    transitions: int
    events: int
    replayed: float

    @property
    def ratio(self) -> float:
        """The makespan against the ideal."""
        return self.makespan / self.ideal

    def plain(self) -> dict[str, Any]:
        """Return the figures as plain values."""
        return {**attrs.asdict(self), "ratio": self.ratio}

    def __str__(self) -> str:
        levels = "" if self.levels is None else f"   levels {self.levels / self.ideal:5.2f}"
        return (
            f"{self.workflow[:44]:<44} {self.tasks:4} tasks   {self.ratio:6.3f}{levels}   "
            f"{self.transitions:4} transitions, {self.events:5} events   ({self.replayed:.2f} s here)"
        )


def load(file: Path) -> Workflow:
    """Read a workflow. Its tasks are named by numbers, since layers have shorter names than tasks of workflows.

    Args:
        file: The file.
    """
    written = json.loads(file.read_text(encoding="utf-8"))
    tasks = {task["id"]: task for task in written["tasks"]}
    order: dict[str, str] = {}

    def visit(identifier: str) -> None:
        stack = [identifier]
        while stack:
            waiting = [parent for parent in tasks[stack[-1]]["parents"] if parent not in order]
            if waiting:
                stack += waiting
            else:
                done = stack.pop()
                order.setdefault(done, f"T{len(order)}")

    for identifier in tasks:
        visit(identifier)
    return Workflow(
        name=written["name"],
        seconds={name: tasks[identifier]["runtime"] for identifier, name in order.items()},
        depends={
            name: tuple(order[parent] for parent in dict.fromkeys(tasks[identifier]["parents"]))
            for identifier, name in order.items()
        },
        levels=written.get("level_barrier_makespan"),
    )


#: Makes the plan of a graph, given how long its layers take.
Planner = Callable[[Graph, Mapping[str, float]], Step]


def measure_makespan(folder: Path, planner: Planner = lambda graph, _: make_plan(graph)) -> Iterator[Makespan]:
    """Replay the state machines of all workflows of a folder.

    Args:
        folder: The folder.
        planner: Makes the plans.

    Yields:
        A makespan for each file, in the order of their names.

    Raises:
        RuntimeError: If an execution fails.
    """
    for file in sorted(folder.glob("*.json")):
        yield _measure(load(file), planner)


def _measure(workflow: Workflow, planner: Planner) -> Makespan:
    started = time.perf_counter()
    graph = workflow.graph
    plan = split_plan(planner(graph, workflow.seconds), measure_steps(graph))
    replayed = replay_flow(emit_states(graph, plan), services=profiled_services(workflow.seconds))
    if replayed.status != "SUCCEEDED":
        raise RuntimeError(f"{workflow.name}: {replayed.error}: {replayed.cause}")
    return Makespan(
        workflow=workflow.name,
        tasks=len(workflow.seconds),
        ideal=workflow.ideal,
        makespan=replayed.seconds,
        levels=workflow.levels,
        transitions=replayed.total_transitions,
        events=replayed.events,
        replayed=time.perf_counter() - started,
    )


def summary(rows: list[Makespan]) -> dict[str, float]:
    """Return the geometric mean and the worst of the ratios.

    Args:
        rows: At least one makespan.
    """
    ratios = [row.ratio for row in rows]
    return {"geometric_mean": statistics.geometric_mean(ratios), "worst": max(ratios)}


#: The plans by their names.
PLANNERS: dict[str, Planner] = {
    "barriers, no durations": lambda graph, _: make_plan(graph),
    "barriers, durations known": lambda graph, seconds: make_plan(graph, durations=seconds),
    "exact joins": lambda graph, _: make_plan(graph, joins="exact"),
}


def main(arguments: list[str]) -> int:
    """Print the makespans of the workflows of a folder, planned in each way.

    Args:
        arguments: The command's arguments.

    Returns:
        The exit code.
    """
    parser = argparse.ArgumentParser(prog="python -m benchmarks replay", description=__doc__)
    parser.add_argument("--workflows", type=Path, required=True, help="the folder with the workflows")
    parser.add_argument("--json", action="store_true", help="print JSON")
    options = parser.parse_args(arguments)
    found = {way: list(measure_makespan(options.workflows, planner)) for way, planner in PLANNERS.items()}
    if not all(found.values()):
        print(f"there are no workflows in {options.workflows}", file=sys.stderr)
        return 1
    if options.json:
        plain = {way: {"workflows": [row.plain() for row in rows], **summary(rows)} for way, rows in found.items()}
        print(json.dumps(plain, indent=2))
        return 0
    for way, rows in found.items():
        total = summary(rows)
        print(f"{way}: geometric mean {total['geometric_mean']:.3f}, worst {total['worst']:.3f} of the ideal")
        print("".join(f"  {row}\n" for row in rows))
    return 0
