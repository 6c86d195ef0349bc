from __future__ import annotations

from laminar_runtime import Flow, Layer, Variable
from laminar_runtime.configurations import executors
from laminar_runtime.configurations.layers import ForEach, Parameter
from laminar_runtime.configurations.operations import Notifications
from laminar_runtime.configurations.schedulers import AWS


class Reported(Flow):
    """Says why it failed, to whoever listens."""


@Reported.register
class Load(Layer):
    def __call__(self) -> None:
        self.shard(row=range(3))


@Reported.register(foreach=ForEach([Parameter(Load, "row")]))
class Clean(Layer):
    def __call__(self, load: Load) -> None:
        self.row = load.row


@Reported.register(executor=executors.AWS.Lambda(timeout=60))
class Store(Layer):
    def __call__(self, clean: Clean) -> None:
        self.stored = list(clean.row)


scheduler = AWS.StepFunctions(
    notifications=Notifications(
        topics=[Variable("on_call_topic", description="Who is on call."), "arn:aws:sns:us-east-1:123456789012:team"],
        kms_key=Variable("topic_key", default="arn:aws:kms:eu-west-1:123456789012:key/0a1b"),
    ),
    dashboard=True,
)

if flow := Reported(scheduler=scheduler):
    flow()
