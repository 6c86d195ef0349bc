"""`import`: what importing the packages takes, over what Python itself takes to start."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from benchmarks.rows import Row, slower_by_at_most
from benchmarks.timing import NOTHING, compare, python

__all__ = ["measure"]

#: What is imported, with the seconds that it may take. Names are used, so that nothing is put off.
_IMPORTS: Mapping[str, float] = {
    "import laminar_runtime": 0.04,
    "from laminar_runtime import Execution, Flow, Layer, Parameters": 0.04,
    "import laminar_codegen.cli": 0.1,
    "from laminar_codegen import pipeline, render": 0.1,
}


def measure(runs: int) -> Iterator[Row]:
    """Importing the packages, the whole process."""
    for code, seconds in _IMPORTS.items():
        yield compare(code, python(code, "-c", code), NOTHING, runs, slower_by_at_most(seconds))
