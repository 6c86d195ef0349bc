"""Layers that may be skipped, by an entry hook or as what they depend on was."""

from laminar_runtime import Flow, Layer, Parameters
from laminar_runtime.configurations import hooks
from laminar_runtime.configurations.layers import ForEach, Parameter


class Branches(Flow):
    """Publishes what is good, and tells of it either way."""


@Branches.register
class Score(Layer):
    def __call__(self, parameters: Parameters) -> None:
        self.score = parameters.score
        self.shard(part=[1, 2, 3])


@Branches.register
class Publish(Layer):
    """Publishes."""

    def __call__(self, score: Score) -> None:
        self.published = score.score

    @hooks.entry
    def good(self, score: Score) -> bool:
        return score.score > 10


@Branches.register(foreach=ForEach(parameters=[Parameter(layer=Score, attribute="part")]))
class Announce(Layer):
    def __call__(self, score: Score, publish: Publish) -> None:
        self.told = score.part * publish.published


@Branches.register
class Tell(Layer):
    def __call__(self, announce: Announce) -> None:
        self.text = f"announced {list(announce.told)}" if announce.state.finished else "nothing to announce"

    @hooks.entry
    def always(self) -> bool:
        return True


@Branches.register
class Last(Layer):
    def __call__(self, publish: Publish) -> None:
        self.seen = publish.published


if flow := Branches():
    flow(score=1)
