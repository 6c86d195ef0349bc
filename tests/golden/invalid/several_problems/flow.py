from laminar_runtime import Flow, Layer
from laminar_runtime.configurations.layers import Container, ForEach, Parameter, Retry


class Report(Flow):
    """Much is wrong here, and all of it is told at once."""


@Report.register(container=Container(command=""))
class Merge(Layer):
    def __call__(self, clean: "Clean", rows) -> None: ...


@Report.register(container=Container(cpu=100), foreach=ForEach([Parameter("Lost", "items")]))
class Train(Layer):
    def __call__(self, score: "Score") -> None: ...


@Report.register
class Score(Layer):
    def __call__(self, train: Train) -> None: ...
