"""Fargate has no GPUs, not all log drivers, and disks of some sizes."""

from laminar_runtime import Flow, Layer
from laminar_runtime.configurations import executors
from laminar_runtime.configurations.layers import Container


class Report(Flow): ...


@Report.register(container=Container(gpu=2))
class Train(Layer):
    def __call__(self) -> None: ...


@Report.register(container=Container(log_driver="gelf"))
class Load(Layer):
    def __call__(self) -> None: ...


@Report.register(container=Container(log_driver="awsfirelens"))
class Route(Layer):
    def __call__(self) -> None: ...


@Report.register(container=Container(log_options={"awslogs-group": "own", "mode": "non-blocking"}))
class Group(Layer):
    def __call__(self) -> None: ...


@Report.register(container=Container(log_driver="splunk", log_options={"splunk-token": "hush"}))
class Hush(Layer):
    def __call__(self) -> None: ...


@Report.register(container=Container(ephemeral_storage=20))
class Unpack(Layer):
    def __call__(self) -> None: ...
