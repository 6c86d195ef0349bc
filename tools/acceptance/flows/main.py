"""Two layers that wait, so that a deployment can change under a running execution."""

from __future__ import annotations

import time

from laminar_runtime import Flow, Layer, Parameters, each
from laminar_runtime.configurations.layers import Container, ForEach, Parameter


class Patient(Flow):
    """Waits in each split, and adds up."""

    container = Container(command="python main.py", cpu=0.25, memory=512)


@Patient.register
class Inputs(Parameters):
    """What an execution is started with."""

    count: int = 3
    seconds: float = 1


@Patient.register
class List(Layer):
    """Gives each number to a split."""

    number: int

    def __call__(self, inputs: Inputs) -> None:
        self.shard(number=range(inputs.count))


@Patient.register(foreach=ForEach([Parameter(List, "number")]))
class Wait(Layer):
    """Waits."""

    waited: int

    def __call__(self, inputs: Inputs, list_: List) -> None:
        time.sleep(inputs.seconds)
        self.waited = list_.number


@Patient.register
class Add(Layer):
    """Adds up."""

    total: int

    def __call__(self, wait: Wait) -> None:
        self.total = sum(each(wait, lambda wait: wait.waited))


flow = Patient()

if __name__ == "__main__" and flow:
    print(flow().layer(Add).total)
