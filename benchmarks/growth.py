"""`growth`: how the time to compile grows with the number of layers, for chains, chained diamonds and random DAGs."""

from __future__ import annotations

import math
import subprocess
import tempfile
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path

from benchmarks import embedded, metaflow, programs
from benchmarks.compiling import compile_flow
from benchmarks.rows import Row, Target, at_most, both, faster, memory_at_most
from benchmarks.timing import Command, interleave

__all__ = ["exponent", "measure"]

_SIZES = (1_000, 2_500, 5_000, 10_000)
_SHAPES: Mapping[str, Callable[[int], programs.Dependencies]] = {
    "chain": programs.chain,
    "chained diamonds": programs.chained_diamonds,
    "random DAG": programs.random_dag,
}
_LARGEST = both(at_most(5), memory_at_most(500))

#: The diamonds for Metaflow's lint: each further one doubles its time.
_DIAMONDS = 16


def measure(runs: int) -> Iterator[Row]:
    """Measure compiling ever larger flows, the whole process."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        for shape, make in _SHAPES.items():
            yield from _grow(folder, shape, make, runs)
        yield from _beside_metaflow(folder, runs)


def exponent(sizes: Sequence[int], seconds: Sequence[float]) -> float:
    """Return the exponent e with which times grow as ``size ** e``: the slope between logarithms.

    Example:
        >>> round(exponent([10, 100, 1000], [1, 100, 10000]), 3)
        2.0
    """
    points = [(math.log(size), math.log(second)) for size, second in zip(sizes, seconds, strict=True)]
    middle = [sum(axis) / len(points) for axis in zip(*points, strict=True)]
    rise = sum((x - middle[0]) * (y - middle[1]) for x, y in points)
    return rise / sum((x - middle[0]) ** 2 for x, _ in points)


def _grow(folder: Path, shape: str, make: Callable[[int], programs.Dependencies], runs: int) -> Iterator[Row]:
    commands = [_ours(folder, f"{shape} {size}", make(size)) for size in _SIZES]
    measured = []
    for size, command in zip(_SIZES, commands, strict=True):
        target = _LARGEST if size == max(_SIZES) else None
        try:
            (timed,) = interleave([command], runs)
        except subprocess.CalledProcessError as error:
            yield Row(f"compile a {shape} of {size}", math.inf, None, "", target=target, note=f"fails: {error}")
            continue
        measured.append((size, timed.median))
        yield Row(f"compile a {shape} of {size}", timed.median, None, "", timed.memory, target=target)
    if len(measured) > 1:
        found = exponent(*zip(*measured, strict=True))
        target = Target("at most n ** 1.2", lambda row: row.candidate <= 1.2)  # noqa: PLR2004 - the text says it
        note = f"from {measured[0][0]} to {measured[-1][0]} layers"
        yield Row(f"growth of a {shape}, exponent", found, None, "", unit="", target=target, note=note)


def _ours(folder: Path, name: str, dependencies: programs.Dependencies) -> Command:
    file = folder / f"{name.replace(' ', '_')}.py"
    file.write_text(programs.laminar(dependencies), encoding="utf-8")
    return compile_flow(file)


def _beside_metaflow(folder: Path, runs: int) -> Iterator[Row]:
    with embedded.serving(folder, jobs=True) as account:
        file = folder / "metaflow_diamonds.py"
        file.write_text(programs.metaflow_diamonds(_DIAMONDS), encoding="utf-8")
        theirs = metaflow.create(file, metaflow.on_aws(account, folder))
        ours = _ours(folder, "beside metaflow", programs.chained_diamonds(3 * _DIAMONDS + 1))
        own, other = interleave([ours, theirs], runs)
    subject = f"compile {_DIAMONDS} chained diamonds"
    yield Row(subject, own.median, other.median, metaflow.NAME, own.memory, target=faster(10))
