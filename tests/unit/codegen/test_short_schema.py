"""The schema of parameters that applications find beside the state machine: only as long as an SSM parameter may be."""

from __future__ import annotations

import json

import pytest

from laminar_codegen.ir.graph import DeclaredParameter
from laminar_codegen.limits import PARAMETER_BYTES
from laminar_codegen.lower_terraform.input_schema import short_schema
from laminar_codegen.problems import Location
from laminar_runtime.inputs.shapes import OneOf, Scalar, Shape


def declared(name: str, shape: Shape, default: str | None = None) -> DeclaredParameter:
    return DeclaredParameter(name, shape, "str", default, "What it is.", Location("flow.py"))


def test_it_has_names_and_types_only() -> None:
    """Descriptions and defaults stay in the output of the document."""
    found = short_schema([declared("day", Scalar("string")), declared("rows", Scalar("number"), "7")], ["F"])
    assert found == {
        "type": "object",
        "properties": {"day": {"type": "string"}, "rows": {"type": "number"}},
        "required": ["day"],
        "additionalProperties": False,
    }


@pytest.mark.parametrize(
    "shape", [OneOf(("{{x}}",)), OneOf(("x" * PARAMETER_BYTES,)), OneOf(("<" * 600,)), OneOf(("\N{SNOWMAN}" * 1_100,))]
)
def test_it_is_left_out_where_it_has_no_place(shape: Shape) -> None:
    """Too long, as Terraform writes it, or a text that SSM takes for a reference."""
    assert short_schema([declared("x", shape)], ["F"]) is None


def test_the_names_of_a_chain_take_place_too() -> None:
    """They are in the same SSM parameter."""
    schema = short_schema([declared("x", OneOf(("y" * 2_900,)))], ["F"])
    assert len(json.dumps(schema)) > 2_900
    assert short_schema([declared("x", OneOf(("y" * 2_900,)))], ["F" * 46] * 9) is None
