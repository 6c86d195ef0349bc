"""A fan-out over two attributes, one over its splits, and a join of all of them."""

from laminar_runtime import Flow, Layer
from laminar_runtime.configurations.layers import ForEach, Parameter


class Grid(Flow):
    """Tries each combination."""


@Grid.register
class Axes(Layer):
    def __call__(self) -> None:
        self.shard(x=[1, 2], y=[10, 20])


@Grid.register(
    foreach=ForEach(parameters=[Parameter(layer=Axes, attribute="x"), Parameter(layer="Axes", attribute="y")])
)
class Try(Layer):
    def __call__(self, axes: Axes) -> None:
        self.value = axes.x * axes.y


@Grid.register(foreach=ForEach(parameters=[Parameter(layer=Try, attribute="value", index=None)]))
class Square(Layer):
    def __call__(self, tried: Try) -> None:
        self.square = tried.value**2


@Grid.register(foreach=ForEach(parameters=[Parameter(layer="Parameters", attribute="seeds", index=0)]))
class Seeded(Layer):
    def __call__(self, axes: Axes) -> None: ...


@Grid.register
class Join(Layer):
    def __call__(self, square: Square, seeded: Seeded) -> None:
        self.total = sum(square.square)


if flow := Grid():
    flow(seeds=[1, 2])
