"""Text of any kind comes back from real Terraform as it was, from JSON and from HCL."""

from __future__ import annotations

import json
import tempfile
import unicodedata
from pathlib import Path
from typing import Any

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from laminar_codegen.document import Document, Output, Validation, Variable
from laminar_codegen.render import render_document, resolve
from laminar_codegen.render_hcl import render_hcl
from laminar_codegen.values import Joined, Ref, Value
from tests.terraform_harness import Terraform

REFERENCES = {
    "local.a": "A",
    "local.empty": "",
    'local.a == "A" ? "{" : "y"': "{",
    "local.template": "${var.a}%{ if x }",
}
WORDS = (
    "for",
    "in",
    "if",
    "null",
    "true",
    "false",
    "each",
    "count",
    "self",
    "${",
    "%{",
    "{%",
    "%}",
    "$${",
    "<<EOT",
    "\\",
    "\\n",
    "//",
    "#",
    "/*",
)
CHARACTERS = st.characters(exclude_categories=["Cs", "Cn"])


def _normal(text: str) -> str:
    """Text as Terraform has it: it keeps all texts in Unicode's normal form C."""
    return unicodedata.normalize("NFC", text)


TEXTS = st.lists(
    st.sampled_from("$%{}\"\\~ \n\r\t'=a\u2028\u0301\u200d\U0001f469") | st.sampled_from(WORDS) | CHARACTERS, max_size=8
).map(lambda parts: _normal("".join(parts)))
LONG = st.tuples(TEXTS, st.integers(100, 5000)).map(lambda given: _normal(given[0] * given[1]))
REFS = st.sampled_from(sorted(REFERENCES)).map(Ref)
JOINED = st.lists(TEXTS | REFS, max_size=6).map(lambda parts: Joined(*parts))
VALUES = st.recursive(
    TEXTS | REFS | JOINED | st.booleans() | st.none() | st.integers(-(2**53), 2**53) | st.floats(-1e9, 1e9),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(TEXTS, inner, max_size=4),
    max_leaves=8,
)


def _document(values: list[Value]) -> Document:
    texts = [value for value in values if isinstance(value, str)]
    return Document(
        comment="Texts",
        providers={},
        variables=tuple(
            Variable(
                name=f"v{number}",
                type="string",
                description=text,
                default=(text,),
                validation=(Validation(f"var.v{number} != null", f"It is wrong: {text}"),),
            )
            for number, text in enumerate(texts)
        ),
        locals={"a": "A", "empty": "", "template": "${var.a}%{ if x }", "values": values},
        data=(),
        resources=(),
        outputs=(Output(name="texts", description="".join(texts), value=texts),),
    )


def _expected(value: Value) -> Any:
    """A value as it comes back: references resolved, texts in normal form."""
    return json.loads(_normal(json.dumps(resolve(value, REFERENCES), ensure_ascii=False)))


@pytest.fixture(scope="module")
def configuration(tmp_path_factory: pytest.TempPathFactory) -> Path:
    file = tmp_path_factory.mktemp("terraform") / "terraform.rc"
    file.write_text("disable_checkpoint = true\n")
    return file


def _terraform(name: str, text: str, configuration: Path, folder: str) -> Terraform:
    Path(folder, name).write_text(text, encoding="utf-8")
    return Terraform(Path(folder), configuration, {})


@settings(max_examples=25)
@given(st.lists(VALUES | TEXTS | LONG, min_size=1, max_size=60))
@example([Joined("$", Ref("local.a")), "$", "100%", Joined("%$", Ref("local.template"), "$")])
@example([{word: word for word in WORDS}, {"for": "x"}, {"": 1, "e\u0301"[:1]: 2}])
@example([{"\u0e33\u1100\u1161\u11a8\U0001f1e9\U0001f1ea": 1, "b": 2, "\U0001f469\u200d\U0001f469": 3, "ä中": 4}])
@example(["\x00\x01\x7f\x85\u2028\ufeff", ["a" * 100, {"b": "c" * 100}], [[{}], [], {}]])
def test_terraform_reads_what_was_meant(configuration: Path, values: list[Value]) -> None:
    """Terraform evaluates a document to the values that were meant, the same from JSON and from HCL."""
    document = _document(values)
    expected = _expected(values)
    for name, text in {"main.tf.json": render_document(document), "main.tf": render_hcl(document)}.items():
        with tempfile.TemporaryDirectory() as folder:
            terraform = _terraform(name, text, configuration, folder)
            assert terraform.evaluate("local.values") == expected
            defaults = [variable.default[0] for variable in document.variables if variable.default]
            assert terraform.evaluate(f"[{', '.join(f'var.v{n}' for n in range(len(defaults)))}]") == defaults


@settings(max_examples=25)
@given(st.lists(VALUES | TEXTS | LONG, min_size=1, max_size=60))
@example([{"\u0e33\u1100\u1161\u11a8\U0001f1e9\U0001f1ea": 1, "b": 2, "\U0001f469\u200d\U0001f469": 3, "ä中": 4}])
@example([{"x\u0301y": 1, "ﾞ": 2, "\u200b": 3, "\u00ad": 4, "\u00a9\ufe0f": 5, "ᄀ": 6, "ก็": 7, "\r": 8, "~": -1.5e300}])
def test_terraform_would_lay_it_out_so(configuration: Path, values: list[Value]) -> None:
    """`terraform fmt` has nothing to change, whatever texts there are in keys and values."""
    with tempfile.TemporaryDirectory() as folder:
        assert _terraform("main.tf", render_hcl(_document(values)), configuration, folder).unformatted() == ""
