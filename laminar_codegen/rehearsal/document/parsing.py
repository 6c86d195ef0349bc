"""Reads expressions and templates of Terraform.

Before: the text of a JSON string, ``"${var.name}-${local.region}"``. After: an `Expression`.

What HCL has and strings of JSON cannot hold, such as heredocs, is not understood.
https://github.com/hashicorp/hcl/blob/main/hclsyntax/spec.md
"""

from __future__ import annotations

import functools
import json
import re
from collections.abc import Callable

from laminar_codegen.rehearsal.document.errors import ExpressionError
from laminar_codegen.rehearsal.document.scanning import Scanner
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

__all__ = ["parse_assignments", "parse_expression", "parse_template"]

#: What stands between operands, and how much it binds. Longer marks come before those that they begin with.
_BINDING = {
    operator: binding
    for binding, operators in enumerate(
        (("||",), ("&&",), ("==", "!="), ("<=", ">=", "<", ">"), ("+", "-"), ("*", "/", "%"))
    )
    for operator in operators
}
_NUMBER = re.compile(r"\d+(?:\.\d+)?(?:[eE][+-]?\d+)?")
_DIGITS = re.compile(r"\d+")
_CONSTANTS = {"true": True, "false": False, "null": None}
#: A key of an object that is a plain word.
_KEY = re.compile(r"([^\W\d][\w-]*)\s*(?:=(?![=>])|:)")
_ESCAPE = re.compile(r"\\(?:[nrt\"\\]|u[0-9a-fA-F]{4})")
_DEEPEST = 80


@functools.cache
def parse_template(text: str) -> Expression:
    """Parse a string of a document.

    Args:
        text: The string.

    Returns:
        Its template; of a string that is one ``${...}`` and nothing else the expression in it, whose value is of any
        type.

    Raises:
        ExpressionError: If it is not understood.

    Example:
        >>> parse_template("${var.name}")
        Attribute(of=Name(name='var'), name='name')
    """
    return _whole(text, lambda parser: parser.template(quoted=False))


@functools.cache
def parse_expression(text: str) -> Expression:
    """Parse an expression, as it stands in HCL.

    Args:
        text: The expression.

    Raises:
        ExpressionError: If it is not understood.

    Example:
        >>> parse_expression("1 + 2")
        Binary(operator='+', left=Literal(value=1), right=Literal(value=2))
    """
    return _whole(text, lambda parser: parser.expression())


def parse_assignments(text: str) -> dict[str, Expression]:
    """Parse the text of a ``.tfvars`` file.

    Args:
        text: The text.

    Returns:
        Each expression by the name that it is assigned to.

    Raises:
        ExpressionError: If it is not understood.

    Example:
        >>> parse_assignments('name = "report"')
        {'name': Literal(value='report')}
    """
    parser = _Parser(text)
    found = {}
    parser.skip()
    while parser.place < len(text):
        name = parser.word()
        parser.demand("=")
        found[name] = parser.expression()
        parser.skip()
    return found


def _whole(text: str, parse: Callable[[_Parser], Expression]) -> Expression:
    parser = _Parser(text)
    found = parse(parser)
    parser.skip()
    if parser.place < len(text):
        raise parser.error("its end")
    return found


class _Parser(Scanner):
    """The grammar, a method for each of its rules."""

    def __init__(self, text: str) -> None:
        super().__init__(text)
        self._depth = 0

    def expression(self) -> Expression:
        self._depth += 1
        if self._depth > _DEEPEST:
            raise ExpressionError("it is nested too deeply")
        found = self._binary(0)
        if self.take("?"):
            then = self.expression()
            self.demand(":")
            found = Conditional(found, then, self.expression())
        self._depth -= 1
        return found

    def _binary(self, lowest: int) -> Expression:
        """Read operands and what stands between them, as far as it binds at least so much."""
        left = self._unary()
        while True:
            start = self.place
            operator = self.take(*_BINDING)
            if operator is None or _BINDING[operator] < lowest:
                self.place = start
                return left
            left = Binary(operator, left, self._binary(_BINDING[operator] + 1))

    def _unary(self) -> Expression:
        operators = []
        while operator := self.take("-", "!"):
            operators.append(operator)
        found = self._term()
        for operator in reversed(operators):
            found = Unary(operator, found)
        return found

    def _term(self) -> Expression:
        found = self._primary()
        while True:
            if self.take("[*]"):
                found = Splat(found, self._steps(indexes=True))
            elif self.take("["):
                found = Index(found, self.expression())
                self.demand("]")
            elif self._dot():
                if self.take("*"):
                    found = Splat(found, self._steps(indexes=False))
                elif number := self.match(_DIGITS):
                    found = Index(found, Literal(int(number[0])))
                else:
                    found = Attribute(found, self.word())
            else:
                return found

    def _dot(self) -> bool:
        """Read the dot before an attribute, if it is next."""
        self.skip()
        return not self.at("...") and self.take(".") is not None

    def _steps(self, *, indexes: bool) -> tuple[str | Expression, ...]:
        steps: list[str | Expression] = []
        while True:
            if indexes and not self.at("[*]") and self.take("["):
                steps.append(self.expression())
                self.demand("]")
            elif self._dot():
                steps.append(self.word())
            else:
                return tuple(steps)

    def _primary(self) -> Expression:
        if self.take("("):
            found = self.expression()
            self.demand(")")
            return found
        if mark := self.take('"', "[", "{"):
            return {'"': self._quoted_text, "[": self._tuple, "{": self._object}[mark]()
        if number := self.match(_NUMBER):
            return Literal(int(number[0]) if number[0].isdecimal() else float(number[0]))
        name = self.word()
        while self.at("::"):
            self.demand("::")
            name = f"{name}::{self.word()}"
        if self.at("("):
            return self._call(name)
        return Literal(_CONSTANTS[name]) if name in _CONSTANTS else Name(name)

    def _quoted_text(self) -> Expression:
        return self.template(quoted=True)

    def _call(self, name: str) -> Call:
        self.demand("(")
        arguments: list[Expression] = []
        while not self.take(")"):
            arguments.append(self.expression())
            if self.take("..."):
                self.demand(")")
                return Call(name, tuple(arguments), spread=True)
            if not self.take(","):
                self.demand(")")
                break
        return Call(name, tuple(arguments))

    def _tuple(self) -> Expression:
        if self.take_word("for"):
            key, value, collection = self._intro()
            result = self.expression()
            found = ForTuple(key, value, collection, result, self._condition())
            self.demand("]")
            return found
        items: list[Expression] = []
        while not self.take("]"):
            items.append(self.expression())
            if not self.take(","):
                self.demand("]")
                break
        return TupleExpression(tuple(items))

    def _object(self) -> Expression:
        if self.take_word("for"):
            key, value, collection = self._intro()
            name = self.expression()
            self.demand("=>")
            result = self.expression()
            grouped = self.take("...") is not None
            found = ForObject(key, value, collection, name, result, grouped, self._condition())
            self.demand("}")
            return found
        items: list[tuple[Expression, Expression]] = []
        while not self.take("}"):
            items.append((self._key(), self.expression()))
            self.take(",")
        return ObjectExpression(tuple(items))

    def _key(self) -> Expression:
        self.skip()
        if plain := self.match(_KEY):
            return Literal(plain[1])
        key = self.expression()
        if not self.take("=", ":"):
            raise self.error("'='")
        return key

    def _intro(self) -> tuple[str | None, str, Expression]:
        key, value = self._names()
        collection = self.expression()
        self.demand(":")
        return key, value, collection

    def _names(self) -> tuple[str | None, str]:
        """Read the variables of a ``for``: that of its keys, if it has one, and that of its values."""
        first = self.word()
        names = (first, self.word()) if self.take(",") else (None, first)
        if not self.take_word("in"):
            raise self.error("'in'")
        return names

    def _condition(self) -> Expression | None:
        return self.expression() if self.take_word("if") else None

    def template(self, *, quoted: bool) -> Expression:
        """Read text with templates in it, up to the end or to the quotation mark that ends it."""
        parts, end = self._parts(quoted=quoted)
        if end is not None:
            raise ExpressionError(f"'%{{ {end} }}' has no beginning")
        if quoted:
            self.demand('"')
        if len(parts) == 1 and not isinstance(parts[0], str | Switch | Loop):
            return parts[0]
        if all(isinstance(part, str) for part in parts):
            return Literal("".join(map(str, parts)))
        return Template(parts)

    def _parts(self, *, quoted: bool) -> tuple[Parts, str | None]:
        """Read parts of a template, and the word of the directive that ends them, if one does."""
        parts: list[str | Expression | Switch | Loop] = []
        while self.place < len(self.text) and not (quoted and self.at('"')):
            if self.at("$${", "%%{"):
                _add(parts, f"{self.text[self.place]}{{")
                self.place += 3
            elif self.at("${"):
                self._open(parts)
                parts.append(self.expression())
                self._close()
            elif self.at("%{"):
                self._open(parts)
                word = self.word()
                if word in {"else", "endif", "endfor"}:
                    self._close()
                    return tuple(parts), word
                parts.append(self._directive(word, quoted=quoted))
            else:
                _add(parts, self._character(quoted=quoted))
        return tuple(parts), None

    def _open(self, parts: list[str | Expression | Switch | Loop]) -> None:
        """Read the beginning of a template, which may take the space before it with it."""
        self.place += 2
        if self.at("~"):
            self.place += 1
            if parts and isinstance(parts[-1], str):
                parts[-1] = parts[-1].rstrip()

    def _close(self) -> None:
        """Read the end of a template, which may take the space behind it with it."""
        if self.take("~"):
            self.demand("}")
            self.place = len(self.text) - len(self.text[self.place :].lstrip())
        else:
            self.demand("}")

    def _directive(self, word: str, *, quoted: bool) -> Switch | Loop:
        if word == "if":
            condition = self.expression()
            self._close()
            then, end = self._parts(quoted=quoted)
            otherwise: Parts = ()
            if end == "else":
                otherwise, end = self._parts(quoted=quoted)
            if end != "endif":
                raise self.error("'%{ endif }'")
            return Switch(condition, then, otherwise)
        if word != "for":
            raise ExpressionError(f"the directive '%{{ {word} }}' is not known")
        key, value = self._names()
        collection = self.expression()
        self._close()
        body, end = self._parts(quoted=quoted)
        if end != "endfor":
            raise self.error("'%{ endfor }'")
        return Loop(key, value, collection, body)

    def _character(self, *, quoted: bool) -> str:
        if quoted and self.at("\\"):
            escape = self.match(_ESCAPE)
            if escape is None:
                raise self.error("an escape sequence such as \\n")
            return str(json.loads(f'"{escape[0]}"'))
        self.place += 1
        return self.text[self.place - 1]


def _add(parts: list[str | Expression | Switch | Loop], text: str) -> None:
    """Add plain text; what stands together is one part."""
    if parts and isinstance(parts[-1], str):
        parts[-1] += text
    else:
        parts.append(text)
