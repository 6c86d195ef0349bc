"""Greets every guest, each in a task of its own."""

from __future__ import annotations

from laminar_runtime import Flow, Layer, Parameters, each
from laminar_runtime.configurations.layers import Container, ForEach, Parameter


class SampleFlow(Flow):
    """Greet every guest."""

    container = Container(cpu=0.25, memory=512)


@SampleFlow.register
class Inputs(Parameters):
    """What an execution is started with."""

    names: list[str]
    """The guests."""
    greeting: str = "hello"
    """The word before each name."""


@SampleFlow.register
class Guests(Layer):
    """Gives each guest to a task."""

    guest: str

    def __call__(self, inputs: Inputs) -> None:
        self.shard(guest=inputs.names)


@SampleFlow.register(foreach=ForEach([Parameter(Guests, "guest")]))
class Greet(Layer):
    """Greets one guest."""

    text: str

    def __call__(self, inputs: Inputs, guests: Guests) -> None:
        self.text = f"{inputs.greeting} {guests.guest}"


@SampleFlow.register
class Book(Layer):
    """Collects the greetings."""

    pages: list[str]

    def __call__(self, greet: Greet) -> None:
        self.pages = list(each(greet, lambda greet: greet.text))


flow = SampleFlow()

if __name__ == "__main__" and flow:
    execution = flow(names=["Ada", "Grace"])
    print(execution.layer(Book).pages)
