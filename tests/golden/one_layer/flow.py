"""The smallest flow."""

from laminar_runtime import Flow, Layer


class Greeting(Flow):
    """Says hello."""


@Greeting.register
class Hello(Layer):
    """Makes the message."""

    def __call__(self) -> None:
        self.message = "hello"


if flow := Greeting():
    flow()
