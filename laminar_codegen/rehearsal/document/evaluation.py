"""Evaluates expressions of Terraform.

Before: ``"${var.name}-${local.region}"`` of a document, and what its names stand for. After: ``"report-eu-west-1"``.
"""

from __future__ import annotations

import operator
from collections.abc import Callable, Iterator, Mapping
from typing import Any, Protocol

from laminar_codegen.rehearsal.document.errors import EvaluationError, ExpressionError
from laminar_codegen.rehearsal.document.functions import FUNCTIONS
from laminar_codegen.rehearsal.document.parsing import parse_template
from laminar_codegen.rehearsal.document.syntax import (
    Attribute,
    Binary,
    Call,
    Conditional,
    Expression,
    ForObject,
    ForTuple,
    Index,
    Literal,
    Loop,
    Name,
    ObjectExpression,
    Parts,
    Splat,
    Switch,
    Template,
    TupleExpression,
    Unary,
)
from laminar_codegen.rehearsal.document.values import as_flag, as_number, as_text, equal, kind, pairs

__all__ = ["Names", "Namespace", "Scope", "evaluate", "evaluate_json"]


class Namespace(Protocol):
    """What stands before the dot of a reference, such as ``var``: its attributes are found when they are read."""

    def attribute(self, name: str) -> Any:
        """Return what a name stands for.

        Args:
            name: The name.

        Raises:
            EvaluationError: If there is nothing of that name, or it has no value.
        """


#: What names stand for: values, and namespaces.
Names = Mapping[str, Any]
#: Where expressions are evaluated.
Scope = Names


def evaluate_json(value: Any, scope: Scope) -> Any:
    """Evaluate a value of a document: the templates in its texts, and in its keys.

    Args:
        value: JSON.
        scope: What names stand for.

    Returns:
        The value.

    Raises:
        EvaluationError: If an expression has no value. The error names the expression.
        ExpressionError: If one is not understood.
    """
    if isinstance(value, str):
        if "${" not in value and "%{" not in value:
            return value
        try:
            return evaluate(parse_template(value), scope)
        except (ExpressionError, EvaluationError) as error:
            # What is not understood stays apart: no try() goes on without it.
            raise type(error)(f"{_brief(value)}: {error}") from error
        except RecursionError:
            raise EvaluationError(f"{_brief(value)}: it refers to itself, or is nested too deeply") from None
    if isinstance(value, list):
        return [evaluate_json(item, scope) for item in value]
    if isinstance(value, Mapping):
        return {evaluate_json(key, scope): evaluate_json(item, scope) for key, item in value.items() if key != "//"}
    return value


_WIDTH = 200


def _brief(text: str) -> str:
    return text if len(text) <= _WIDTH else f"{text[:_WIDTH]}..."


def evaluate(node: Expression, scope: Scope) -> Any:
    """Evaluate an expression.

    Args:
        node: The expression.
        scope: What names stand for.

    Returns:
        Its value.

    Raises:
        EvaluationError: If it has none.
    """
    return _EVALUATORS[type(node)](node, scope)


def _name(node: Name, scope: Scope) -> Any:
    if node.name not in scope:
        raise EvaluationError(f"'{node.name}' is not known")
    return scope[node.name]


def _attribute(node: Attribute, scope: Scope) -> Any:
    return _attribute_of(evaluate(node.of, scope), node.name)


def _attribute_of(value: Any, name: str) -> Any:
    if isinstance(value, Mapping):
        if name not in value:
            raise EvaluationError(f"there is no attribute '{name}'")
        return value[name]
    if value is None or isinstance(value, str | int | float | list):
        raise EvaluationError(f"a {kind(value)} has no attribute '{name}'")
    return value.attribute(name)


def _index(node: Index, scope: Scope) -> Any:
    return _element_of(evaluate(node.of, scope), evaluate(node.key, scope))


def _element_of(value: Any, key: Any) -> Any:
    if isinstance(value, list):
        place = as_number(key)
        if not isinstance(place, int) or not 0 <= place < len(value):
            raise EvaluationError(f"there is no element {as_text(key)} of {len(value)}")
        return value[place]
    return _attribute_of(value, as_text(key))


def _splat(node: Splat, scope: Scope) -> list[Any]:
    value = evaluate(node.of, scope)
    found = value if isinstance(value, list) else [] if value is None else [value]
    for step in node.steps:
        if isinstance(step, str):
            found = [_attribute_of(item, step) for item in found]
        else:
            key = evaluate(step, scope)
            found = [_element_of(item, key) for item in found]
    return found


def _unary(node: Unary, scope: Scope) -> Any:
    value = evaluate(node.operand, scope)
    return -as_number(value) if node.operator == "-" else not as_flag(value)


def _divide(left: float, right: float) -> float:
    if right == 0:
        raise EvaluationError("division by zero")
    return as_number(left / right)


def _remainder(left: float, right: float) -> float:
    if right == 0:
        raise EvaluationError("division by zero")
    return left - right * int(left / right)


_ARITHMETIC: Mapping[str, Callable[[Any, Any], Any]] = {
    "+": operator.add,
    "-": operator.sub,
    "*": operator.mul,
    "/": _divide,
    "%": _remainder,
    "<": operator.lt,
    ">": operator.gt,
    "<=": operator.le,
    ">=": operator.ge,
}


def _binary(node: Binary, scope: Scope) -> Any:
    left = evaluate(node.left, scope)
    match node.operator:
        case "&&":
            return as_flag(left) and as_flag(evaluate(node.right, scope))
        case "||":
            return as_flag(left) or as_flag(evaluate(node.right, scope))
    right = evaluate(node.right, scope)
    match node.operator:
        case "==":
            return equal(left, right)
        case "!=":
            return not equal(left, right)
    return _ARITHMETIC[node.operator](as_number(left), as_number(right))


def _conditional(node: Conditional, scope: Scope) -> Any:
    return evaluate(node.then if as_flag(evaluate(node.condition, scope)) else node.otherwise, scope)


def _call(node: Call, scope: Scope) -> Any:
    if node.function == "try":
        return _first(node, scope)
    if node.function == "can":
        return _has_value(node, scope)
    function = FUNCTIONS.get(node.function)
    if function is None:
        raise ExpressionError(f"the rehearsal does not understand the function {node.function}()")
    values = [evaluate(argument, scope) for argument in node.arguments]
    if node.spread:
        last = values.pop()
        values.extend(item for _, item in pairs(last))
    try:
        return function(*values)
    except EvaluationError:
        raise
    except (TypeError, ValueError, IndexError, OverflowError) as error:
        raise EvaluationError(f"{node.function}() does not take these arguments: {error}") from error


def _first(node: Call, scope: Scope) -> Any:
    last = EvaluationError("try() has no arguments")
    for argument in node.arguments:
        try:
            return evaluate(argument, scope)
        except EvaluationError as error:
            last = error
    raise last


def _has_value(node: Call, scope: Scope) -> bool:
    try:
        evaluate(node.arguments[0], scope)
    except EvaluationError:
        return False
    return True


def _tuple(node: TupleExpression, scope: Scope) -> list[Any]:
    return [evaluate(item, scope) for item in node.items]


def _object(node: ObjectExpression, scope: Scope) -> dict[str, Any]:
    return {as_text(evaluate(key, scope)): evaluate(value, scope) for key, value in node.items}


def _rounds(node: ForTuple | ForObject | Loop, scope: Scope) -> Iterator[Scope]:
    """Yield the scope of each element of a ``for``."""
    for key, value in pairs(evaluate(node.collection, scope)):
        yield {**scope, node.value: value, **({node.key: key} if node.key else {})}


def _is_wanted(node: ForTuple | ForObject, scope: Scope) -> bool:
    return node.condition is None or as_flag(evaluate(node.condition, scope))


def _for_tuple(node: ForTuple, scope: Scope) -> list[Any]:
    return [evaluate(node.result, own) for own in _rounds(node, scope) if _is_wanted(node, own)]


def _for_object(node: ForObject, scope: Scope) -> dict[str, Any]:
    found: dict[str, Any] = {}
    for own in _rounds(node, scope):
        if not _is_wanted(node, own):
            continue
        name, value = as_text(evaluate(node.name, own)), evaluate(node.result, own)
        if node.grouped:
            found.setdefault(name, []).append(value)
        elif name in found:
            raise EvaluationError(f"two elements have the key {name!r}")
        else:
            found[name] = value
    return found


def _template(node: Template, scope: Scope) -> str:
    return "".join(_texts(node.parts, scope))


def _texts(parts: Parts, scope: Scope) -> Iterator[str]:
    for part in parts:
        match part:
            case str():
                yield part
            case Switch():
                chosen = part.then if as_flag(evaluate(part.condition, scope)) else part.otherwise
                yield from _texts(chosen, scope)
            case Loop():
                for own in _rounds(part, scope):
                    yield from _texts(part.body, own)
            case _:
                yield as_text(evaluate(part, scope))


_EVALUATORS: Mapping[type, Callable[[Any, Scope], Any]] = {
    Literal: lambda node, _: node.value,
    Name: _name,
    Attribute: _attribute,
    Index: _index,
    Splat: _splat,
    Unary: _unary,
    Binary: _binary,
    Conditional: _conditional,
    Call: _call,
    TupleExpression: _tuple,
    ObjectExpression: _object,
    ForTuple: _for_tuple,
    ForObject: _for_object,
    Template: _template,
}
