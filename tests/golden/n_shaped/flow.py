"""The smallest order that no nesting says: it needs a barrier."""

from laminar_runtime import Flow, Layer


class Zigzag(Flow):
    """C after A, D after A and B."""


@Zigzag.register
class A(Layer):
    def __call__(self) -> None: ...


@Zigzag.register
class B(Layer):
    def __call__(self) -> None: ...


@Zigzag.register
class C(Layer):
    def __call__(self, a: A) -> None: ...


@Zigzag.register
class D(Layer):
    def __call__(self, a: A, b: B) -> None: ...


if flow := Zigzag():
    flow()
