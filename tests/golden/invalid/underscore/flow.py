from laminar_runtime import Flow, Layer


class _Hidden(Flow): ...


@_Hidden.register
class A(Layer):
    def __call__(self) -> None: ...
