from laminar_runtime import Flow, Layer, Parameters
from laminar_runtime.configurations import executors, hooks
from laminar_runtime.configurations.layers import ForEach, Parameter


class F(Flow): ...


def after(layer: str) -> ForEach:
    return ForEach(parameters=[Parameter(layer=layer, attribute="x", index=None)], pipelined=True)


@F.register
class Find(Layer):
    def __call__(self, parameters: Parameters) -> None: ...


@F.register(foreach=after("Find"))
class OverOne(Layer):
    def __call__(self, find: Find) -> None: ...


@F.register(foreach=after("Parameters"))
class OverParameters(Layer):
    def __call__(self, parameters: Parameters) -> None: ...


@F.register(foreach=ForEach(parameters=[Parameter(layer=Find, attribute="x")]))
class Fetch(Layer):
    def __call__(self, find: Find) -> None: ...


@F.register(foreach=after("Fetch"), executor=executors.AWS.Lambda())
class OnLambda(Layer):
    def __call__(self, fetch: Fetch) -> None: ...


@F.register(foreach=after("Fetch"))
class Skipped(Layer):
    def __call__(self, fetch: Fetch) -> None: ...

    @hooks.entry
    def sometimes(self) -> bool:
        return True


@F.register(foreach=after("Fetch"))
class Resized(Layer):
    def __call__(self, fetch: Fetch) -> None: ...

    @hooks.submission
    def larger(self) -> None:
        self.configuration.container.memory *= 2


@F.register
class Statistics(Layer):
    def __call__(self, fetch: Fetch) -> None: ...


@F.register(foreach=after("Fetch"))
class Compared(Layer):
    def __call__(self, fetch: Fetch, statistics: Statistics) -> None: ...


@F.register
class Prices(Layer):
    def __call__(self) -> None: ...


@F.register(foreach=after("Fetch"))
class Priced(Layer):
    def __call__(self, fetch: Fetch, prices: Prices) -> None: ...


@F.register(foreach=ForEach(parameters=[Parameter(layer=Find, attribute="y")]))
class Load(Layer):
    def __call__(self, find: Find) -> None: ...


@F.register(foreach=after("Load"))
class Clean(Layer):
    def __call__(self, load: Load) -> None: ...


@F.register
class Report(Layer):
    def __call__(self, load: Load) -> None: ...


if flow := F():
    flow()
