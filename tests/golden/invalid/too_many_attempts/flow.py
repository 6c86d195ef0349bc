from laminar_runtime import Flow, Layer
from laminar_runtime.configurations.layers import Container, ForEach, Parameter, Retry


class F(Flow): ...


@F.register(retry=Retry(attempts=11))
class A(Layer):
    def __call__(self) -> None: ...


@F.register(foreach=ForEach([Parameter(A, "items")]), retry=Retry(attempts=11))
class B(Layer):
    def __call__(self, a: A) -> None: ...
