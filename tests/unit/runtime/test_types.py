"""Type hints, by which layers name their dependencies, and what is wrong with them."""

from __future__ import annotations

import pytest

from laminar_runtime import Flow, Layer, Parameters
from laminar_runtime.configurations import hooks
from laminar_runtime.configurations.layers import ForEach, Parameter
from laminar_runtime.exceptions import FlowError, LayerError
from laminar_runtime.types import hints, unwrap
from tests.support.harness import in_memory


class Known(Layer):
    def __call__(self) -> None:
        self.value = 1


class Elsewhere(Layer): ...


def test_forward_references_inside_a_function() -> None:
    """A layer may name one that is registered later, also when both classes live in a function."""

    class MyFlow(Flow): ...

    @MyFlow.register
    class Two(Layer):
        def __call__(self, one: One) -> None:
            self.value = one.value + 1

    @MyFlow.register
    class One(Layer):
        def __call__(self, known: "Known") -> None:  # noqa: UP037 - text within text
            self.value = known.value + 1

    MyFlow.register(Known)
    assert MyFlow().dependencies == {"Parameters": set(), "Two": {"One"}, "One": {"Known"}, "Known": set()}
    assert in_memory(MyFlow)().layer(Two).value == 3


def test_dependencies_of_hooks_count() -> None:
    """A layer depends also on what its hooks, its flow's hooks and its fan-out name."""

    class MyFlow(Flow):
        @hooks.execution
        def watch(self, parameters: Parameters) -> None: ...

    class Another(Layer): ...

    MyFlow.register(Known)
    MyFlow.register(Another)

    @MyFlow.register(foreach=ForEach(parameters=[Parameter(layer=Known, attribute="value")]))
    class Hooked(Layer):
        @hooks.entry
        def enter(self, another: Another) -> bool:
            return True

        def __call__(self) -> None: ...

    assert MyFlow().dependencies_of("Hooked") == {"Another", "Known", "Parameters"}
    assert MyFlow().dependents["Known"] == {"Hooked"}


def refused(function: object) -> str:
    """Return what a flow says whose layer ``Wrong`` has a call like `function`."""
    flow = type("MyFlow", (Flow,), {})
    flow.register(Known)
    flow.register(type("Wrong", (Layer,), {"__call__": function}))
    with pytest.raises(LayerError) as caught:
        in_memory(flow)()
    return str(caught.value)


def test_missing_hint() -> None:
    """A parameter without a hint is an error that names flow, layer and parameter."""

    def __call__(self, known) -> None: ...  # type: ignore[no-untyped-def] # noqa: ANN001, N807

    assert refused(__call__).startswith("parameter 'known' of 'Wrong.__call__' in flow 'MyFlow' has no type hint")


def test_unknown_layer() -> None:
    """A hint that names nothing is an error with the hint as written."""

    def __call__(self, known: Known, nope: Nope) -> None: ...  # type: ignore[name-defined] # noqa: ANN001, F821, N807

    assert "parameter 'nope' of 'Wrong.__call__' in flow 'MyFlow' has the type hint 'Nope'" in refused(__call__)


def test_unregistered_layer() -> None:
    """A hint of a layer that is of no use to this flow is an error that says so."""

    def __call__(self, other: Elsewhere) -> None: ...  # noqa: ANN001, N807

    assert "'other'" in refused(__call__)
    assert "'Elsewhere', which is not registered to the flow" in refused(__call__)


def test_hint_that_is_no_layer() -> None:
    """A hint of something else is an error that says what parameters are."""

    def __call__(self, other: int) -> None: ...  # noqa: ANN001, N807

    assert "has the type hint 'int', which is not a layer" in refused(__call__)


def test_all_wrong_hints_are_reported() -> None:
    """Several wrong hints of a method come in one error."""

    def __call__(self, one: int, two: Nope) -> None: ...  # type: ignore[name-defined] # noqa: ANN001, F821, N807

    assert "'one'" in (message := refused(__call__))
    assert "'two'" in message


def test_missing_hint_of_a_hook() -> None:
    """Hooks are held to the same, and named."""

    class MyFlow(Flow): ...

    @MyFlow.register
    class Wrong(Layer):
        @hooks.entry
        def enter(self, known) -> bool:  # type: ignore[no-untyped-def] # noqa: ANN001
            return True

    with pytest.raises(LayerError, match=r"'known' of 'Wrong\.enter'"):
        in_memory(MyFlow)()


def test_fan_out_over_an_unregistered_layer() -> None:
    """A fan-out is held to the same."""

    class MyFlow(Flow): ...

    @MyFlow.register(foreach=ForEach(parameters=[Parameter(layer=Elsewhere, attribute="foo")]))
    class Wrong(Layer): ...

    with pytest.raises(LayerError, match="layer 'Wrong' of flow 'MyFlow' fans out over 'Elsewhere'"):
        in_memory(MyFlow)()


def test_cycle() -> None:
    """Layers that depend on each other are an error that shows the circle, in the direction of the dependencies."""

    class MyFlow(Flow): ...

    @MyFlow.register
    class A(Layer):
        def __call__(self, b: B) -> None: ...

    @MyFlow.register
    class B(Layer):
        def __call__(self, a: A) -> None: ...

    with pytest.raises(FlowError, match=r"flow 'MyFlow' have a cycle: (A -> B -> A|B -> A -> B)"):
        in_memory(MyFlow)()


def test_hints_gives_layers_of_the_execution() -> None:
    """`hints` gives instances that read this execution's artifacts, in the order of the parameters."""

    class MyFlow(Flow): ...

    MyFlow.register(Known)
    execution = in_memory(MyFlow)(foo=2)

    def hook(self: Layer, parameters: Parameters, known: Known) -> None: ...

    parameters, known = hints(execution, hook)
    assert (parameters.foo, known.value) == (2, 1)


def test_unwrap() -> None:
    """`unwrap` takes the value, then the default, and refuses to give None; false values are values."""
    assert (unwrap(1), unwrap(0, 5), unwrap(None, 5)) == (1, 0, 5)
    with pytest.raises(ValueError, match="no default"):
        unwrap(None)


def test_hints_of_functions_and_bound_methods() -> None:
    """A function that belongs to no class, and a bound method, get their layers as a method of a class does."""

    class MyFlow(Flow): ...

    MyFlow.register(Known)

    class Asks:
        def method(self, known: Known) -> None: ...

    def function(known: Known, other: Known) -> None: ...

    execution = in_memory(MyFlow).execution("e1")
    assert hints(execution, function) == ("Known", "Known")
    assert hints(execution, Asks().method) == hints(execution, Asks.method) == ("Known",)
