"""A layer that runs once for each part."""

from laminar_runtime import Flow, Layer
from laminar_runtime.configurations.layers import ForEach, Parameter


class Wide(Flow):
    """Fans out and in."""


@Wide.register
class Parts(Layer):
    def __call__(self) -> None:
        self.shard(part=["a", "b", "c"])


@Wide.register(foreach=ForEach(parameters=[Parameter(layer=Parts, attribute="part")]))
class Work(Layer):
    """Works on one part."""

    def __call__(self, parts: Parts) -> None:
        self.done = parts.part.upper()


@Wide.register
class Total(Layer):
    def __call__(self, work: Work) -> None:
        self.all = list(work.done)


if flow := Wide():
    flow()
