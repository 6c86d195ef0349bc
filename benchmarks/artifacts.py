"""`artifacts`: values written to a datastore and read again, with the peak memory that this takes.

Each figure is of a process of its own (`probes`), which is not counted itself: only the writing and the reading are.
"""

from __future__ import annotations

import sys
import tempfile
from collections.abc import Iterator, Mapping
from pathlib import Path

from benchmarks import metaflow, peers, stand_in_s3
from benchmarks.embedded import BUCKET
from benchmarks.rows import Row, Target, both, faster, ratio_at_most
from benchmarks.timing import Command, Timed, interleave

__all__ = ["PROBES", "measure", "probe"]

#: Where the probes are.
PROBES = Path(__file__).parent / "probes"
_MEBIBYTE = 2**20
_MOST_MEMORY = 1.3
#: Seconds that S3 takes for each request.
_DELAY = 0.02

#: The bytes of a value, with the goals against Metaflow and against raw input and output.
_VALUES: Mapping[str, tuple[str, Target | None, Target | None]] = {
    "floats": ("256 MB of random floats", faster(5), ratio_at_most(1 / 0.6)),
    "table": ("a compressible table of 256 MB", faster(5), None),
    "objects": ("10,000 small objects", faster(5), None),
}


def measure(runs: int) -> Iterator[Row]:
    """Measure writing and reading artifacts, on this machine and in S3."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        for kind in _VALUES:
            yield from _rows(kind, str(folder / kind), "raw_files", {}, runs)
        with stand_in_s3.serving(_DELAY) as account:
            environment = {**account, "METAFLOW_S3_ENDPOINT_URL": account["AWS_ENDPOINT_URL"]}
            yield from _rows("floats", f"s3://{BUCKET}/floats", "raw_boto3", environment, min(runs, 3))


def probe(name: str, action: str, kind: str, root: str, environment: Mapping[str, str]) -> Command:
    """Return the command of a probe.

    Args:
        name: The probe's file, without its ending.
        action: ``write`` or ``read``.
        kind: The kind of value, see `probes.values`.
        root: Where to.
        environment: Variables besides those of this process.
    """
    peer = name.startswith("metaflow")
    words = [peers.python("metaflow") if peer else sys.executable, str(PROBES / f"{name}.py"), action, kind]
    # Each run writes anew. What is read is what the first one wrote: slow peers are run once.
    turn = "{turn}" if action == "write" else "0"
    return Command(name, [*words, f"{root}-{name}-{turn}"], environment)


def _rows(kind: str, root: str, raw: str, environment: Mapping[str, str], runs: int) -> Iterator[Row]:
    text, beside_metaflow, beside_raw = _VALUES[kind]
    where = "S3" if root.startswith("s3://") else "files"
    given = {**metaflow.local_environment(Path(tempfile.gettempdir())), **environment}
    names = {"laminar_store": "", "metaflow_store": metaflow.NAME, raw: raw.replace("_", " ")}
    for action in ("write", "read"):
        own, other, floor = interleave([probe(name, action, kind, root, given) for name in names], runs)
        subject = f"{action} {text}, {where}"
        yield _row(subject, own, other, metaflow.NAME, _with_memory(own, beside_metaflow))
        yield _row(subject, own, floor, names[raw], beside_raw if where == "files" else None)


def _row(subject: str, own: Timed, other: Timed, against: str, target: Target | None) -> Row:
    size, note = own.figure("size"), ""
    if size:
        note = f"peak memory {own.figure('memory') / size:.2f}x the value, {other.figure('memory') / size:.2f}x there"
    return Row(
        subject,
        own.figure("seconds"),
        other.figure("seconds"),
        against,
        own.figure("memory") / _MEBIBYTE,
        against_memory=other.figure("memory") / _MEBIBYTE,
        target=target,
        note=note,
    )


def _with_memory(own: Timed, target: Target | None) -> Target | None:
    """Have a target be also that of the memory, for values that have a size."""
    size = own.figure("size") / _MEBIBYTE
    if not size or target is None:
        return target
    return both(target, Target(f"{_MOST_MEMORY}x the value's memory", lambda row: row.memory <= _MOST_MEMORY * size))
