"""A layer with an executor of its own does not share the memory of the process."""

from laminar_runtime import Flow, Layer
from laminar_runtime.configurations import executors
from laminar_runtime.configurations.layers import Container


class Report(Flow): ...


from laminar_runtime.configurations import datastores


@Report.register(executor=executors.AWS.Lambda())
class Load(Layer):
    def __call__(self) -> None: ...


Report(datastore=datastores.Memory(), executor=executors.Thread())
