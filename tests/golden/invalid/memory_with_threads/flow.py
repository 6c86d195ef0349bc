from laminar_runtime import Flow, Layer
from laminar_runtime.configurations import datastores, executors


class F(Flow): ...


@F.register
class A(Layer):
    def __call__(self) -> None: ...


if flow := F(datastore=datastores.Memory(), executor=executors.Thread()):
    flow()
