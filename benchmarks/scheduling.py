"""`scheduler`: what the local scheduler takes for each layer, with trivial layers in threads."""

from __future__ import annotations

from collections.abc import Iterator

from benchmarks.artifacts import PROBES
from benchmarks.growth import exponent
from benchmarks.rows import Row, Target, at_most
from benchmarks.timing import interleave, python

__all__ = ["measure"]

_SIZES = (500, 1_000, 2_000, 4_000)
_TARGET_OF = 2_000


def measure(runs: int) -> Iterator[Row]:
    """Measure running flows of trivial layers."""
    for shape in ("wide", "chain"):
        commands = [python(shape, str(PROBES / "scheduling.py"), str(size), shape) for size in _SIZES]
        seconds = [timed.figure("seconds") for timed in interleave(commands, runs)]
        for size, taken in zip(_SIZES, seconds, strict=True):
            target = at_most(0.001) if size == _TARGET_OF else None
            yield Row(f"scheduler, {shape}, a layer of {size:,}", taken / size, None, "", target=target)
        linear = Target("at most n ** 1.1", lambda row: row.candidate <= 1.1)  # noqa: PLR2004 - the text says it
        note = f"from {_SIZES[0]:,} to {_SIZES[-1]:,} layers"
        yield Row(
            f"scheduler, {shape}, exponent", exponent(_SIZES, seconds), None, "", unit="", target=linear, note=note
        )
