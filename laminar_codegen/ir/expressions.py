"""Values of the output that are not plain text: references and expressions.

They are objects, never text with marks in it, so that no text of the user is mistaken for one.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any, Union

import attrs

from laminar_codegen.ir.structs import Struct
from laminar_runtime.variables import ListVariable, Variable

__all__ = ["Expression", "Input", "Joined", "Ref", "Value", "merge", "replace_references", "resolve", "write"]


@attrs.frozen(eq=False, repr=False)
class Ref(Struct):
    """A Terraform expression, most often a reference such as ``aws_iam_role.task.arn``."""

    expression: str


@attrs.frozen(eq=False, repr=False)
class Input(Ref):
    """A reference to a variable that the flow declares. Wherever a text or a list of the user goes, it may stand, too.

    Args:
        expression: The reference.
        variable: The variable.
    """

    variable: Variable | ListVariable

    @classmethod
    def of(cls, variable: Variable | ListVariable) -> Input:
        """Return the reference to a variable.

        Args:
            variable: The variable.
        """
        return cls(f"var.{variable.name}", variable)

    @property
    def default(self) -> str | None:
        """The default of a variable that stands for a text; None without one."""
        default = self.variable.default
        return default if isinstance(default, str) else None


@attrs.frozen(init=False, eq=False, repr=False)
class Joined(Struct):
    """A text that consists of plain text and references.

    Args:
        *parts: Plain text, references, and other joined texts, whose parts become parts of this one.
    """

    parts: tuple[str | Ref, ...]

    def __init__(self, *parts: str | Ref | Joined) -> None:
        self.__attrs_init__(_flat(parts))


@attrs.frozen(init=False, eq=False, repr=False)
class Expression(Struct):
    """A JSONata expression, evaluated by the state machine. References in it are resolved before.

    Args:
        *parts: Text of the expression, and references.
    """

    parts: tuple[str | Ref, ...]

    def __init__(self, *parts: str | Ref) -> None:
        self.__attrs_init__(_flat(("{% ", *parts, " %}")))

    def with_text(self, replace: Callable[[str], str]) -> Expression:
        """Return the expression with other text. References in it stay.

        Args:
            replace: Returns what replaces a part of the text, with the marks of expressions at its ends.

        Example:
            >>> Expression("$a + ", Ref("local.b")).with_text(lambda text: text.replace("$a", "1")).parts
            ('{% 1 + ', Ref(expression='local.b'), ' %}')
        """
        found = Expression.__new__(Expression)
        found.__attrs_init__(tuple(replace(part) if isinstance(part, str) else part for part in self.parts))
        return found


def _flat(parts: tuple[str | Ref | Joined, ...]) -> tuple[str | Ref, ...]:
    """Return parts without nested parts, neighbouring texts as one text: they must be escaped together."""
    flat: list[str | Ref] = []
    for part in parts:
        for piece in part.parts if isinstance(part, Joined) else (part,):
            if isinstance(piece, str) and flat and isinstance(flat[-1], str):
                flat[-1] += piece
            else:
                flat.append(piece)
    return tuple(flat)


Value = Union[  # noqa: UP007 - a recursive type needs names in quotes
    str, int, float, bool, None, Ref, Joined, Expression, Mapping[str, "Value"], Sequence["Value"]
]


def merge(one: Mapping[str, Value], other: Mapping[str, Value]) -> dict[str, Value]:
    """Merge two maps: maps in both are merged, lists are concatenated, and else the other value wins.

    Args:
        one: The one map.
        other: The other map.

    Example:
        >>> merge({"a": {"b": [1]}, "c": 2}, {"a": {"b": [3]}, "d": 4})
        {'a': {'b': [1, 3]}, 'c': 2, 'd': 4}
    """
    found = dict(one)
    for name, value in other.items():
        match found.get(name), value:
            case Mapping() as before, Mapping():
                found[name] = merge(before, value)
            case list() as before, list():
                found[name] = [*before, *value]
            case _:
                found[name] = value
    return found


def replace_references(value: Value, replacement: Callable[[str], Ref | Joined | None]) -> Value:
    """Return a value with other references.

    Args:
        value: The value.
        replacement: Returns what replaces a reference, given its expression, or None.

    Example:
        >>> replace_references({"arn": Ref("local.old"), "name": Ref("var.name")}, {"local.old": Ref("local.new")}.get)
        {'arn': Ref(expression='local.new'), 'name': Ref(expression='var.name')}
        >>> replace_references(Expression("'", Ref("old.name"), "'"), lambda _: Joined("a-", Ref("var.name"))).parts
        ("{% 'a-", Ref(expression='var.name'), "' %}")
    """
    match value:
        case Expression(parts):
            found = Expression.__new__(Expression)
            found.__attrs_init__(
                _flat(tuple((isinstance(one, Ref) and replacement(one.expression)) or one for one in parts))
            )
            return found
        case Ref(expression):
            return replacement(expression) or value
        case Joined(parts):
            return Joined(*(replacement(part.expression) or part if isinstance(part, Ref) else part for part in parts))
        case Mapping():
            return {name: replace_references(item, replacement) for name, item in value.items()}
        case list() | tuple():
            return [replace_references(item, replacement) for item in value]
        case _:
            return value


def resolve(value: Value, references: Mapping[str, str]) -> Any:
    """Return a value with its references resolved, as AWS accepts it.

    Args:
        value: The value.
        references: The values of the references, by their expressions.

    Raises:
        KeyError: If the value of a reference is missing.
    """

    def text(parts: Sequence[str | Ref]) -> str:
        return "".join([references[part.expression] if isinstance(part, Ref) else part for part in parts])

    return write(value, text)


def write(value: Value, text: Callable[[Sequence[str | Ref]], str]) -> Any:
    """Return a value as JSON.

    Args:
        value: The value.
        text: Returns a text for its parts.
    """
    match value:
        case str() | Ref():
            return text((value,))
        case bool() | int() | float() | None:
            return value
        case Joined(parts) | Expression(parts):
            return text(parts)
        case dict() | Mapping():
            return {text((key,)): write(item, text) for key, item in value.items()}
        case _:
            return [write(item, text) for item in value]
