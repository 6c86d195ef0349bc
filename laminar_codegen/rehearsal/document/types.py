"""The types of variables, and values as variables of a type have them.

https://developer.hashicorp.com/terraform/language/expressions/type-constraints
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from laminar_codegen.rehearsal.document.errors import EvaluationError, ExpressionError
from laminar_codegen.rehearsal.document.evaluation import evaluate
from laminar_codegen.rehearsal.document.syntax import (
    Call,
    Expression,
    Literal,
    Name,
    ObjectExpression,
    TupleExpression,
)
from laminar_codegen.rehearsal.document.values import as_flag, as_number, as_text, kind, pairs, set_of

__all__ = ["convert"]

_OPTIONAL = "optional"


def convert(value: Any, type_: Expression) -> Any:
    """Convert a value to a type.

    Args:
        value: The value.
        type_: The type, as an expression.

    Returns:
        The value of that type; null stays null.

    Raises:
        EvaluationError: If it cannot be converted.
        ExpressionError: If the type is none that is known.

    Example:
        >>> convert(3, Name("string"))
        '3'
    """
    if value is None:
        return None
    match type_:
        case Name(name) if name in _NAMED:
            return _NAMED[name](value)
        case Call(name, (inner, *_)) if name in _MADE_OF:
            return _MADE_OF[name](value, inner)
    raise ExpressionError("the type is not understood")


def _elements(value: Any) -> list[Any]:
    if not isinstance(value, list):
        raise EvaluationError(f"a list is needed, and this is a {kind(value)}")
    return [item for _, item in pairs(value)]


def _entries(value: Any) -> Mapping[str, Any]:
    if not isinstance(value, Mapping):
        raise EvaluationError(f"a map is needed, and this is a {kind(value)}")
    return value


def _list(value: Any, inner: Expression) -> list[Any]:
    return [convert(item, inner) for item in _elements(value)]


def _set(value: Any, inner: Expression) -> list[Any]:
    return set_of(_list(value, inner))


def _map(value: Any, inner: Expression) -> dict[str, Any]:
    return {key: convert(item, inner) for key, item in _entries(value).items()}


def _tuple(value: Any, types: Expression) -> list[Any]:
    items = _elements(value)
    if not isinstance(types, TupleExpression) or len(items) != len(types.items):
        raise EvaluationError(f"the tuple has {len(items)} elements")
    return [convert(item, inner) for item, inner in zip(items, types.items, strict=True)]


def _object(given: Any, types: Expression) -> dict[str, Any]:
    if not isinstance(types, ObjectExpression):
        raise ExpressionError("the type is not understood")
    value = _entries(given)
    attributes = {as_text(evaluate(key, {})): inner for key, inner in types.items}
    found: dict[str, Any] = {}
    for name, inner in attributes.items():
        if value.get(name) is not None:
            found[name] = convert(value[name], inner)
        elif isinstance(inner, Call) and inner.function == _OPTIONAL:
            default = inner.arguments[1] if len(inner.arguments) > 1 else Literal(None)
            found[name] = convert(evaluate(default, {}), inner.arguments[0])
        elif name in value:
            found[name] = None
        else:
            raise EvaluationError(f"the attribute '{name}' is required")
    return found


#: Types that are a word, and those that are made of others.
_NAMED: Mapping[str, Callable[[Any], Any]] = {
    "any": lambda value: value,
    "bool": as_flag,
    "list": _elements,
    "map": _entries,
    "number": as_number,
    "set": _elements,
    "string": as_text,
}
_MADE_OF: Mapping[str, Callable[[Any, Expression], Any]] = {
    "list": _list,
    "map": _map,
    "object": _object,
    _OPTIONAL: convert,
    "set": _set,
    "tuple": _tuple,
}
