"""Expressions of Terraform as values: what `parsing` makes of a text, and `evaluation` evaluates.

https://developer.hashicorp.com/terraform/language/expressions
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, Union

import attrs

__all__ = [
    "Attribute",
    "Binary",
    "Call",
    "Conditional",
    "Expression",
    "ForObject",
    "ForTuple",
    "Index",
    "Literal",
    "Loop",
    "Name",
    "ObjectExpression",
    "Parts",
    "Splat",
    "Switch",
    "Template",
    "TupleExpression",
    "Unary",
    "references",
]


@attrs.frozen
class Literal:
    """A number, a boolean, null, or text without templates."""

    value: str | float | bool | None


@attrs.frozen
class Name:
    """What stands first in a reference, such as ``var``, or a variable of a ``for``."""

    name: str


@attrs.frozen
class Attribute:
    """An attribute of a value: ``of.name``."""

    of: Expression
    name: str


@attrs.frozen
class Index:
    """An element of a value: ``of[key]``."""

    of: Expression
    key: Expression


@attrs.frozen
class Splat:
    """The same of each element: ``of[*].name``, ``of.*.name``. Each step is an attribute or the key of an index."""

    of: Expression
    steps: tuple[str | Expression, ...]


@attrs.frozen
class Unary:
    """``-operand`` or ``!operand``."""

    operator: str
    operand: Expression


@attrs.frozen
class Binary:
    """Two operands and what stands between them."""

    operator: str
    left: Expression
    right: Expression


@attrs.frozen
class Conditional:
    """``condition ? then : otherwise``."""

    condition: Expression
    then: Expression
    otherwise: Expression


@attrs.frozen
class Call:
    """A call of a function. The last argument is a list of arguments if ``...`` stands behind it."""

    function: str
    arguments: tuple[Expression, ...]
    spread: bool = False


@attrs.frozen
class TupleExpression:
    """``[a, b]``."""

    items: tuple[Expression, ...]


@attrs.frozen
class ObjectExpression:
    """``{ a = b }``. A key that is a plain word is text."""

    items: tuple[tuple[Expression, Expression], ...]


@attrs.frozen
class ForTuple:
    """``[for key, value in collection : result if condition]``."""

    key: str | None
    value: str
    collection: Expression
    result: Expression
    condition: Expression | None


@attrs.frozen
class ForObject:
    """``{for key, value in collection : name => result... if condition}``."""

    key: str | None
    value: str
    collection: Expression
    name: Expression
    result: Expression
    grouped: bool
    condition: Expression | None


@attrs.frozen
class Switch:
    """``%{ if condition }...%{ else }...%{ endif }`` in a template."""

    condition: Expression
    then: Parts
    otherwise: Parts


@attrs.frozen
class Loop:
    """``%{ for key, value in collection }...%{ endfor }`` in a template."""

    key: str | None
    value: str
    collection: Expression
    body: Parts


@attrs.frozen
class Template:
    """Text with values in it. A template that is one ``${...}`` and nothing else is not made one."""

    parts: Parts


Expression = Union[
    Literal,
    Name,
    Attribute,
    Index,
    Splat,
    Unary,
    Binary,
    Conditional,
    Call,
    TupleExpression,
    ObjectExpression,
    ForTuple,
    ForObject,
    "Template",
]
Parts = tuple[Union[str, "Expression", Switch, Loop], ...]

#: Names that lead nowhere in the document.
_LOCAL = frozenset({"count", "each", "path", "self", "terraform"})


def references(expression: Any) -> Iterator[tuple[str, ...]]:
    """Yield what an expression refers to, such as ``("var", "name")`` and ``("data", "aws_region", "current")``.

    Args:
        expression: The expression, or a part of a template.
    """
    yield from _references(expression, _LOCAL)


def _references(node: Any, bound: frozenset[str]) -> Iterator[tuple[str, ...]]:
    path = _path(node)
    if path and path[0] not in bound:
        yield path[: 3 if path[0] == "data" else 2]
    if isinstance(node, ForTuple | ForObject | Loop):
        yield from _references(node.collection, bound)
        bound = bound | {node.value, node.key or node.value}
    if isinstance(node, tuple | list):
        for item in node:
            yield from _references(item, bound)
    elif attrs.has(type(node)) and not (path and isinstance(node, Attribute) and path[0] in bound):
        own = node.of if path and isinstance(node, Attribute) else None
        for field in attrs.fields(type(node)):
            value = getattr(node, field.name)
            # Of ``a.b.c`` the longest path is the one that counts.
            if value is not own or not _path(own):
                yield from _references(value, bound)


def _path(node: Any) -> tuple[str, ...]:
    """Return the names of ``a.b.c``, none if it is another expression."""
    if isinstance(node, Name):
        return (node.name,)
    if isinstance(node, Attribute) and (before := _path(node.of)):
        return (*before, node.name)
    return ()
