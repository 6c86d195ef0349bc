"""Reads an attribute of all splits of a fan-out, as a layer after it does. Prints ``{"seconds": ...}``."""

from __future__ import annotations

import json
import sys
import time

from laminar_runtime import Flow, Layer
from laminar_runtime.configurations import datastores
from laminar_runtime.configurations.layers import ForEach, Parameter


class Bench(Flow):
    """Fans out over numbers."""


@Bench.register
class Start(Layer):
    """Makes the numbers."""


@Bench.register(foreach=ForEach(parameters=[Parameter(layer=Start, attribute="number")]))
class Square(Layer):
    """Takes one of them."""


if __name__ == "__main__":
    splits, root = int(sys.argv[1]), sys.argv[2]
    started = time.perf_counter()
    values = list(Bench(datastore=datastores.AWS.S3(root=root)).execution("benchmark").layer(Square).value)
    seconds = time.perf_counter() - started
    if values != [number**2 for number in range(splits)]:
        raise SystemExit("the values that were read are not those that were written")
    print(json.dumps({"seconds": seconds}))
