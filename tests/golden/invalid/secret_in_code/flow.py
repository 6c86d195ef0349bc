"""A secret is named by its ARN, and its value is not shown when it is not."""

from laminar_runtime import Flow, Layer
from laminar_runtime.configurations import executors
from laminar_runtime.configurations.layers import Container


class Report(Flow): ...


@Report.register(container=Container(secrets={"PASSWORD": "correct horse battery staple"}))
class Load(Layer):
    def __call__(self) -> None: ...
