from laminar_runtime import Flow, Layer
from laminar_runtime.configurations import hooks
from laminar_runtime.configurations.layers import Container, ForEach, Parameter, Retry


class Sized(Flow):
    """Its hooks decide how large containers are."""


@Sized.register(retry=Retry(attempts=3))
class Load(Layer):
    """Needs more memory the more often it failed."""

    def __call__(self) -> None:
        self.shard(part=[1, 2, 3])

    @hooks.retry
    def more(self) -> None:
        self.configuration.container.memory *= 2


@Sized.register(foreach=ForEach(parameters=[Parameter(Load, "part")]), retry=Retry(attempts=2))
class Work(Layer):
    """Some of its splits are larger than others."""

    def __call__(self, load: Load) -> None:
        self.done = load.part

    @hooks.submission
    def size(self) -> None:
        if self.index == 1:
            self.configuration.container.memory = 4096


@Sized.register(container=Container(cpu=0.5, memory=1024))
class Once(Layer):
    def __call__(self, load: Load) -> None: ...

    @hooks.entry
    def wanted(self, load: Load) -> bool:
        return True

    @hooks.submission
    def size(self) -> None:
        self.configuration.container.cpu = 1


if flow := Sized():
    flow()
