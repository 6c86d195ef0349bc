"""Runs a flow of many trivial layers in threads, its artifacts in memory. Prints ``{"seconds": ...}``.

``scheduling.py LAYERS SHAPE``: ``wide`` for layers that all depend on the first, ``chain`` for layers in a row.
"""

from __future__ import annotations

import json
import logging
import sys
import time
from collections.abc import Callable

from laminar_runtime import Flow, Layer
from laminar_runtime.configurations import datastores, executors


class Bench(Flow):
    """Does nothing, often."""


def _first(self: Layer) -> None: ...


def _after(before: int) -> Callable[..., None]:
    def call(self: Layer, other: Layer) -> None: ...

    call.__annotations__["other"] = f"L{before}"
    return call


def _register(number: int, shape: str) -> None:
    call = _after(number - 1 if shape == "chain" else 0) if number else _first
    Bench.register(type(f"L{number}", (Layer,), {"__call__": call}))


if __name__ == "__main__":
    layers, shape = int(sys.argv[1]), sys.argv[2]
    logging.getLogger("laminar").setLevel(logging.WARNING)
    for number in range(layers):
        _register(number, shape)
    flow = Bench(datastore=datastores.Memory(), executor=executors.Thread(concurrency=8))
    started = time.perf_counter()
    execution = flow()
    seconds = time.perf_counter() - started
    if not execution.finished:
        raise SystemExit("not all layers finished")
    print(json.dumps({"seconds": seconds}))
