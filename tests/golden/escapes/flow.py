"""Text that Terraform or Step Functions would take for more than text, were it not escaped."""

from laminar_runtime import Flow, Layer
from laminar_runtime.configurations.layers import Container, ForEach, Parameter


class Escapes(Flow):
    """Costs ${var.name} and %{ if true }, "quoted" \\ and 100 % - naïve 日本語 😀 $$"""


@Escapes.register(container=Container(command="echo '${HOME}' '%{x}' '$${y}' '{% 1 %}' \"it's\" 100% $", image="x/${y}:%{z}"))
class Money(Layer):
    """{% $states.input %}"""

    def __call__(self) -> None:
        self.shard(item=[1])


@Escapes.register(
    container=Container(command="'{% $states.input %}' ünïcode $$", workdir="/tmp/${z} %"),
    foreach=ForEach([Parameter(Money, "item")]),
)
class Brace(Layer):
    """Ends in a dollar $"""

    def __call__(self, money: Money) -> None: ...


@Escapes.register
class Percent(Layer):
    """${"nested"} $${escaped} %%{twice} $$${thrice} %

    This second line is not part of the summary: ${var.none}.
    """

    def __call__(self, brace: Brace) -> None: ...


if flow := Escapes():
    flow()
