"""Text of any kind goes through Terraform and Step Functions unchanged."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from sfnx.testing import Call, run

from laminar_codegen.ir.asl import StateMachine, Task
from laminar_codegen.ir.expressions import Expression, Joined, Ref, Value, resolve
from laminar_codegen.ir.terraform import Document, Output, Variable
from laminar_codegen.render.terraform_json import render_document, render_machine, render_template

REFERENCES = {"var.a": "A", "local.b": "", 'var.c ? "x" : "y"': "{", "data.d.e.f": "${var.a}%{"}
TEXTS = st.text(st.sampled_from("$%{}\"\\~ \n'a") | st.characters(exclude_categories=["Cs"]), max_size=12)
REFS = st.sampled_from(sorted(REFERENCES)).map(Ref)
JOINED = st.lists(TEXTS | REFS, max_size=6).map(lambda parts: Joined(*parts))
VALUES = st.recursive(
    TEXTS | REFS | JOINED | st.booleans() | st.none() | st.integers(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(TEXTS, inner, max_size=3),
    max_leaves=8,
)


def evaluate(template: str, references: Mapping[str, str]) -> str:
    """Return the value of a template with references and quoted text in ``${}``.

    https://developer.hashicorp.com/terraform/language/expressions/strings: read from left to right, ``$${`` and
    ``%%{`` are text, ``${`` begins an expression, ``%{`` a directive, and any other character is itself.
    """
    text, place = "", 0
    while place < len(template):
        if template.startswith(("$${", "%%{"), place):
            text += template[place + 1 : place + 3]
            place += 3
        elif template.startswith("${", place):
            found = [ref for ref in references if template.startswith(f"{ref}}}", place + 2)]
            if found:
                text += references[found[0]]
                place += len(found[0]) + 3
            else:
                assert template[place + 2] == '"', template
                end = template.index('"', place + 3)
                text += evaluate(template[place + 3 : end].replace(r"\r", "\r"), {})
                assert template[end + 1] == "}", template
                place = end + 2
        else:
            assert not template.startswith("%{", place), template
            text += template[place]
            place += 1
    return text


def _evaluated(value: Any) -> Any:
    match value:
        case str():
            return evaluate(value, REFERENCES)
        case dict():
            return {evaluate(key, REFERENCES): _evaluated(item) for key, item in value.items()}
        case list():
            return [_evaluated(item) for item in value]
        case _:
            return value


def _document(value: Value) -> dict[str, Any]:
    document = Document(
        comment="", providers={}, variables=(), locals={"value": value}, data=(), resources=(), outputs=()
    )
    written: dict[str, Any] = json.loads(render_document(document))
    return written


@given(VALUES)
@example("$$")
@example("a$$${b")
@example("%%%%{")
@example(Joined("$", Ref("var.a")))
@example(Joined("$$", Ref("var.a"), "{", Ref("local.b"), "{"))
@example(Joined("%$%", Ref("var.a")))
@example(Joined("$", "{", Ref("var.a"), "}"))
@example(Joined("\r", Ref("var.a")))
@example({"${key}": ["%{if}", "{% x %}"]})
def test_terraform_reads_what_was_meant(value: Value) -> None:
    """The template that is written for a value evaluates to the value with its references resolved."""
    assert _evaluated(_document(value)["locals"]["value"]) == resolve(value, REFERENCES)


@given(TEXTS)
def test_plain_text_is_itself(text: str) -> None:
    """Text without references resolves to itself, also if it looks like an expression of Step Functions."""
    assert resolve(text, {}) == text
    assert resolve({"a": [text]}, {}) == {"a": [text]}


@given(TEXTS)
def test_joining_text_in_pieces_is_the_same(text: str) -> None:
    """Where text is split does not matter to how it is escaped: a mark and its brace may come from two pieces."""
    whole = _document(Joined(text))
    assert all(_document(Joined(text[:cut], text[cut:])) == whole for cut in range(len(text) + 1))
    assert _document(Joined(*text)) == whole or not text


def _machine(value: Value, comment: str = "") -> StateMachine:
    task = Task(name="T", integration="lambda:invoke", arguments={"V": value}, next=None, comment=comment)
    return StateMachine(name="flow", comment=comment, states=(task,))


def _argument(value: Value) -> object:
    references = {"local.partition": "aws", "local.b": "pre/fix"}
    calls: list[Call] = []
    run(json.loads(render_machine(_machine(value), references)), {"n": 3}, calls.append)
    (call,) = calls
    assert call.resource == "arn:aws:states:::lambda:invoke"
    assert isinstance(call.arguments, dict)
    return call.arguments["V"]


@given(TEXTS | TEXTS.map("{{%{}".format))
@example("{% $states.input %}")
@example("{%%}")
@example("{% 'it''s' & \"quoted\" \\ 😀 \u2028 %}")
def test_step_functions_reads_what_was_meant(text: str) -> None:
    """Plain text is passed on as it is, also if it looks like an expression."""
    assert _argument(text) == text
    assert _argument({"list": [text]}) == {"list": [text]}


@given(TEXTS.map(lambda text: f"{{%{text}%}}"))
def test_text_that_looks_like_an_expression_is_text(text: str) -> None:
    """What stands between the marks of an expression is never evaluated if it is text."""
    assert _argument(text) == text


def test_expressions_are_evaluated() -> None:
    """Expressions and the references in them are not taken for text."""
    assert _argument(Expression("$states.input.n + 1")) == 4
    assert _argument(Expression("'", Ref("local.b"), "/x' & $string($states.input.n)")) == "pre/fix/x3"


@given(TEXTS)
def test_comments_are_text(text: str) -> None:
    """A comment is no expression to Step Functions, so it is escaped for Terraform only."""
    machine = _machine("x", comment=text)
    definition = json.loads(render_machine(machine, {"local.partition": "aws"}))
    assert definition["Comment"] == text
    assert definition["States"]["T"].get("Comment", "") == text
    assert evaluate(json.loads(render_template([machine]))["Comment"], {}) == text


def test_a_missing_reference_is_an_error() -> None:
    """Nothing is put in place of a reference whose value is not known."""
    with pytest.raises(KeyError, match=r"var\.none"):
        resolve(["text", Joined("a", Ref("var.none"))], {})


def test_what_terraform_does_not_evaluate_is_not_escaped() -> None:
    """Descriptions and defaults are no templates to Terraform: they stand as they are."""
    text = "costs ${5} %{or} more"
    variable = Variable(name="v", type="string", description=text, default=(text,))
    output = Output(name="o", description=text, value=text)
    document = Document(
        comment="", providers={}, variables=(variable,), locals={}, data=(), resources=(), outputs=(output,)
    )
    written = json.loads(render_document(document))
    assert written["variable"]["v"] == {"description": text, "type": "string", "default": text, "nullable": False}
    assert written["output"]["o"]["description"] == text
    assert evaluate(written["output"]["o"]["value"], {}) == text
    # Terraform refuses blocks without labels.
    assert {"locals", "data", "resource"}.isdisjoint(written)


@given(VALUES)
def test_rendering_is_the_same_each_time(value: Value) -> None:
    """A value is written to the same bytes each time, in UTF-8 that every reader of JSON takes."""
    assert json.dumps(_document(value)) == json.dumps(_document(value))
    json.dumps(_document(value), ensure_ascii=False).encode()


@given(value=st.dictionaries(TEXTS, VALUES, max_size=3))
def test_it_is_laid_out_as_json_does(value: Mapping[str, Value]) -> None:
    """A document is written with the white space of `json.dumps`, which takes longer."""
    document = Document(comment="", providers={}, variables=(), locals=value, data=(), resources=(), outputs=())
    text = render_document(document)
    assert text == json.dumps(json.loads(text), indent=2, ensure_ascii=False) + "\n"
