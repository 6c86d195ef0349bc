from laminar_runtime import Flow, Layer
from laminar_runtime.configurations import executors


class F(Flow): ...


@F.register
class A(Layer):
    def __call__(self) -> None: ...


if flow := F(executor=executors.Process(timeout=59)):
    flow()
