"""The values that the probes of datastores store, and the measurement: one copy for the interpreters of all of them.

A probe is called as ``probe.py write|read KIND ROOT`` and prints ``{"seconds": ..., "memory": ..., "size": ...}``:
memory is the peak beyond what the process took before there was a value, in bytes; size is the value's.
"""

from __future__ import annotations

import importlib
import json
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

__all__ = ["check", "main", "make"]

_BYTES = 256 * 2**20
_OBJECTS = 10_000
_LIBRARIES = {"floats": ("numpy",), "table": ("numpy", "pandas")}


def make(kind: str) -> Any:
    """Make the value of a kind: ``floats``, ``table`` or ``objects``, or ``small``, which is for trying things out."""
    if kind == "objects":
        return [_object(number) for number in range(_OBJECTS)]
    if kind == "small":
        return [_object(number) for number in range(10)]
    import numpy as np

    if kind == "floats":
        return np.random.default_rng(1).random(_BYTES // 8)
    import pandas as pd

    rows = _BYTES // 8 // 8
    return pd.DataFrame({f"column_{at}": np.arange(rows, dtype=np.int64) // (at + 1) % 1000 for at in range(8)})


def _object(number: int) -> dict[str, Any]:
    return {"id": number, "name": f"object {number}", "values": [number, number / 2]}


def check(kind: str, value: Any) -> None:
    """Use all of a value that was read, and fail if it is not the one that was written."""
    if kind in {"objects", "small"}:
        sound = list(value) == make(kind)
    elif kind == "floats":
        sound = len(value) == _BYTES // 8 and abs(float(value.mean()) - 0.5) < 0.001  # noqa: PLR2004 - of [0, 1)
    else:
        sound = value.shape == (_BYTES // 64, 8) and int(value["column_7"].max()) == 999  # noqa: PLR2004 - as made
    if not sound:
        raise SystemExit(f"the {kind} that were read are not those that were written")


def main(write: Callable[[str, Any], None], read: Callable[[str], Any]) -> None:
    """Write or read a value, by the command line, and print the seconds and the memory.

    Args:
        write: Stores a value under a root.
        read: Gives it back.
    """
    action, kind, root = sys.argv[1:]
    # The memory of a value's library does not count.
    for library in _LIBRARIES.get(kind, ()):
        importlib.import_module(library)
    before, size = _status("VmRSS"), 0
    if action == "write":
        value = make(kind)
        size = _size(kind, value)
        _forget_peak()
        started = time.perf_counter()
        write(root, value)
        seconds = time.perf_counter() - started
    else:
        _forget_peak()
        started = time.perf_counter()
        value = read(root)
        check(kind, value)
        seconds = time.perf_counter() - started
        size = _size(kind, value)
    print(json.dumps({"seconds": seconds, "memory": _status("VmHWM") - before, "size": size}))


def _size(kind: str, value: Any) -> int:
    if kind == "floats":
        return int(value.nbytes)
    return int(value.memory_usage(index=False).sum()) if kind == "table" else 0


def _status(name: str) -> int:
    lines = Path("/proc/self/status").read_text(encoding="utf-8").splitlines()
    return next(int(line.split()[1]) * 1024 for line in lines if line.startswith(name))


def _forget_peak() -> None:
    """Have the peak of this process begin anew: https://man7.org/linux/man-pages/man5/proc_pid_clear_refs.5.html."""
    Path("/proc/self/clear_refs").write_text("5", encoding="utf-8")
