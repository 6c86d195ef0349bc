from laminar_runtime import Flow, Layer
from laminar_runtime.configurations.layers import Container, ForEach, Parameter, Retry


class F(Flow): ...


@F.register(container=Container(command=""))
class A(Layer):
    def __call__(self) -> None: ...


@F.register(container=Container(command="python 'main.py"))
class B(Layer):
    def __call__(self) -> None: ...
