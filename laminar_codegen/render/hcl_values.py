"""Writes values as expressions of HCL in the layout of ``terraform fmt``.

An expression in a `Ref` may have several lines, relative to its own beginning: they are indented like its surroundings.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Mapping

from laminar_codegen.ir.expressions import Expression, Joined, Ref, Value
from laminar_codegen.render.escaping import escape_template

__all__ = ["STEP", "write_arguments", "write_expression"]

#: The indentation within brackets and braces.
STEP = "  "
#: The greatest length of a line with a whole list, or with a whole map of a list.
_WIDTH = 100
#: The arguments that are lists of references, in JSON lists of their texts.
_REFERENCES = ("depends_on", "ignore_changes", "replace_triggered_by")
#: Keys without quotes, except words that have a meaning as the first key of an object or as a value.
_IDENTIFIER = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")
_RESERVED = {"false", "for", "null", "true"}
#: Characters that a string must escape: control characters, and those that break lines in editors.
_CONTROL = re.compile("[\x00-\x1f\x7f-\x9f\u2028\u2029\ufeff]")
_SHORT = {"\n": r"\n", "\r": r"\r", "\t": r"\t"}
#: Characters that may not be one column wide, or combine with their neighbours: aligned columns escape them. Compiled
#: on use, because few documents have such keys and the pattern takes a millisecond.
_WIDE = "[^\x00-\xac\xae-\u02ff\u0391-\u0481\u048a-\u052f\u3041-\u3096\u30a1-\u30fa\u4e00-\u9fff]"


def write_arguments(arguments: Mapping[str, Value], indent: str) -> str:
    """Write arguments, each on a line of its own or on several.

    Args:
        arguments: The arguments of a block, or local values.
        indent: The indentation of each line.
    """
    return _align(
        ((name, write_expression(_with_references(name, value), indent)) for name, value in arguments.items()),
        indent,
    )


def _with_references(name: str, value: Value) -> Value:
    """Return the value of an argument, with references for texts that Terraform reads as references."""
    if name not in _REFERENCES:
        return value
    if isinstance(value, (list, tuple)):
        return [Ref(item) if isinstance(item, str) else item for item in value]
    return Ref(value) if isinstance(value, str) else value


def _align(pairs: Iterable[tuple[str, str]], indent: str) -> str:
    """Return arguments, one per line. Neighbouring arguments of one line are aligned at the equals sign."""
    lines: list[str] = []
    together: list[tuple[str, str]] = []
    for name, expression in pairs:
        if "\n" in expression:
            lines += [*_columns(together, indent), f"{indent}{name} = {expression}"]
            together = []
        else:
            together.append((name, expression))
    return "\n".join([*lines, *_columns(together, indent)])


def _columns(pairs: list[tuple[str, str]], indent: str) -> list[str]:
    width = max((len(name) for name, _ in pairs), default=0)
    return [f"{indent}{name:<{width}} = {expression}" for name, expression in pairs]


def write_expression(value: Value, indent: str = "") -> str:
    """Write a value as an expression.

    Args:
        value: The value.
        indent: The indentation of its further lines, besides their own within the expression.

    Example:
        >>> print(write_expression({"name": Joined(Ref("var.name"), "-tasks"), "tags": Ref("var.tags")}))
        {
          name = "${var.name}-tasks"
          tags = var.tags
        }
    """
    match value:
        case str():
            return f'"{escape_template((value,), _quote)}"'
        case bool() | int() | float() | None:
            return json.dumps(value)
        case Ref(expression) | Joined((Ref(expression),)):
            return expression.replace("\n", f"\n{indent}")
        case Joined(parts) | Expression(parts):
            return f'"{escape_template(parts, _quote)}"'
        case Mapping():
            return _object(value, indent)
        case _:
            return _tuple(tuple(value), indent)


def _object(items: Mapping[str, Value], indent: str) -> str:
    if not items:
        return "{}"
    inner = indent + STEP
    pairs = ((_key(key), write_expression(item, inner)) for key, item in items.items())
    return f"{{\n{_align(pairs, inner)}\n{indent}}}"


def _tuple(items: tuple[Value, ...], indent: str) -> str:
    inner = indent + STEP
    written = [_item(item, inner) for item in items]
    line = f"[{', '.join(written)}]"
    if not any(isinstance(item, Mapping) and item for item in items) and _fits(line, indent):
        return line
    lines = "".join(f"{inner}{item},\n" for item in written)
    return f"[\n{lines}{indent}]"


def _item(value: Value, indent: str) -> str:
    """Return a value of a list: a small map is on one line."""
    if isinstance(value, Mapping) and value:
        line = ", ".join(f"{_key(key)} = {write_expression(item, indent)}" for key, item in value.items())
        if _fits(line, indent) and not any(isinstance(item, Mapping) and item for item in value.values()):
            return f"{{ {line} }}"
    return write_expression(value, indent)


def _fits(line: str, indent: str) -> bool:
    return "\n" not in line and len(indent) + len(line) <= _WIDTH


def _key(key: str) -> str:
    if _IDENTIFIER.fullmatch(key) and key not in _RESERVED:
        return key
    return f'"{escape_template((key,), lambda text: re.sub(_WIDE, _by_number, _quote(text)))}"'


def _quote(text: str) -> str:
    """Return plain text with the escape sequences of a quoted string, but not those of a template."""
    text = text.replace("\\", r"\\").replace('"', r"\"")
    return _CONTROL.sub(lambda found: _SHORT.get(found[0]) or _by_number(found), text)


def _by_number(found: re.Match[str]) -> str:
    number = ord(found[0])
    return f"\\u{number:04x}" if number <= 0xFFFF else f"\\U{number:08x}"  # noqa: PLR2004 - the most in four digits
