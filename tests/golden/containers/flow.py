"""Containers that differ in image, folder, size and command."""

from laminar_runtime import Flow, Layer
from laminar_runtime.configurations import executors
from laminar_runtime.configurations.layers import Container, ForEach, Parameter


class Containers(Flow):
    """Layers in containers of several kinds."""


@Containers.register
class Default(Layer):
    """Everything is left out: image and size are the defaults."""

    def __call__(self) -> None:
        self.shard(item=[1, 2])


@Containers.register(container=Container(memory=2048))
class Rounded(Layer):
    """The same size of Fargate, and so the same job definition as Default."""

    def __call__(self) -> None: ...


@Containers.register(container=Container(image="example.com/own:1", cpu=0.3, memory=700))
class OwnImage(Layer):
    def __call__(self) -> None: ...


@Containers.register(container=Container(workdir="/srv/my app/"), foreach=ForEach([Parameter(Default, "item")]))
class OwnFolder(Layer):
    """Its planner starts in the same folder."""

    def __call__(self, default: Default) -> None: ...


@Containers.register(
    container=Container(command="python -m 'my app' --level \"two words\"", cpu=16, memory=100_000),
    foreach=ForEach([Parameter(Default, "item")]),
)
class OwnCommand(Layer):
    """Its planner is another function: the command differs."""

    def __call__(self, default: Default) -> None: ...


if flow := Containers(executor=executors.Thread(timeout=600)):
    flow()
