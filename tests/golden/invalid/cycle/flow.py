from laminar_runtime import Flow, Layer


class F(Flow): ...


@F.register
class A(Layer):
    def __call__(self, c: "C") -> None: ...


@F.register
class B(Layer):
    def __call__(self, a: A) -> None: ...


@F.register
class C(Layer):
    def __call__(self, b: B) -> None: ...


@F.register
class Myself(Layer):
    def __call__(self, me: "Myself") -> None: ...
