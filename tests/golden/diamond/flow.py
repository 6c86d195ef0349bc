"""Two branches between two layers."""

from laminar_runtime import Flow, Layer


class Diamond(Flow):
    """Splits and joins."""


@Diamond.register
class Load(Layer):
    """Reads."""

    def __call__(self) -> None: ...


@Diamond.register
class Clean(Layer):
    def __call__(self, load: Load) -> None: ...


@Diamond.register
class Train(Layer):
    def __call__(self, load: Load) -> None: ...


@Diamond.register
class Report(Layer):
    def __call__(self, clean: Clean, train: Train) -> None: ...


if flow := Diamond():
    flow()
