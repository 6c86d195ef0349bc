"""Layers one after the other, one named before it is defined."""

from laminar_runtime import Flow, Layer


class Chain(Flow):
    """Three steps, each after the one before."""


@Chain.register
class Last(Layer):
    """Registered first, and runs last."""

    def __call__(self, middle: "Middle") -> None:
        self.value = middle.value + 1


@Chain.register
class First(Layer):
    def __call__(self) -> None:
        self.value = 1


@Chain.register
class Middle(Layer):
    def __call__(self, first: First) -> None:
        self.value = first.value + 1


if flow := Chain():
    flow()
