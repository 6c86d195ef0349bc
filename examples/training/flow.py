"""Training on GPUs and spot capacity, with checkpoints on a file system: what is reclaimed goes on where it was.

Run it with ``python flow.py``, or on an embedded AWS with ``laminar-codegen rehearse flow.py``. On a machine without
GPUs the layer trains on its processor, which this small model does not mind.

``Retry(on=("reclaimed", ...))`` starts a training again whose instance was taken away. It finds the last checkpoint in
the volume: a file of the execution and the split, so that no two trainings share one.
"""

from __future__ import annotations

import json

from laminar_runtime import Flow, Layer, each
from laminar_runtime.configurations import executors
from laminar_runtime.configurations.layers import EFS, Container, ForEach, Parameter, Retry

CHECKPOINTS = EFS("fs-0123456789abcdef0", mount="/mnt/checkpoints", access_point="fsap-0123456789abcdef0")
STEPS = 20

small = Container(command="python flow.py", cpu=1, memory=2048)


class Training(Flow):
    """Trains a model for each rate, and picks the best one."""


@Training.register(container=small)
class Rates(Layer):
    """Lists the rates to try."""

    rate: float

    def __call__(self) -> None:
        self.shard(rate=[0.05, 0.2, 0.9])


@Training.register(
    container=Container(command="python flow.py", cpu=4, memory=16384, gpu=1, spot=True, volumes=[CHECKPOINTS]),
    executor=executors.AWS.Batch(platform="EC2"),
    foreach=ForEach([Parameter(Rates, "rate")]),
    retry=Retry(attempts=5, delay=0, on=("reclaimed", OSError)),
)
class Train(Layer):
    """Trains a model with a rate, and keeps a checkpoint after each step."""

    weight: float
    resumed_at: int

    def __call__(self, rates: Rates) -> None:
        folder = CHECKPOINTS.path / str(self.execution.id)
        folder.mkdir(exist_ok=True)
        checkpoint = folder / f"{self.index}.json"
        weight, begin = 0.0, 0
        if checkpoint.exists():
            kept = json.loads(checkpoint.read_text(encoding="utf-8"))
            weight, begin = kept["weight"], kept["step"] + 1
        self.resumed_at = begin
        for step in range(begin, STEPS):
            weight += rates.rate * (3.0 - weight)
            aside = checkpoint.with_suffix(".part")
            aside.write_text(json.dumps({"step": step, "weight": weight}), encoding="utf-8")
            aside.replace(checkpoint)
            if step == STEPS // 2 and self.attempt == 1 and self.index == 0:
                # So that this example shows it: as if the instance were taken away.
                raise OSError("the instance is gone")
        self.weight = round(weight, 3)


@Training.register(container=small)
class Best(Layer):
    """Picks the rate whose weight is closest to what it should be."""

    rate: float
    resumed_at: list[int]

    def __call__(self, rates: Rates, train: Train) -> None:
        errors = [abs(3.0 - weight) for weight in each(train, lambda train: train.weight)]
        self.rate = list(each(rates, lambda rates: rates.rate))[errors.index(min(errors))]
        self.resumed_at = list(each(train, lambda train: train.resumed_at))


flow = Training()

if __name__ == "__main__" and flow:
    best = flow().layer(Best)
    print(best.rate, best.resumed_at)
