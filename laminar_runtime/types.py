"""Type hints: a layer names its dependencies by the type hints of its parameters."""

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
#: The name of the layer that every flow has. `laminar_runtime.layer` imports this module.
_PARAMETERS = "Parameters"
Problem = Literal["missing", "unknown", "unregistered", "other", "keyword", "parameters"]


def unwrap(option: T | None, default: T | None = None) -> T:
    """Return a value that is not None.

    Args:
        option: The value, or None.
        default: The result if `option` is None.

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
    """The type hint of one parameter of a layer's method.

    Args:
        function: The method's name.
        parameter: The parameter's name.
        layer: The name of the layer that the method depends on, None if there is a problem.
        problem: The problem: ``missing``, no hint; ``unknown``, a name that does not exist; ``unregistered``, a layer
            that is not registered to the flow; ``other``, not a layer; ``keyword``, a keyword-only parameter; or
            ``parameters``, a subclass of `Parameters` that is not registered to the flow.
        text: The hint as written.
    """

    function: str
    parameter: str
    layer: str | None
    problem: Problem | None = None
    text: str = ""


def resolve(function: Callable[..., Any], registry: Mapping[str, type]) -> tuple[Hint, ...]:
    """Resolve the type hints of a method's parameters.

    A hint is a layer's class, or its name as text. A name is first looked up in the flow's registry. So layers may be
    registered later, and may be classes inside a function.

    Args:
        function: A method of a layer or a flow. Its first parameter, ``self``, is ignored.
        registry: The classes of the flow's layers by name.

    Returns:
        A hint for each parameter, in order. It has the layer or the problem.

    Example:
        >>> def call(self, load: "Load", other): ...
        >>> [(hint.parameter, hint.layer, hint.problem) for hint in resolve(call, {"Load": type("Load", (), {})})]
        [('load', 'Load', None), ('other', None, 'missing')]
    """
    return _resolve_parameters(function, functions.parameters(functions.unwrap(function))[1:], registry)


def _resolve_parameters(
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
    # `from __future__ import annotations` turns a hint into text, also a hint that is text already.
    while isinstance(value, str):
        value = value.strip()
        if value in registry:
            return Hint(name, parameter, value, text=text)
        try:
            value = eval(value, _namespace(function), _names(registry))  # noqa: S307 - a type hint of the user's own code
        except Exception:  # noqa: BLE001 - the hint cannot be evaluated, whatever the error is
            return Hint(name, parameter, None, "unknown", text)
    if not (isinstance(value, type) and getattr(value, "__laminar_layer__", False)):
        return Hint(name, parameter, None, "other", text)
    declares = hasattr(value, "__laminar_parameters__")
    layer = _PARAMETERS if declares else value.__name__
    # A layer that names a subclass of `Parameters`, or a base of one, reads the flow's own subclass.
    known = getattr(registry.get(layer), "__mro__", ()) if declares else filter(None, [registry.get(layer)])
    if not any(one is value or interactive.same(value, one) for one in known):
        return Hint(name, parameter, None, "parameters" if declares else "unregistered", value.__name__)
    return Hint(name, parameter, layer, text=text)


def _names(registry: Mapping[str, type]) -> dict[str, type]:
    """Return the names that hints may use besides those of the module: layers, and what declares the parameters."""
    declared = getattr(registry.get(_PARAMETERS), "__mro__", ())
    return {**{cls.__name__: cls for cls in declared if hasattr(cls, "__laminar_parameters__")}, **registry}


def _namespace(function: Callable[..., Any]) -> dict[str, Any]:
    return getattr(function, "__globals__", {})


_ADVICE = {
    "missing": "has no type hint: add the layer that it depends on, for example 'a: A'",
    "unknown": "has the type hint '{text}', which is not defined: register a layer with that name",
    "unregistered": "has the type hint '{text}', which is not registered to the flow: register it",
    "keyword": "is keyword-only, but layers are passed by position: remove the '*' or '**' before it",
    "parameters": "has the type hint '{text}', a subclass of Parameters that is not registered to the flow: register "
    "it, or use 'Parameters', which has the arguments of the flow's call",
    "other": "has the type hint '{text}', which is not a layer: use the class of a layer that it depends on",
}


def explain(hint: Hint) -> str:
    """Return the problem of a hint and its fix, as the predicate of a sentence about the parameter."""
    return _ADVICE[unwrap(hint.problem)].format(text=hint.text)


def names(function: Callable[..., Any], registry: Mapping[str, type], *, layer: str, flow: str) -> tuple[str, ...]:
    """Return the names of the layers that a method depends on.

    Args:
        function: The method.
        registry: The classes of the flow's layers by name.
        layer: The layer of the method, for the error.
        flow: The flow of the method, for the error.

    Raises:
        LayerError: If hints are missing or are not layers of the flow. The message names all of them.
    """
    hints = functions.layer_hints(function)
    if hints is not None:
        found = tuple([name for hint in hints if (name := _name_in(hint, registry))])
        if len(found) == len(hints):
            return found  # as those of nearly all methods: nothing is left to resolve
    return _layer_names(resolve(function, registry), layer=layer, flow=flow)


def _name_in(hint: Any, registry: Mapping[str, type]) -> str | None:
    """Return the name of a layer that a hint names, or that it is; None if that takes more than a look."""
    if isinstance(hint, str):
        return hint if hint in registry else None
    name = getattr(hint, "__name__", "")
    return name if registry.get(name) is hint else None


def _layer_names(found: tuple[Hint, ...], *, layer: str, flow: str) -> tuple[str, ...]:
    wrong = [
        f"parameter '{hint.parameter}' of '{layer}.{hint.function}' in flow '{flow}' {explain(hint)}"
        for hint in found
        if hint.problem
    ]
    if wrong:
        raise LayerError("; ".join(wrong))
    return tuple(unwrap(hint.layer) for hint in found)


def dependencies(execution: Execution, method: Callable[..., Any]) -> tuple[Layer, ...]:
    """Return the layers of an execution that a method of a layer or a flow depends on.

    Args:
        execution: The execution.
        method: The method, unbound: its first parameter is the layer itself.

    Returns:
        The layers, in the order of the parameters.

    Raises:
        LayerError: If a hint is missing or is not a layer of the flow.
    """
    found = names(method, execution.classes, layer=_owner(method), flow=execution.flow_name)
    return tuple(execution.layer(name) for name in found)


def hints(execution: Execution, function: Callable[..., Any]) -> tuple[Layer, ...]:
    """Return the layers of an execution that a function depends on.

    Args:
        execution: The execution.
        function: A function, or a method, bound or not.

    Returns:
        The layers, in the order of the parameters.

    Raises:
        LayerError: If a hint is missing or is not a layer of the flow.
    """
    found = _layer_names(_resolve_all(function, execution.classes), layer=_owner(function), flow=execution.flow_name)
    return tuple(execution.layer(name) for name in found)


def _owner(function: Callable[..., Any]) -> str:
    """Return the name of the class that defines a method."""
    return getattr(function, "__qualname__", function.__name__).rpartition(".")[0].rpartition(".")[2]


def _resolve_all(function: Callable[..., Any], registry: Mapping[str, type]) -> tuple[Hint, ...]:
    """Resolve the hints of all parameters of a function or a method, bound or not.

    The first parameter is ignored if it is named ``self`` or has no hint.
    """
    named = functions.parameters(functions.unwrap(function))
    if named and (named[0][0] == "self" or named[0][1] is functions.MISSING):
        named = named[1:]
    return _resolve_parameters(function, named, registry)
