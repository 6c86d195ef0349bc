"""`local`: a whole run on this machine, each task a process: a chain of ten layers, a fan-out of a hundred."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Iterator
from pathlib import Path

import attrs

from benchmarks import metaflow, peers, programs
from benchmarks.rows import Row, faster
from benchmarks.timing import Command, compare_all, python

__all__ = ["measure"]

_TARGET = faster(4)


def measure(runs: int) -> Iterator[Row]:
    """Measure running flows on this machine."""
    flows = {
        "local run of a chain of 10": (programs.laminar_chain(10), programs.metaflow_chain(10)),
        "local run of a foreach of 100": (programs.laminar_foreach(100), programs.metaflow_foreach(100)),
    }
    for subject, (ours, theirs) in flows.items():
        with tempfile.TemporaryDirectory() as name:
            folder = Path(name)
            yield from compare_all(subject, _ours(folder, ours), [(_metaflow(folder, theirs), _TARGET)], runs)


def _ours(folder: Path, flow: str) -> Command:
    file = folder / "main.py"
    file.write_text(flow, encoding="utf-8")
    return attrs.evolve(python("flow", str(file), folder=folder), fresh=folder / ".laminar")


def _metaflow(folder: Path, flow: str) -> Command:
    file = folder / "metaflow_flow.py"
    file.write_text(flow, encoding="utf-8")
    words = [peers.python("metaflow"), str(file), "--quiet", "--no-pylint", "--metadata", "local"]
    # As many at a time as ours: one for each processor.
    words += ["--datastore", "local", "run", "--max-workers", str(os.cpu_count() or 1), "--max-num-splits", "1000"]
    return Command(f"{metaflow.NAME} run", words, metaflow.local_environment(folder), folder, folder / "metaflow")
