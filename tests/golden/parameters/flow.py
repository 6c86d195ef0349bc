"""Parameters of the flow, read by a layer that depends on nothing else."""

from laminar_runtime import Flow, Layer, Parameters


class Report(Flow):
    """Reports on a day."""


@Report.register
class Load(Layer):
    """Loads the day."""

    def __call__(self, parameters: Parameters) -> None:
        self.day = parameters.day


@Report.register
class Publish(Layer):
    def __call__(self, load: Load, parameters: Parameters) -> None:
        self.url = f"{parameters.base}/{load.day}"


if flow := Report():
    flow(day="2026-01-01", base="https://example.com")
