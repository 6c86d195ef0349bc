from laminar_runtime import Execution, Flow, Layer, Parameters
from laminar_runtime.configurations.layers import ForEach, Parameter


class Collect(Flow):
    """Collects what there is."""


@Collect.register
class Find(Layer):
    def __call__(self, parameters: Parameters) -> None:
        self.items = list(range(parameters.count))


class Report(Flow):
    """Reports on what was collected."""


@Report.register
class Load(Layer):
    def __call__(self, parameters: Parameters) -> None:
        self.shard(item=parameters.items)


@Report.register(foreach=ForEach(parameters=[Parameter(Load, "item")]))
class Measure(Layer):
    def __call__(self, load: Load) -> None:
        self.size = load.item**2


@Report.register
class Write(Layer):
    def __call__(self, measure: Measure) -> None:
        self.total = sum(measure.size)


def items(execution: Execution) -> Parameters:
    return Parameters(items=execution.layer(Find).items)


Collect()(count=3).next(flow=Report(), linker=items)
