from laminar_runtime import Flow, Layer


class One(Flow): ...


class Two(Flow): ...


@One.register
@Two.register
class Shared(Layer):
    def __call__(self) -> None: ...
