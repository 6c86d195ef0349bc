"""The benchmarks by name."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping

from benchmarks import (
    artifacts,
    compiling,
    containers,
    growth,
    importing,
    invoking,
    joining,
    local_runs,
    planning,
    rehearsing,
    scheduling,
    tasks,
    transitions,
)
from benchmarks.rows import Row

__all__ = ["BENCHMARKS"]

#: Each is given how often to run, and gives its rows.
BENCHMARKS: Mapping[str, Callable[[int], Iterator[Row]]] = {
    "artifacts": artifacts.measure,
    "compile": compiling.measure,
    "container": containers.measure,
    "definition": compiling.measure_definition,
    "growth": growth.measure,
    "import": importing.measure,
    "invoke": invoking.measure,
    "join": joining.measure,
    "local": local_runs.measure,
    "plan_growth": planning.measure,
    "rehearse": rehearsing.measure,
    "scheduler": scheduling.measure,
    "task": tasks.measure,
    "transitions": transitions.measure,
}
