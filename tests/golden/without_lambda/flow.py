"""A flow of an organisation without AWS Lambda: jobs of a queue of their own plan its layers."""

from laminar_runtime import Flow, Layer, Variable
from laminar_runtime.configurations import hooks, planners, schedulers
from laminar_runtime.configurations.layers import ForEach, Parameter


class Planned(Flow):
    """Has no Lambda function."""


@Planned.register
class Split(Layer):
    def __call__(self) -> None:
        self.shard(number=range(3))


@Planned.register(foreach=ForEach([Parameter(Split, "number")]))
class Square(Layer):
    """One job for each number."""

    def __call__(self, split: Split) -> None:
        self.square = split.number**2


@Planned.register
class Total(Layer):
    """Runs if its hook lets it."""

    def __call__(self, square: Square) -> None:
        self.total = sum(square.square)

    @hooks.entry
    def always(self) -> bool:
        return True


planner = planners.AWS.Batch(
    cpu=1,
    memory=1024,
    timeout=600,
    platform="EC2",
    queue="plans",
    share_identifier=Variable("share", default="plans"),
    priority=9,
)
if flow := Planned(scheduler=schedulers.AWS.StepFunctions(planner=planner)):
    flow()
