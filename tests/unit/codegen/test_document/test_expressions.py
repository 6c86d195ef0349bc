"""Expressions of Terraform: parsed and evaluated."""

from __future__ import annotations

import ast
from typing import Any

import pytest

from laminar_codegen.rehearsal.document.errors import EvaluationError, ExpressionError
from laminar_codegen.rehearsal.document.evaluation import evaluate, evaluate_json
from laminar_codegen.rehearsal.document.parsing import parse_assignments, parse_expression, parse_template
from laminar_codegen.rehearsal.document.syntax import references
from laminar_codegen.rehearsal.document.types import convert
from laminar_codegen.rehearsal.document.values import encode
from tests.support.terraform_expressions import ERRORS, LOCALS, VALUES

SCOPE = {"local": LOCALS}


@pytest.mark.parametrize("text", VALUES)
def test_values(text: str) -> None:
    """An expression has the value that Terraform gives it (an end-to-end test asks Terraform the same)."""
    assert encode(evaluate(parse_expression(text), SCOPE)) == encode(VALUES[text])


@pytest.mark.parametrize("text", ERRORS)
def test_errors(text: str) -> None:
    """What has no value is an error, and `can` says so."""
    with pytest.raises(EvaluationError):
        evaluate(parse_expression(text), SCOPE)
    assert evaluate(parse_expression(f"can({text})"), SCOPE) is False


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("${local.name", "'}' is expected at its end"),
        ("${local.}", "a name is expected at '}'"),
        ("${1 +}", "a name is expected at '}'"),
        ("${f(1 2)}", "')' is expected at '2)}'"),
        ("${[1}", "']' is expected at '}'"),
        ("%{ if true }x", "'%{ endif }' is expected at its end"),
        ("%{ endif }", "'%{ endif }' has no beginning"),
        ("%{ while }", "the directive '%{ while }' is not known"),
        (f"${{{'(' * 300}1{')' * 300}}}", "nested too deeply"),
        (r'${"\q"}', "an escape sequence"),
    ],
)
def test_text_that_is_not_understood(text: str, message: str) -> None:
    """The error says what is expected, and where."""
    with pytest.raises(ExpressionError) as caught:
        parse_template(text)
    assert message in str(caught.value)


def test_a_function_that_is_not_known_is_never_passed_by() -> None:
    """`try` goes on where there is no value, and not where the rehearsal does not understand the document."""
    with pytest.raises(ExpressionError, match=r"\$\{try\(cidrsubnet\(1\), 2\)\}: .*cidrsubnet\(\)"):
        evaluate_json({"a": ["${try(cidrsubnet(1), 2)}"]}, SCOPE)


def test_json() -> None:
    """Texts and keys are templates; a text that is one template has a value of any type; comments are left out."""
    document = {"//": "${", "${local.name}": ["${local.numbers}", "a$${b}", 1, None, {"x": "${local.name}!"}]}
    assert evaluate_json(document, SCOPE) == {"report": [[3, 1, 2], "a${b}", 1, None, {"x": "report!"}]}


def test_an_error_names_the_expression() -> None:
    """The whole text is shown, with what is wrong in it."""
    with pytest.raises(EvaluationError, match=r"^\$\{local\.missing\}-x: there is no attribute 'missing'$"):
        evaluate_json("${local.missing}-x", SCOPE)


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("${var.a}-${local.b.c}", {("var", "a"), ("local", "b")}),
        ("${data.aws_region.current.region}", {("data", "aws_region", "current")}),
        ("${aws_iam_role.task[0].arn}", {("aws_iam_role", "task")}),
        ("${one(aws_iam_role.task[*].arn)}", {("aws_iam_role", "task")}),
        ("${[for x in var.a : x.y if x.z != var.b]}", {("var", "a"), ("var", "b")}),
        ("%{ for k, v in var.a }${k.x}${v.y}${var.c}%{ endfor }", {("var", "a"), ("var", "c")}),
        ("${each.value.a + count.index + self.x}", set()),
        ('${try(local.a["k"].b, "${var.c}")}', {("local", "a"), ("var", "c")}),
    ],
)
def test_references(text: str, found: set[tuple[str, ...]]) -> None:
    """What an expression refers to is known without evaluating it; variables of its own are no references."""
    assert set(references(parse_template(text))) == found


def test_assignments() -> None:
    """A file of values has a value for each name."""
    text = '# values\nname = "a"\n\nnumbers = [\n  1,\n  2,\n]\ntags = { x = "y" }\n'
    assert {name: evaluate(node, {}) for name, node in parse_assignments(text).items()} == {
        "name": "a",
        "numbers": [1, 2],
        "tags": {"x": "y"},
    }


@pytest.mark.parametrize(
    ("value", "type_", "converted"),
    [
        (1, "string", "1"),
        ("1", "number", 1),
        ("true", "bool", True),
        (None, "string", None),
        ([1, "a"], "list(string)", ["1", "a"]),
        (["b", "a", "b"], "set(string)", ["a", "b"]),
        ({"a": 1}, "map(string)", {"a": "1"}),
        ([1, "x"], "tuple([string, any])", ["1", "x"]),
        (
            {"a": 1},
            "object({ a = string, b = optional(number, 2), c = optional(string) })",
            {"a": "1", "b": 2, "c": None},
        ),
        ({"a": [1]}, "any", {"a": [1]}),
    ],
)
def test_types(value: Any, type_: str, converted: Any) -> None:
    """A value becomes one of the variable's type."""
    assert convert(value, parse_expression(type_)) == converted


@pytest.mark.parametrize(
    ("value", "type_"),
    [("x", "number"), ([1], "string"), ("x", "list(string)"), ({}, "object({ a = string })"), ([1], "map(any)")],
)
def test_values_of_other_types(value: Any, type_: str) -> None:
    """What cannot be converted is refused."""
    with pytest.raises(EvaluationError):
        convert(value, parse_expression(type_))


def test_numbers_are_written_as_terraform_writes_them() -> None:
    """Whole numbers have no point, also those that were computed."""
    assert evaluate_json("${4 / 2} ${1.50} ${1e3}", {}) == "2 1.5 1000"
    assert ast.literal_eval(evaluate_json("${jsonencode([4 / 2])}", {})) == [2]
