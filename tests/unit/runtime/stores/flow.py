"""The flow that wrote the stores in this folder, each as the release in its name writes."""

from __future__ import annotations

import os
import sys

from laminar_runtime import Flow, Layer, Parameters
from laminar_runtime.configurations.layers import ForEach, Parameter, Retry


class Kept(Flow): ...


@Kept.register(retry=Retry(attempts=2, delay=0))
class Shards(Layer):
    def __call__(self, parameters: Parameters) -> None:
        self.attempts = self.attempt
        self.shard(number=range(parameters.n), letter="ab")
        self.plain = "plain"
        if self.attempt == 1:
            self.left = "of attempt 1"
            raise OSError("at first")


@Kept.register(foreach=ForEach(parameters=[Parameter(Shards, "number"), Parameter(Shards, "letter")]))
class Each(Layer):
    def __call__(self, shards: Shards) -> None:
        self.cell = f"{shards.number}{shards.letter}"
        self.shard(pair=[shards.number, shards.letter])
        if self.index == 3 and os.environ.get("KEPT") == "fails":
            self.tried = True
            raise OSError("split 3")


@Kept.register(foreach=ForEach(parameters=[Parameter(Each, "cell", index=None)]))
class Chained(Layer):
    def __call__(self, each: Each) -> None:
        self.shout = each.cell.upper()


@Kept.register
class Total(Layer):
    def __call__(self, chained: Chained, each: Each, shards: Shards) -> None:
        self.all = [list(chained.shout), list(each.pair), list(shards.number), shards.plain]


if __name__ == "__main__" and (flow := Kept()):
    flow(sys.argv[1], n=2)
