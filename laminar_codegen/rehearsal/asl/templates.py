"""The values of a definition's fields: JSON in which strings between ``{%`` and ``%}`` are expressions.

https://docs.aws.amazon.com/step-functions/latest/dg/transforming-data.html
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping
from typing import Any

import attrs

from laminar_codegen.rehearsal.asl import query_language
from laminar_codegen.rehearsal.asl.errors import QUERY, NamedError

__all__ = ["Template", "View", "expression_of", "expressions_in"]

#: A path of names from `$states` or a variable. Most expressions are paths, which need no interpreter.
_PATH = re.compile(r"\$([A-Za-z_]\w*)((?:\.[A-Za-z_]\w*)*)")
_ABSENT = object()


class View:
    """The names that the expressions of a field may use: ``$states`` and the variables. They are never changed."""

    __slots__ = ("_bindings", "functions", "values")

    def __init__(self, values: Mapping[str, Any], functions: Mapping[str, Any]) -> None:
        self.values = values
        self.functions = functions
        self._bindings: dict[str, Any] | None = None

    @property
    def bindings(self) -> dict[str, Any]:
        """The names as bindings of the interpreter of expressions, computed on first use."""
        if self._bindings is None:
            self._bindings = {**query_language.bind(self.values), **self.functions}
        return self._bindings


_Evaluate = Callable[[View], Any]


@attrs.frozen(init=False)
class Template:
    """The value of a field, compiled once, to be evaluated often.

    Args:
        source: The value in the definition.
    """

    source: Any
    constant: bool
    _evaluate: _Evaluate = attrs.field(eq=False, repr=False)

    def __init__(self, source: Any) -> None:
        evaluate = _compile(source)
        self.__attrs_init__(source, evaluate is None, evaluate or (lambda _: source))

    def evaluate(self, view: View) -> Any:
        """Return the value with the results of its expressions.

        Raises:
            NamedError: ``States.QueryEvaluationError``, if an expression fails or has no result.
        """
        return self._evaluate(view)


def expression_of(text: str) -> str | None:
    """Return the expression in a string; None if it is plain text."""
    return text[2:-2].strip() if text.startswith("{%") and text.endswith("%}") and len(text) >= len("{%%}") else None


def expressions_in(value: Any) -> Iterator[str]:
    """Yield all expressions in a value."""
    match value:
        case str():
            expression = expression_of(value)
            if expression is not None:
                yield expression
        case dict():
            for item in value.values():
                yield from expressions_in(item)
        case list():
            for item in value:
                yield from expressions_in(item)
        case _:
            pass


def _compile(source: Any) -> _Evaluate | None:
    """Return an evaluator of a value; None if it contains no expression."""
    match source:
        case str():
            expression = expression_of(source)
            return None if expression is None else _compile_expression(expression)
        case dict():
            parts = {key: _compile(item) for key, item in source.items()}
            if not any(parts.values()):
                return None
            return lambda view: {
                key: source[key] if evaluate is None else evaluate(view) for key, evaluate in parts.items()
            }
        case list():
            items = [_compile(item) for item in source]
            if not any(items):
                return None
            return lambda view: [
                item if evaluate is None else evaluate(view) for item, evaluate in zip(source, items, strict=True)
            ]
        case _:
            return None


def _compile_expression(expression: str) -> _Evaluate:
    path = _PATH.fullmatch(expression)
    names = [] if path is None else [path[1], *path[2].split(".")[1:]]

    def evaluate(view: View) -> Any:
        value = _walk(view.values, names) if names else _ABSENT
        if value is not _ABSENT:
            return value
        try:
            return query_language.evaluate_with(expression, view.bindings)
        except query_language.QueryEvaluationError as error:
            raise NamedError(QUERY, str(error)) from error

    return evaluate


def _walk(values: Any, names: list[str]) -> Any:
    """Return the value at a path; `_ABSENT` if JSONata must evaluate it, which maps over arrays and unwraps them."""
    for name in names:
        if not isinstance(values, dict) or name not in values:
            return _ABSENT
        values = values[name]
    return _ABSENT if isinstance(values, list) else values
