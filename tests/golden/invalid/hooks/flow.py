from laminar_runtime import Flow, Layer
from laminar_runtime.configurations import hooks


class F(Flow):
    @hooks.submission
    def before(self) -> None: ...


@F.register
class A(Layer):
    def __call__(self) -> None: ...

    @hooks.entry
    def gate(self) -> bool:
        return True

    @hooks.retry
    def again(self) -> None: ...

    @hooks.execution
    def fine(self) -> None: ...
