"""`import`: what importing the packages takes, over what Python itself takes to start."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from benchmarks.rows import Row, slower_by_at_most
from benchmarks.timing import NOTHING, compare, python

__all__ = ["measure"]

#: The imports, with the seconds of the goal, if there is one. Names are used, so that nothing is imported lazily.
_IMPORTS: Mapping[str, float | None] = {
    "import laminar_runtime": 0.04,
    "from laminar_runtime import Execution, Flow, Layer, Parameters": 0.04,
    "import laminar_codegen.command.main": 0.1,
    # All imports of a compilation, whose whole process `compile` measures.
    "from laminar_codegen import pipeline, render": None,
}


def measure(runs: int) -> Iterator[Row]:
    """Measure importing the packages, the whole process."""
    for code, seconds in _IMPORTS.items():
        target = None if seconds is None else slower_by_at_most(seconds)
        yield compare(code, python(code, "-c", code), NOTHING, runs, target)
