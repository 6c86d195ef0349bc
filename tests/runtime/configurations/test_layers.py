"""Configurations of layers: what is of a wrong type is refused where it is written."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from laminar_runtime import Flow, Layer
from laminar_runtime.configurations.layers import Catch, Container, ForEach, Parameter, Retry
from laminar_runtime.exceptions import FlowError, LayerError


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: Container(cpu="4"), "the cpu of a Container must be of type int or float, not '4'"),
        (lambda: Container(memory="4096"), "the memory of a Container must be of type int, not '4096'"),
        (lambda: Container(image=3), "the image of a Container must be of type str or None, not 3"),
        (lambda: Container(image=""), "the image of a Container must be of type str or None, not ''"),
        (lambda: Container(workdir=None), "the workdir of a Container must be of type str, not None"),
        (
            lambda: Container(command=["python", "main.py"]),
            "the command of a Container must be of type str, not ['python', 'main.py']",
        ),
        (lambda: Parameter(layer=3, attribute="a"), "the layer of a Parameter must be of type type or str, not 3"),
        (lambda: Parameter("A", "a", index="0"), "the index of a Parameter must be of type int or None, not '0'"),
        (lambda: Parameter("A", "a", index=-1), "the index of a Parameter must be at least 0, not -1"),
        (lambda: ForEach([1]), "the parameters of a ForEach must be of type Parameter, not 1"),
        (lambda: Retry(attempts=2.5), "the attempts of a Retry must be of type int, not 2.5"),
        (lambda: Retry(attempts="3"), "the attempts of a Retry must be of type int, not '3'"),
        (lambda: Retry(delay=True), "the delay of a Retry must be of type int or float, not True"),
        (lambda: Catch("ValueError"), "Catch takes classes of exceptions, not 'ValueError'"),
    ],
)
def test_values_of_wrong_types(make: Callable[[], Any], message: str) -> None:
    """A value of a wrong type is told with its name, and with what it should be."""
    with pytest.raises(LayerError) as caught:
        make()
    assert str(caught.value).startswith(message)


@pytest.mark.parametrize(
    "arguments", [{"retry": 3}, {"container": {"cpu": 1}}, {"catch": ValueError}, {"foreach": ["a"]}]
)
def test_configurations_of_wrong_types(arguments: dict[str, Any]) -> None:
    """What is registered must be of the classes of the configuration."""

    class MyFlow(Flow): ...

    with pytest.raises(LayerError, match="of a Configuration must be of type"):
        MyFlow.register(**arguments)


def test_hooks_may_not_write_nonsense_either() -> None:
    """A container that a hook changes is checked as one that is made."""
    container = Container()
    container.memory *= 2
    with pytest.raises(LayerError, match="the memory of a Container"):
        container.memory = "much"  # type: ignore[assignment]


def test_layers_that_would_not_run() -> None:
    """An async method, or a generator, would end at once without having run: it is refused."""

    class MyFlow(Flow): ...

    class Async(Layer):
        async def __call__(self) -> None: ...

    class Generator(Layer):
        def __call__(self) -> Any:
            yield

    for layer in (Async, Generator):
        with pytest.raises(FlowError, match="is async or a generator, which would not run"):
            MyFlow.register(layer)
