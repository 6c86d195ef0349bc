"""The JSON schema of a flow's input, an output of the document.

Before: ``day: date`` and ``rows: int = 100``. After: a schema, by which forms and other services check an input.
https://json-schema.org/draft/2020-12
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import assert_never

from laminar_codegen.ir.expressions import Value
from laminar_codegen.ir.graph import DeclaredParameter, Graph
from laminar_codegen.ir.terraform import Output
from laminar_codegen.limits import PARAMETER_BYTES
from laminar_runtime.inputs.shapes import SAFE, Anything, Fixed, Listed, Mapped, OneOf, Record, Scalar, Shape, Union

__all__ = ["emit_input_schema", "property_schema", "short_schema"]

#: The formats of texts that JSON schemas know: https://json-schema.org/draft/2020-12/json-schema-validation#section-7.3
_FORMATS = {"date", "uuid"}
#: The bytes that the rest of the SSM parameter may take: the ARN of the state machine, and the root of the datastore.
_REST = 1_024
#: What Terraform's jsonencode escapes: https://developer.hashicorp.com/terraform/language/functions/jsonencode
_ESCAPED = "<>&\u2028\u2029"


def emit_input_schema(graph: Graph, parameters: Sequence[DeclaredParameter]) -> Output:
    """Return the output with the schema of the input of a flow.

    Args:
        graph: The flow.
        parameters: The parameters that it declares.
    """
    description = "The JSON schema of the input with which executions are started."
    return Output(name="input_schema", description=description, value=_input_schema(graph, parameters))


def _input_schema(graph: Graph, parameters: Sequence[DeclaredParameter]) -> dict[str, Value]:
    inner = _object({item.name: property_schema(item) for item in parameters}, parameters)
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": graph.flow,
        **({"description": graph.summary} if graph.summary else {}),
        "type": "object",
        "properties": {"parameters": inner},
        **({"required": ["parameters"]} if "required" in inner else {}),
    }


def short_schema(parameters: Sequence[DeclaredParameter], flows: Sequence[str]) -> dict[str, Value] | None:
    """Return the schema of the parameters without descriptions and defaults, for applications that start the flow.

    Args:
        parameters: The parameters that the flow declares.
        flows: The names of the flows, which are beside it in the SSM parameter.

    Returns:
        The schema; None if it is too long for an SSM parameter, or has ``{{``, which none may have:
        https://docs.aws.amazon.com/systems-manager/latest/APIReference/API_PutParameter.html
    """
    found = _object({item.name: _schema(item.shape) for item in parameters if item.shape is not None}, parameters)
    text = json.dumps(found, ensure_ascii=False, separators=(",", ":"))
    size = len(text.encode()) + sum(text.count(character) * 5 for character in _ESCAPED)
    most = PARAMETER_BYTES - _REST - sum(len(flow) + 3 for flow in flows)
    return None if size > most or "{{" in text else found


def _object(properties: Mapping[str, Value], parameters: Sequence[DeclaredParameter]) -> dict[str, Value]:
    required: list[str] = [item.name for item in parameters if item.required]
    return {
        "type": "object",
        "properties": properties,
        **({"required": required} if required else {}),
        "additionalProperties": False,
    }


def property_schema(item: DeclaredParameter) -> dict[str, Value]:
    """Return the schema of a parameter.

    Args:
        item: The parameter.
    """
    assert item.shape is not None  # noqa: S101 - see the rules
    return {
        **({"description": item.description} if item.description else {}),
        **_schema(item.shape),
        **({} if item.default is None else {"default": json.loads(item.default)}),
    }


def _schema(shape: Shape) -> dict[str, Value]:  # noqa: PLR0911 - one for each shape
    match shape:
        case Anything():
            return {}
        case Scalar("integer"):
            return {"type": "integer", "minimum": -SAFE, "maximum": SAFE}
        case Scalar(kind, form):
            return {"type": kind, **({"format": form} if form in _FORMATS else {})}
        case OneOf(values):
            return {"enum": list(values)}
        case Listed(items):
            return {"type": "array", "items": _schema(items)}
        case Fixed(items):
            size = len(items)
            parts: list[Value] = [_schema(item) for item in items]
            return {"type": "array", **({"prefixItems": parts} if parts else {}), "minItems": size, "maxItems": size}
        case Mapped(values):
            return {"type": "object", "additionalProperties": _schema(values)}
        case Record(members):
            required: list[str] = [member.name for member in members if member.required]
            return {
                "type": "object",
                "properties": {member.name: _schema(member.shape) for member in members},
                **({"required": required} if required else {}),
                "additionalProperties": False,
            }
        case Union(members):
            return {"anyOf": [_schema(member) for member in members]}
        case _:
            assert_never(shape)
