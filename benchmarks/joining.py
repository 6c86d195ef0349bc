"""`join`: an attribute of 10,000 splits read from S3, where each call takes 20 ms."""

from __future__ import annotations

import pickle
import statistics
import tempfile
from collections.abc import Iterator, Mapping
from pathlib import Path

from benchmarks import stand_in_s3
from benchmarks.artifacts import PROBES
from benchmarks.rows import Row, faster
from benchmarks.timing import Command, figures, output, python
from laminar_runtime.configurations import datastores
from laminar_runtime.storage.commits import Commit
from laminar_runtime.storage.layout import LayerKey

__all__ = ["measure", "measure_join"]

_SPLITS, _DELAY = 10_000, 0.02
_ROOT = "s3://benchmarks/flows"
#: The attempt by which each split finished: `benchmarks.probes.boto3_join` reads what it wrote.
ATTEMPT = "1-attempt"
_SEQUENTIAL = "one call after the other"


def measure(runs: int) -> Iterator[Row]:
    """Measure reading all splits for the first time: their archives, then their values."""
    yield from measure_join(runs, splits=_SPLITS, delay=_DELAY)


def measure_join(runs: int, *, splits: int, delay: float) -> Iterator[Row]:
    """Measure reading a number of splits, with a time for each call.

    Args:
        runs: The number of runs.
        splits: The number of splits.
        delay: Seconds that a call takes.
    """
    times: list[list[float]] = []
    with tempfile.TemporaryDirectory() as name:
        objects = Path(name, "objects.pickle")
        objects.write_bytes(pickle.dumps(_objects(splits)))
        for _ in range(runs):
            # The first reading is what takes time, as it joins: each run has a bucket of its own.
            with stand_in_s3.serving(delay, objects) as environment:
                times.append([figures(output(command))["seconds"] for command in _commands(splits, environment)])
    own, other = (statistics.median(column) for column in zip(*times, strict=True))
    note = "the baseline is of a sample of 200 splits, multiplied"
    yield Row(f"join {splits:,} splits", own, other, _SEQUENTIAL, target=faster(30), note=note)


def _commands(splits: int, environment: Mapping[str, str]) -> list[Command]:
    return [
        python(name, str(PROBES / f"{name}.py"), str(splits), _ROOT, environment=environment)
        for name in ("laminar_join", "boto3_join")
    ]


def _objects(splits: int) -> dict[str, bytes]:
    """Return the objects that the fan-out left in the bucket."""
    store, key = datastores.Memory(), LayerKey("Bench", "benchmark", "Square")
    for split in range(splits):
        archive = store.write(key, index=split, name="value", values=[split**2], sharded=False, attempt=ATTEMPT)
        store.ledger.commit(key, index=split, commit=Commit(ATTEMPT, {"value": archive}), fans_out=True)
    store.ledger.write_record(key, splits=splits)
    return {f"{_ROOT.removeprefix('s3://')}/{path}": content for path, content in store.workspace.items()}
