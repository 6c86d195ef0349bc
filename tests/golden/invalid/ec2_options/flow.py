"""EC2 has whole processors, disks of its own, and one kind of processors behind a job queue."""

from laminar_runtime import Flow, Layer
from laminar_runtime.configurations import executors
from laminar_runtime.configurations.layers import Container


class Report(Flow): ...


EC2 = executors.AWS.Batch(platform="EC2")


@Report.register(executor=EC2, container=Container(cpu=1.5))
class Half(Layer):
    def __call__(self) -> None: ...


@Report.register(executor=EC2, container=Container(ephemeral_storage=100))
class Unpack(Layer):
    def __call__(self) -> None: ...


@Report.register(executor=EC2, container=Container(architecture="arm64"))
class Elsewhere(Layer):
    def __call__(self) -> None: ...


@Report.register(executor=executors.AWS.Batch(platform="EC2", timeout=30))
class Hasty(Layer):
    def __call__(self) -> None: ...
