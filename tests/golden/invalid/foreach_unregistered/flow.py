from laminar_runtime import Flow, Layer
from laminar_runtime.configurations.layers import ForEach, Parameter


class F(Flow): ...


@F.register(foreach=ForEach([Parameter("Nowhere", "items"), Parameter("Parameters", "fine")]))
class A(Layer):
    def __call__(self) -> None: ...
