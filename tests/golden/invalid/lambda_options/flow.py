"""AWS Lambda has other sizes and times than AWS Batch, and less to choose."""

from laminar_runtime import Flow, Layer
from laminar_runtime.configurations import executors
from laminar_runtime.configurations.layers import Container


class Report(Flow): ...


LAMBDA = executors.AWS.Lambda()


@Report.register(executor=LAMBDA, container=Container(cpu=4, memory=16_384))
class Large(Layer):
    def __call__(self) -> None: ...


@Report.register(executor=executors.AWS.Lambda(timeout=1800))
class Long(Layer):
    def __call__(self) -> None: ...


@Report.register(
    executor=LAMBDA,
    container=Container(
        gpu=1, spot=True, secrets={"TOKEN": "arn:aws:ssm:eu-west-1:123456789012:parameter/token"}, log_driver="splunk"
    ),
)
class Everything(Layer):
    def __call__(self) -> None: ...


@Report.register(container=Container(architecture="arm64"))
class Other(Layer):
    def __call__(self) -> None: ...


@Report.register(executor=LAMBDA, container=Container(ephemeral_storage=20, image="registry.example/flow:1"))
class Elsewhere(Layer):
    def __call__(self) -> None: ...
