"""Writes values as JSON, and documents as Terraform's JSON: `hcl` writes the same documents as HCL."""

from __future__ import annotations

import functools
import json
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from laminar_codegen.ir.asl import State, StateMachine
from laminar_codegen.ir.expressions import Expression, Joined, Ref, Value, resolve, write
from laminar_codegen.ir.terraform import Block, Call, Document, Output, Variable
from laminar_codegen.render.escaping import escape_template

__all__ = ["machine_bytes", "removed_blocks", "render_document", "render_machine", "render_template"]


def render_document(document: Document) -> str:
    """Write a document in Terraform's JSON syntax.

    Args:
        document: The document.

    Returns:
        The text of a ``.tf.json`` file.
    """
    content: dict[str, Any] = {
        "//": document.comment,
        "terraform": {"required_providers": {name: dict(spec) for name, spec in document.providers.items()}},
        "variable": {variable.name: _variable(variable) for variable in document.variables},
        "locals": _template(document.locals),
        "data": _blocks(document.data),
        "resource": _blocks(document.resources),
        "module": {call.label: _call(call) for call in document.calls},
        # Addresses are not templates. Each body is a list of one: Checkov cannot read anything else, HCL accepts both,
        # https://github.com/hashicorp/hcl/blob/main/json/spec.md#bodies.
        "moved": [[{"from": old, "to": new}] for old, new in document.moved],
        "removed": removed_blocks(document.removed),
        "output": {output.name: _output(output) for output in document.outputs},
    }
    return _dumps({key: value for key, value in content.items() if value})


def removed_blocks(addresses: Iterable[str]) -> list[list[dict[str, Any]]]:
    """Return the blocks by which Terraform forgets resources, and does not delete them.

    Args:
        addresses: Their addresses.
    """
    return [[{"from": address, "lifecycle": {"destroy": False}}] for address in addresses]


def render_template(machines: Sequence[StateMachine]) -> str:
    """Write state machines as JSON with Terraform's references in them.

    Args:
        machines: The flow's state machine, and those of its nested steps.

    Returns:
        The definition, or an object with several definitions by name.
    """
    if len(machines) == 1:
        return _dumps(_template(machines[0].fields()))
    return _dumps({machine.name: _template(machine.fields()) for machine in machines})


def render_machine(machine: StateMachine, references: Mapping[str, str]) -> str:
    """Write a state machine as AWS accepts it, with its references resolved.

    Args:
        machine: The state machine.
        references: The values of the references, by their expressions.

    Returns:
        The definition.

    Raises:
        KeyError: If the value of a reference is missing.
    """
    return json.dumps(resolve(machine.fields(), references))


def _dumps(content: Any) -> str:
    written: list[str] = []
    _lay_out(content, "\n", written)
    written.append("\n")
    return "".join(written)


#: Writes a value without white space, or a value without inner values.
_compact = json.JSONEncoder(separators=(",", ":"), ensure_ascii=False).encode


#: Writes a text as `_compact` does.
_text = json.encoder.encode_basestring


def _lay_out(value: Any, line: str, written: list[str]) -> None:
    """Write the text of `json.dumps` with ``indent=2``, in a third of the time."""
    if type(value) is str:
        written.append(_text(value))
        return
    if not value or not isinstance(value, (dict, list, tuple)):
        written.append(_compact(value))
        return
    inner = f"{line}  "
    start = inner
    if isinstance(value, dict):
        written.append("{")
        for key, item in value.items():
            written += (start, _text(key), ": ")
            _lay_out(item, inner, written)
            start = f",{inner}"
        written += (line, "}")
    else:
        written.append("[")
        for item in value:
            written.append(start)
            _lay_out(item, inner, written)
            start = f",{inner}"
        written += (line, "]")


def _template(value: Value) -> Any:
    return write(value, escape_template)


def _blocks(blocks: tuple[Block, ...]) -> dict[str, Any]:
    written: dict[str, Any] = {}
    for block in blocks:
        comment = {"//": block.comment} if block.comment else {}
        written.setdefault(block.type, {})[block.label] = {**comment, **_template(block.body)}
    return written


def _call(call: Call) -> dict[str, Any]:
    """Return a call. The source and the version are not templates."""
    version = {} if call.version is None else {"version": call.version}
    written: dict[str, Any] = _template(call.body)
    return {"source": call.source, **version, **written}


def _output(output: Output) -> dict[str, Any]:
    """Return an output. Its description is not a template."""
    after = {"depends_on": [*output.depends_on]} if output.depends_on else {}
    return {"description": output.description, "value": _template(output.value), **after}


def _variable(variable: Variable) -> dict[str, Any]:
    """Return a variable. Its description and default are not templates."""
    written: dict[str, Any] = {"description": variable.description, "type": variable.type}
    if variable.default is not None:
        written["default"] = variable.default[0]
    if not variable.nullable:
        written["nullable"] = False
    if variable.validation:
        written["validation"] = [
            {"condition": f"${{{rule.condition}}}", "error_message": _template(rule.message)}
            for rule in variable.validation
        ]
    return written


#: The lengths of the values of references: ARNs with the longest name of a deployment, 46 characters, or nearly so.
_LENGTHS = {
    "aws_batch_job_definition.": 125,
    "aws_lambda_function.": 110,
    "aws_sfn_state_machine.": 110,
    "local.partition": 3,
    "local.": 40,
    "var.": 80,
}
#: The length for other references, such as those of a further kind of target: no known kind has longer ones.
_LENGTH = max(_LENGTHS.values())


def _typical(value: Ref | Joined | Expression) -> str:
    parts = (value,) if isinstance(value, Ref) else value.parts
    return "".join([_typical_value(part) if isinstance(part, Ref) else part for part in parts])


@functools.cache
def _typical_value(reference: Ref) -> str:
    known = (length for start, length in _LENGTHS.items() if reference.expression.startswith(start))
    return "x" * next(known, _LENGTH)


_compact_typical = json.JSONEncoder(separators=(",", ":"), ensure_ascii=False, default=_typical).encode


def size_of(states: tuple[State, ...]) -> int:
    """Return the bytes of states in a definition as Terraform writes it: without white space, references resolved.

    Args:
        states: The states.
    """
    return len(_compact_typical({state.name: state.fields() for state in states}).encode())


def machine_bytes(machine: StateMachine) -> int:
    """Return the bytes of the states of a machine, as `size_of` counts them.

    Args:
        machine: The machine.
    """
    return len(_compact_typical(machine.fields()["States"]).encode())
