from laminar_runtime import Flow, Layer


class F(Flow): ...


@F.register
class A(Layer):
    def __call__(self, number: int, *rest: str) -> None: ...
