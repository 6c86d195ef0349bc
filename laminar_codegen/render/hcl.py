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

from collections.abc import Iterable, Iterator, Mapping, Sequence

from laminar_codegen.ir.expressions import Ref, Value
from laminar_codegen.ir.terraform import TERRAFORM, Block, Call, Document, Nested, Output, Variable
from laminar_codegen.render.hcl_values import STEP, write_arguments

__all__ = ["render_hcl", "render_main", "render_outputs", "render_variables", "render_versions"]

#: The arguments that come first and last in a block, and first in a call of a module: Terraform reads these, not the
#: provider.
_FIRST = ("count", "for_each", "provider")
_LAST = ("lifecycle", "depends_on")
_CONDITIONS: Nested = {"precondition": {}, "postcondition": {}}
_OF_MODULE = ("source", "version")
_DYNAMIC = "dynamic"


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
        yield f"locals {{\n{write_arguments(document.locals, STEP)}\n}}"
    yield from (_declaration("data", block) for block in document.data)
    yield from (_declaration("resource", block) for block in document.resources)
    yield from map(_call, document.calls)
    yield from (_block("moved", {"from": Ref(old), "to": Ref(new)}, {}) for old, new in document.moved)
    for address in document.removed:
        yield _block("removed", {"from": Ref(address), "lifecycle": {"destroy": False}}, {"lifecycle": {}})


def _declaration(kind: str, block: Block) -> str:
    nested = {**block.nested, "lifecycle": _CONDITIONS}
    written = _block(f'{kind} "{block.type}" "{block.label}"', block.body, nested)
    return f"{_comment(block.comment)}\n{written}" if block.comment else written


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
    body: dict[str, Value] = {"description": output.description, "value": output.value}
    if output.depends_on:
        body["depends_on"] = output.depends_on
    return _block(f'output "{output.name}"', body, {})


def _block(
    header: str, body: Mapping[str, Value], nested: Nested, indent: str = "", *, first: Sequence[str] = _FIRST
) -> str:
    """Return a block: arguments, then nested blocks, with empty lines between them."""
    inner = indent + STEP
    apart = {*first, *_LAST, _DYNAMIC, *nested}
    groups = [
        write_arguments({name: body[name] for name in first if name in body}, inner),
        write_arguments({name: value for name, value in body.items() if name not in apart}, inner),
    ]
    for name in (name for name in body if name in nested and name not in _LAST):
        groups += [_block(name, content, nested[name], inner) for content in _contents(body[name])]
    for repeated in _contents(body.get(_DYNAMIC, {})):
        groups += _dynamic(repeated, nested, inner)
    if "lifecycle" in body:
        groups += [_block("lifecycle", content, nested["lifecycle"], inner) for content in _contents(body["lifecycle"])]
    if "depends_on" in body:
        groups.append(write_arguments({"depends_on": body["depends_on"]}, inner))
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
