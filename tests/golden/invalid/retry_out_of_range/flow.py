from laminar_runtime import Flow, Layer
from laminar_runtime.configurations.layers import Container, ForEach, Parameter, Retry


class F(Flow): ...


@F.register(retry=Retry(attempts=0))
class A(Layer):
    def __call__(self) -> None: ...
