"""A layer that fails before a given time, and succeeds when it is resumed after that."""

from __future__ import annotations

import time

from laminar_runtime import Flow, Layer, Parameters
from laminar_runtime.configurations.layers import Container


class Fragile(Flow):
    """Fails at first."""

    container = Container(command="python fragile.py", cpu=0.25, memory=512)


@Fragile.register
class Inputs(Parameters):
    """What an execution is started with."""

    not_before: float
    """The seconds since 1970 before which it fails."""


@Fragile.register
class Open(Layer):
    """Opens at a time."""

    opened: bool

    def __call__(self, inputs: Inputs) -> None:
        if time.time() < inputs.not_before:
            raise RuntimeError("it is closed, as was asked for")
        self.opened = True


flow = Fragile()

if __name__ == "__main__" and flow:
    print(flow(not_before=0).layer(Open).opened)
