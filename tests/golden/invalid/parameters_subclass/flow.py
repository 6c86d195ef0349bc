from laminar_runtime import Flow, Layer, Parameters


class F(Flow): ...


class Params(Parameters):
    day: str = "today"


@F.register
class A(Layer):
    def __call__(self, params: Params) -> None:
        self.day = params.day
