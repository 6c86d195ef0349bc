"""Writes documents as HCL in the layout of ``terraform fmt``: the same documents that `terraform_json` writes as JSON.

Before: a block as data. After::

    resource "aws_sfn_state_machine" "flow" {
      name     = var.name
      role_arn = aws_iam_role.state_machine.arn

      tracing_configuration {
        enabled = true
      }

      depends_on = [aws_iam_role_policy.state_machine]
    }

The order within a block is that of Terraform's style guide: count or for_each, arguments, nested blocks, and then other
arguments that Terraform itself reads (https://developer.hashicorp.com/terraform/language/style).
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence

from laminar_codegen.ir.expressions import Expression, Joined, Ref, Value
from laminar_codegen.ir.terraform import TERRAFORM, Block, Call, Document, Nested, Output, Variable
from laminar_codegen.render.escaping import escape_template

__all__ = ["render_hcl", "render_main", "render_outputs", "render_variables", "render_versions"]

#: The greatest length of a line with a whole list, or with a whole map of a list.
_WIDTH = 100
_STEP = "  "
#: The arguments that come first and last in a block, and first in a call of a module: Terraform reads these, not the
#: provider.
_FIRST = ("count", "for_each", "provider")
_LAST = ("lifecycle", "depends_on")
_CONDITIONS: Nested = {"precondition": {}, "postcondition": {}}
_OF_MODULE = ("source", "version")
_DYNAMIC = "dynamic"
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


def render_hcl(document: Document) -> str:
    """Write a document as one file of HCL.

    Args:
        document: The document.

    Returns:
        The text of a ``.tf`` file.
    """
    parts = (
        _comment(document.comment),
        _terraform(document.providers),
        *map(_variable, document.variables),
        *_main(document),
        *map(_output, document.outputs),
    )
    return _file(parts)


def render_main(document: Document) -> str:
    """Write the resources, data sources and local values of a document as HCL.

    Args:
        document: The document.
    """
    return _file((_comment(document.comment), *_main(document)))


def render_variables(document: Document) -> str:
    """Write the inputs of a document as HCL.

    Args:
        document: The document.
    """
    return _file((_comment(document.comment), *map(_variable, document.variables)))


def render_outputs(document: Document) -> str:
    """Write the outputs of a document as HCL.

    Args:
        document: The document.
    """
    return _file((_comment(document.comment), *map(_output, document.outputs)))


def render_versions(comment: str, providers: Mapping[str, Mapping[str, str]]) -> str:
    """Write the required versions of Terraform and of providers as HCL, which scanners read.

    Args:
        comment: The comment of the document.
        providers: The providers by local name, each with source and version.
    """
    return _file((_comment(comment), _terraform(providers)))


def _file(parts: Iterable[str]) -> str:
    return "\n\n".join(parts) + "\n"


def _comment(comment: str) -> str:
    return "\n".join(f"# {line}".rstrip() for line in comment.splitlines())


def _terraform(providers: Mapping[str, Mapping[str, str]]) -> str:
    body: dict[str, Value] = {"required_version": f">= {TERRAFORM}"}
    if providers:
        body["required_providers"] = {name: dict(spec) for name, spec in providers.items()}
    return _block("terraform", body, {"required_providers": {}})


def _main(document: Document) -> Iterator[str]:
    if document.locals:
        # The names are ours: none has a meaning for Terraform.
        yield f"locals {{\n{_arguments(document.locals, _STEP)}\n}}"
    yield from (_declaration("data", block) for block in document.data)
    yield from (_declaration("resource", block) for block in document.resources)
    yield from map(_call, document.calls)
    yield from (_block("moved", {"from": Ref(old), "to": Ref(new)}, {}) for old, new in document.moved)


def _declaration(kind: str, block: Block) -> str:
    return _block(f'{kind} "{block.type}" "{block.label}"', block.body, {**block.nested, "lifecycle": _CONDITIONS})


def _call(call: Call) -> str:
    version = {} if call.version is None else {"version": call.version}
    return _block(f'module "{call.label}"', {"source": call.source, **version, **call.body}, {}, first=_OF_MODULE)


def _variable(variable: Variable) -> str:
    body: dict[str, Value] = {"description": variable.description, "type": Ref(variable.type)}
    if variable.default is not None:
        body["default"] = variable.default[0]
    if not variable.nullable:
        body["nullable"] = False
    body["validation"] = [
        {"condition": Ref(rule.condition), "error_message": rule.message} for rule in variable.validation
    ]
    return _block(f'variable "{variable.name}"', body, {"validation": {}})


def _output(output: Output) -> str:
    return _block(f'output "{output.name}"', {"description": output.description, "value": output.value}, {})


def _block(
    header: str, body: Mapping[str, Value], nested: Nested, indent: str = "", *, first: Sequence[str] = _FIRST
) -> str:
    """Return a block: arguments, then nested blocks, with empty lines between them."""
    inner = indent + _STEP
    apart = {*first, *_LAST, _DYNAMIC, *nested}
    groups = [
        _arguments({name: body[name] for name in first if name in body}, inner),
        _arguments({name: value for name, value in body.items() if name not in apart}, inner),
    ]
    for name in (name for name in body if name in nested and name not in _LAST):
        groups += [_block(name, content, nested[name], inner) for content in _contents(body[name])]
    for repeated in _contents(body.get(_DYNAMIC, {})):
        groups += _dynamic(repeated, nested, inner)
    if "lifecycle" in body:
        groups += [_block("lifecycle", content, nested["lifecycle"], inner) for content in _contents(body["lifecycle"])]
    if "depends_on" in body:
        groups.append(_arguments({"depends_on": body["depends_on"]}, inner))
    written = "\n\n".join(filter(None, groups))
    return f"{indent}{header} {{\n{written}\n{indent}}}" if written else f"{indent}{header} {{}}"


def _dynamic(repeated: Mapping[str, Value], nested: Nested, indent: str) -> Iterator[str]:
    """Yield dynamic blocks: nested blocks that are repeated for each element of a collection.

    https://developer.hashicorp.com/terraform/language/expressions/dynamic-blocks
    """
    for name, value in repeated.items():
        for content in _contents(value):
            yield _block(f'{_DYNAMIC} "{name}"', content, {"content": nested[name]}, indent)


def _contents(value: Value) -> Iterator[Mapping[str, Value]]:
    """Yield the contents of nested blocks of one name."""
    if isinstance(value, Mapping):
        yield value
    elif isinstance(value, (list, tuple)):
        for item in value:
            yield from _contents(item)
    else:
        raise TypeError(f"a nested block is a map or a list of maps, not {value!r}")


def _arguments(arguments: Mapping[str, Value], indent: str) -> str:
    return _align(
        ((name, _expression(_with_references(name, value), indent)) for name, value in arguments.items()),
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


def _expression(value: Value, indent: str) -> str:
    """Return a value as an expression. Its further lines are indented by `indent`."""
    match value:
        case str():
            return f'"{escape_template((value,), _quote)}"'
        case bool() | int() | float() | None:
            return json.dumps(value)
        case Ref(expression) | Joined((Ref(expression),)):
            return expression
        case Joined(parts) | Expression(parts):
            return f'"{escape_template(parts, _quote)}"'
        case Mapping():
            return _object(value, indent)
        case _:
            return _tuple(tuple(value), indent)


def _object(items: Mapping[str, Value], indent: str) -> str:
    if not items:
        return "{}"
    inner = indent + _STEP
    pairs = ((_key(key), _expression(item, inner)) for key, item in items.items())
    return f"{{\n{_align(pairs, inner)}\n{indent}}}"


def _tuple(items: tuple[Value, ...], indent: str) -> str:
    inner = indent + _STEP
    written = [_item(item, inner) for item in items]
    line = f"[{', '.join(written)}]"
    if not any(isinstance(item, Mapping) and item for item in items) and _fits(line, indent):
        return line
    lines = "".join(f"{inner}{item},\n" for item in written)
    return f"[\n{lines}{indent}]"


def _item(value: Value, indent: str) -> str:
    """Return a value of a list: a small map is on one line."""
    if isinstance(value, Mapping) and value:
        line = ", ".join(f"{_key(key)} = {_expression(item, indent)}" for key, item in value.items())
        if _fits(line, indent) and not any(isinstance(item, Mapping) and item for item in value.values()):
            return f"{{ {line} }}"
    return _expression(value, indent)


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
