from laminar_runtime import Flow, Layer
from laminar_runtime.configurations.layers import Container


class Report(Flow): ...


@Report.register(container=Container(command="python main.py --name=Zoe\u0308"))
class Draw(Layer):
    def __call__(self) -> None: ...


@Report.register(container=Container(image="registry/\ud83d:1"))
class Publish(Layer):
    """Publishes it with e\u0301motion."""

    def __call__(self, draw: Draw) -> None: ...


@Report.register(container=Container(command="python main.py --mark=a" + "\u0315" * 31))
class Mark(Layer):
    def __call__(self, draw: Draw) -> None: ...


@Report.register(container=Container(command="python main.py '--break=\n\u0301'"))
class Break(Layer):
    def __call__(self, draw: Draw) -> None: ...
