"""`task`: the whole process of one layer whose artifacts are on this machine, in flows of 2 and of 500 layers."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from pathlib import Path

import attrs

from benchmarks import metaflow, programs
from benchmarks.rows import Row, at_most, faster
from benchmarks.timing import NOTHING, Command, compare_all, output, python
from laminar_runtime import task_environment
from laminar_runtime.task_environment import TaskContext

__all__ = ["measure", "task_command"]

_SIZES = (2, 500)
_TARGET = at_most(0.08)


def measure(runs: int) -> Iterator[Row]:
    """Measure running one layer as a task, the whole process."""
    with tempfile.TemporaryDirectory() as name:
        for size in _SIZES:
            folder = Path(name, str(size))
            folder.mkdir()
            baselines = [(NOTHING, _TARGET), (_metaflow(folder, size), faster(4))]
            yield from compare_all(f"task in a flow of {size}", task_command(folder, size), baselines, runs)


def task_command(folder: Path, size: int, *, layer: str = "L0") -> Command:
    """Return the command that runs one layer of our chain.

    Args:
        folder: Where the flow and its datastore are.
        size: The number of its layers.
        layer: The layer.
    """
    file = folder / "main.py"
    file.write_text(programs.laminar_chain(size), encoding="utf-8")
    context = TaskContext(execution="benchmark", flow="Bench", layer=layer)
    environment = {**context.environment(), task_environment.DATASTORE_ROOT: str(folder / "store")}
    return python("task", str(file), environment=environment, folder=folder)


def _metaflow(folder: Path, size: int) -> Command:
    file = folder / "metaflow_chain.py"
    file.write_text(programs.metaflow_chain(size), encoding="utf-8")
    environment = metaflow.local_environment(folder)
    start = metaflow.step(
        file, "start", environment, "--run-id", "1", "--task-id", "1", "--input-paths", "1/_parameters/0"
    )
    words = start.words[: start.words.index("step")]
    # The parameters are an artifact that has to be there.
    output(attrs.evolve(start, words=[*words, "init", "--run-id", "1", "--task-id", "0"]))
    return start
