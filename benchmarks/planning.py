"""`plan_growth`: how the time to plan grows with the number of layers, for chains, chained diamonds and random DAGs.

``python -m benchmarks.planning SHAPE LAYERS`` plans one flow, and prints ``{"seconds": ...}``.
"""

from __future__ import annotations

import json
import sys
import time
from collections.abc import Callable, Iterator, Mapping

from benchmarks import programs
from benchmarks.growth import exponent
from benchmarks.replay import Workflow
from benchmarks.rows import Row, Target, at_most, both, memory_at_most
from benchmarks.timing import interleave, python
from laminar_codegen.planning.make_plan import make_plan

__all__ = ["measure", "plan"]

_SIZES = (1_000, 2_500, 5_000, 10_000)
_SHAPES: Mapping[str, Callable[[int], programs.Dependencies]] = {
    "chain": programs.chain,
    "diamonds": programs.chained_diamonds,
    "random": programs.random_dag,
}
_LARGEST = both(at_most(2), memory_at_most(300))


def measure(runs: int) -> Iterator[Row]:
    """Measure planning ever larger flows: the time of the pass alone, and the memory of the whole process."""
    for shape in _SHAPES:
        commands = [python(shape, "-m", "benchmarks.planning", shape, str(size)) for size in _SIZES]
        measured = interleave(commands, runs)
        seconds = [timed.figure("seconds") for timed in measured]
        for size, taken, timed in zip(_SIZES, seconds, measured, strict=True):
            target = _LARGEST if size == max(_SIZES) else None
            yield Row(f"plan {shape}, {size:,} layers", taken, None, "", timed.memory, target=target)
        limit = Target("at most n ** 1.2", lambda row: row.candidate <= 1.2)  # noqa: PLR2004 - the text says it
        note = f"from {_SIZES[0]:,} to {_SIZES[-1]:,} layers"
        yield Row(f"plan {shape}, exponent", exponent(_SIZES, seconds), None, "", unit="", target=limit, note=note)


def plan(shape: str, size: int) -> float:
    """Plan a flow.

    Args:
        shape: Its shape.
        size: The number of its layers.

    Returns:
        How many seconds of the processor that took: it is one thread, and other processes do not show.
    """
    depends = {name: tuple(above) for name, above in _SHAPES[shape](size).items()}
    graph = Workflow(shape, {}, depends, None).graph
    started = time.process_time()
    make_plan(graph)
    return time.process_time() - started


if __name__ == "__main__":
    print(json.dumps({"seconds": plan(sys.argv[1], int(sys.argv[2]))}))
