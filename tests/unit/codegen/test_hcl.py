"""Documents as HCL and as JSON: what only few of them have."""

from __future__ import annotations

import json

import attrs
import pytest

from laminar_codegen.ir.expressions import Ref
from laminar_codegen.ir.terraform import Block, Document, Output
from laminar_codegen.render.hcl import render_main, render_outputs
from laminar_codegen.render.hcl_values import write_expression
from laminar_codegen.render.terraform_json import render_document

DOCUMENT = Document(
    comment="A queue.",
    providers={},
    variables=(),
    locals={},
    data=(),
    resources=(Block("aws_sqs_queue", "it", {"name": Ref("var.name")}, comment="It keeps failures.\nFor 14 days."),),
    outputs=(
        Output(
            name="name", description="Its name.", value=Ref("aws_sqs_queue.it.name"), depends_on=("aws_sqs_queue.it",)
        ),
    ),
)


def test_the_comment_of_a_block() -> None:
    """It stands above the block, or is its first member."""
    assert render_main(DOCUMENT) == (
        '# A queue.\n\n# It keeps failures.\n# For 14 days.\nresource "aws_sqs_queue" "it" {\n  name = var.name\n}\n'
    )
    block = json.loads(render_document(DOCUMENT))["resource"]["aws_sqs_queue"]["it"]
    assert list(block.items()) == [("//", "It keeps failures.\nFor 14 days."), ("name", "${var.name}")]
    bare = attrs.evolve(DOCUMENT, resources=(Block("aws_sqs_queue", "it", {}),))
    assert json.loads(render_document(bare))["resource"]["aws_sqs_queue"]["it"] == {}


def test_what_an_output_waits_for() -> None:
    """References in HCL, texts in JSON."""
    assert "  value       = aws_sqs_queue.it.name\n\n  depends_on = [aws_sqs_queue.it]\n" in render_outputs(DOCUMENT)
    assert json.loads(render_document(DOCUMENT))["output"]["name"]["depends_on"] == ["aws_sqs_queue.it"]


@pytest.mark.parametrize(
    ("value", "written"),
    [
        (Ref("merge(\n  a,\n  b,\n)"), "merge(\n  a,\n  b,\n)"),
        ({"a": Ref("f({\n  b = 1\n})")}, "{\n  a = f({\n    b = 1\n  })\n}"),
        ([Ref("f(\n  a,\n)")], "[\n  f(\n    a,\n  ),\n]"),
    ],
)
def test_expressions_of_several_lines(value: object, written: str) -> None:
    """Their lines are indented with what they stand in."""
    assert write_expression(value) == written  # type: ignore[arg-type] - the cases are values
