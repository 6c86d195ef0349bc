from laminar_runtime import Flow, Layer
from laminar_runtime.configurations.layers import Container, ForEach, Parameter, Retry


class F(Flow): ...


@F.register(container=Container(cpu=64))
class A(Layer):
    def __call__(self) -> None: ...


@F.register(container=Container(memory=300_000))
class B(Layer):
    def __call__(self) -> None: ...


@F.register(container=Container(cpu=0))
class C(Layer):
    def __call__(self) -> None: ...
