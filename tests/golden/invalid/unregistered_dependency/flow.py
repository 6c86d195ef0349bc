from laminar_runtime import Flow, Layer


class F(Flow): ...


class Loose(Layer):
    def __call__(self) -> None: ...


@F.register
class A(Layer):
    def __call__(self, loose: Loose) -> None: ...
