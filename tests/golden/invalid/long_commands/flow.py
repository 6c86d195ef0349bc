from laminar_runtime import Flow, Layer
from laminar_runtime.configurations import executors
from laminar_runtime.configurations.layers import Container, ForEach, Parameter


class Report(Flow): ...


@Report.register(container=Container(command="python main.py " + "x" * 20_480))
class Load(Layer):
    def __call__(self) -> None:
        self.shard(part=[1, 2])


@Report.register(executor=executors.AWS.Lambda(), container=Container(command="python main.py " + "x" * 2_800))
class Mark(Layer):
    def __call__(self, load: Load) -> None: ...


@Report.register(
    foreach=ForEach(parameters=[Parameter(Load, "part")]),
    container=Container(command="python main.py " + "x" * 2_800),
)
class Measure(Layer):
    def __call__(self, load: Load) -> None: ...
