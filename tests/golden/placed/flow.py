from __future__ import annotations

from laminar_runtime import Flow, Layer, Variable
from laminar_runtime.configurations import executors
from laminar_runtime.configurations.layers import Container, ForEach, Parameter, Retry

TEAM = Variable("team_share", description="The share of the team.", default="research")


class Placed(Flow):
    """Queues, shares and roles of layers."""


@Placed.register(executor=executors.AWS.Batch(queue="big", share_identifier=TEAM, priority=5, role="loader"))
class Load(Layer):
    def __call__(self) -> None:
        self.shard(number=range(3))


@Placed.register(
    foreach=ForEach(parameters=[Parameter(Load, "number")]),
    retry=Retry(attempts=2),
    executor=executors.AWS.Batch(queue="big", share_identifier="urgent"),
)
class Square(Layer):
    def __call__(self, load: Load) -> None:
        self.square = load.number**2


@Placed.register(executor=executors.AWS.Lambda(role="reporter"), container=Container(memory=512))
class Tell(Layer):
    def __call__(self, square: Square) -> None:
        self.total = sum(square.square)


if flow := Placed():
    flow()
