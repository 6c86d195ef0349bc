"""Type hints, which are how layers name their dependencies."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Any, Literal, TypeVar

from laminar_runtime import _records
from laminar_runtime.exceptions import LayerError
from laminar_runtime.introspection import functions, interactive

if TYPE_CHECKING:
    from laminar_runtime.execution import Execution
    from laminar_runtime.layer import Layer

__all__ = ["Hint", "dependencies", "hints", "resolve", "unwrap"]

T = TypeVar("T")
Problem = Literal["missing", "unknown", "unregistered", "other", "keyword", "parameters"]


def unwrap(option: T | None, default: T | None = None) -> T:
    """Take a value out of an optional one.

    Args:
        option: The value, or None.
        default: What to give for None.

    Returns:
        The value, or the default.

    Raises:
        ValueError: If both are None.

    Example:
        >>> unwrap(None, 2)
        2
    """
    if option is not None:
        return option
    if default is not None:
        return default
    raise ValueError("the value is None, and there is no default")


@_records.frozen
class Hint:
    """What one parameter of a layer's method names.

    Args:
        function: The method's name.
        parameter: The parameter's name.
        layer: The name of the layer that it depends on, None if there is a problem.
        problem: What is wrong: no hint, a hint that names nothing, a layer that is not registered to the flow,
            something that is not a layer, or a parameter that takes no argument by place.
        text: The hint as written.
    """

    function: str
    parameter: str
    layer: str | None
    problem: Problem | None = None
    text: str = ""


def resolve(function: Callable[..., Any], registry: Mapping[str, type]) -> tuple[Hint, ...]:
    """Find the layers that a method's parameters name.

    A hint is a layer class, or its name as text: then the flow's registry is asked first, so that layers may be
    registered later, and may be classes inside a function.

    Args:
        function: A method of a layer or a flow. Its first parameter, ``self``, is passed over.
        registry: The classes of the flow's layers by name.

    Returns:
        A hint for each parameter, in order, with what is wrong with it.
    """
    return _resolved(function, functions.parameters(functions.unwrap(function))[1:], registry)


def _resolved(
    function: Callable[..., Any], named: Sequence[tuple[str, Any]], registry: Mapping[str, type]
) -> tuple[Hint, ...]:
    plain = functions.unwrap(function)
    by_keyword = functions.keyword_only(plain)
    return tuple(
        Hint(plain.__name__, parameter, None, "keyword")
        if parameter in by_keyword
        else _resolve(plain, parameter, annotation, registry)
        for parameter, annotation in named
    )


def _resolve(function: Callable[..., Any], parameter: str, annotation: Any, registry: Mapping[str, type]) -> Hint:
    name = function.__name__
    if annotation is functions.MISSING:
        return Hint(name, parameter, None, "missing")
    text = annotation if isinstance(annotation, str) else getattr(annotation, "__name__", repr(annotation))
    value: Any = annotation
    # `from __future__ import annotations` makes text of a hint that may itself be text.
    while isinstance(value, str):
        value = value.strip()
        if value in registry:
            return Hint(name, parameter, value, text=text)
        try:
            value = eval(value, _namespace(function), dict(registry))  # noqa: S307 - a type hint of the user's own code
        except Exception:  # noqa: BLE001 - whatever it raises, the hint names nothing
            return Hint(name, parameter, None, "unknown", text)
    if not (isinstance(value, type) and getattr(value, "__laminar_layer__", False)):
        return Hint(name, parameter, None, "other", text)
    known = registry.get(value.__name__)
    if known is not value and (known is None or not interactive.same(value, known)):
        problem: Problem = "parameters" if issubclass(value, registry.get("Parameters", ())) else "unregistered"
        return Hint(name, parameter, None, problem, value.__name__)
    return Hint(name, parameter, value.__name__, text=text)


def _namespace(function: Callable[..., Any]) -> dict[str, Any]:
    return getattr(function, "__globals__", {})


_ADVICE = {
    "missing": "has no type hint: name the layer it is to be, such as 'a: A'",
    "unknown": "is hinted '{text}', which names nothing: register a layer of that name",
    "unregistered": "is hinted '{text}', which is not registered to the flow: register it",
    "keyword": "can be given by keyword only, and layers are given by place: take the '*' or '**' before it out",
    "parameters": "is hinted '{text}', a subclass of Parameters: hint 'Parameters', which has what the flow was given",
    "other": "is hinted '{text}', which is not a layer: a layer's parameters are the layers it depends on",
}


def explain(hint: Hint) -> str:
    """What is wrong with a hint and how to mend it, to be read after the parameter's name."""
    return _ADVICE[unwrap(hint.problem)].format(text=hint.text)


def names(function: Callable[..., Any], registry: Mapping[str, type], *, layer: str, flow: str) -> tuple[str, ...]:
    """The names of the layers that a method depends on.

    Args:
        function: The method.
        registry: The classes of the flow's layers by name.
        layer: The layer it belongs to, for the error.
        flow: The flow it belongs to, for the error.

    Raises:
        LayerError: If a hint is missing or names no layer of the flow; it tells all of them.
    """
    return _named(resolve(function, registry), layer=layer, flow=flow)


def _named(found: tuple[Hint, ...], *, layer: str, flow: str) -> tuple[str, ...]:
    wrong = [
        f"parameter '{hint.parameter}' of '{layer}.{hint.function}' in flow '{flow}' {explain(hint)}"
        for hint in found
        if hint.problem
    ]
    if wrong:
        raise LayerError("; ".join(wrong))
    return tuple(unwrap(hint.layer) for hint in found)


def dependencies(execution: Execution, method: Callable[..., Any]) -> tuple[Layer, ...]:
    """The layers of an execution that the parameters of a method of a layer, or of a flow, name.

    Args:
        execution: The execution.
        method: The method, as its class has it: the first parameter is the layer itself.

    Returns:
        The layers, in the order of the parameters.

    Raises:
        LayerError: If a hint is missing or names no layer of the flow.
    """
    found = names(method, execution.classes, layer=_owner(method), flow=execution.flow_name)
    return tuple(execution.layer(name) for name in found)


def hints(execution: Execution, function: Callable[..., Any]) -> tuple[Layer, ...]:
    """The layers of an execution that a method's parameters name.

    Args:
        execution: The execution.
        function: A function, or a method, bound or not.

    Returns:
        The layers, in the order of the parameters.

    Raises:
        LayerError: If a hint is missing or names no layer of the flow.
    """
    found = _named(_resolve_all(function, execution.classes), layer=_owner(function), flow=execution.flow_name)
    return tuple(execution.layer(name) for name in found)


def _owner(function: Callable[..., Any]) -> str:
    """The name of the class that a method is defined in."""
    return getattr(function, "__qualname__", function.__name__).rpartition(".")[0].rpartition(".")[2]


def _resolve_all(function: Callable[..., Any], registry: Mapping[str, type]) -> tuple[Hint, ...]:
    """The hints of all parameters: of a bound method too, and of a function that belongs to no class.

    The first parameter is passed over if it is a method's ``self``: by that name, or without a hint.
    """
    named = functions.parameters(functions.unwrap(function))
    if named and (named[0][0] == "self" or named[0][1] is functions.MISSING):
        named = named[1:]
    return _resolved(function, named, registry)
