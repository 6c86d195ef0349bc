"""Text of any kind comes back from real Terraform as it was, from JSON and from HCL."""

from __future__ import annotations

import contextlib
import json
import tempfile
import unicodedata
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from laminar_codegen.checks.texts import fault_of
from laminar_codegen.ir.expressions import Joined, Ref, Value, resolve
from laminar_codegen.ir.terraform import Document, Output, Validation, Variable
from laminar_codegen.render.hcl import render_hcl
from laminar_codegen.render.terraform_json import render_document
from tests.support.terraform_harness import Terraform

LOCALS = {"a": "A", "empty": "", "template": "${var.a}%{ if x }"}
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


def _kept(text: str) -> bool:
    return fault_of(text) is None


def _normal(text: str) -> str:
    """Return text in Unicode's normal form C, as Terraform keeps it."""
    return unicodedata.normalize("NFC", text)


PIECES = st.sampled_from("$%{}\"\\~ \n\r\t'=a\u2028\u0301\u200d\U0001f469") | st.sampled_from(WORDS) | CHARACTERS
TEXTS = st.lists(PIECES, max_size=8).map("".join).map(_normal).filter(_kept)
LONG = st.tuples(TEXTS, st.integers(100, 2000)).map(lambda given: _normal(given[0] * given[1])).filter(_kept)
REFS = st.sampled_from(sorted(REFERENCES)).map(Ref)
JOINED = (
    st.lists(TEXTS | REFS, max_size=6)
    .map(lambda parts: Joined(*parts))
    .filter(lambda joined: _kept(_normal(resolve(joined, REFERENCES))))
)
VALUES = st.recursive(
    TEXTS | REFS | JOINED | st.booleans() | st.none() | st.integers(-(2**53), 2**53) | st.floats(-1e9, 1e9),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(TEXTS, inner, max_size=4),
    max_leaves=8,
)


def _document(values: list[Value], prefix: str, known: Mapping[str, str]) -> Document:
    texts = [value for value in values if isinstance(value, str)]
    return Document(
        comment="Texts",
        providers={},
        variables=tuple(
            Variable(
                name=f"{prefix}_{number}",
                type="string",
                description=text,
                default=(text,),
                validation=(Validation(f"var.{prefix}_{number} != null", f"It is wrong: {text}"),),
            )
            for number, text in enumerate(texts)
        ),
        locals={**known, prefix: values},
        data=(),
        resources=(),
        outputs=(Output(name=prefix, description="".join(texts), value=texts),),
    )


def _expected(value: Value) -> Any:
    """Return a value with references resolved, and texts in normal form."""
    return _normalised(resolve(value, REFERENCES))


def _normalised(value: Any) -> Any:
    match value:
        case str():
            return _normal(value)
        case dict():
            return {_normal(key): _normalised(item) for key, item in value.items()}
        case list():
            return [_normalised(item) for item in value]
        case _:
            return value


@pytest.fixture(scope="module")
def configuration(tmp_path_factory: pytest.TempPathFactory) -> Path:
    file = tmp_path_factory.mktemp("terraform") / "terraform.rc"
    file.write_text("disable_checkpoint = true\n")
    return file


@settings(max_examples=10)
@given(st.lists(VALUES | TEXTS | LONG, min_size=8, max_size=40))
@example([Joined("$", Ref("local.a")), "$", "100%", Joined("%$", Ref("local.template"), "$")])
@example(
    [Joined("\r", Ref("local.a")), Joined("a$\r\r%", Ref("local.empty"), "\r"), "\r${", Joined("\r\n", Ref("local.a"))]
)
@example([{word: word for word in WORDS}, {"for": "x"}, {"": 1}])
@example([{"\u0e33\u1100\u1161\u11a8\U0001f1e9\U0001f1ea": 1, "b": 2, "\U0001f469\u200d\U0001f469": 3, "ä中": 4}])
@example([{"x\u0315y": 1, "ﾞ": 2, "\u200b": 3, "\u00ad": 4, "\u00a9\ufe0f": 5, "ᄀ": 6, "ก็": 7, "\r": 8, "~": -2.5e-07}])
@example(["\x00\x01\x7f\x85\u2028\ufeff", ["a" * 100, {"b": "c" * 100}], [[{}], [], {}]])
def test_terraform_reads_what_was_meant(configuration: Path, values: list[Value]) -> None:
    """Terraform evaluates a document to the values that were meant, in JSON and in HCL, laid out as it would."""
    written = _document(values, "json", {}), _document(values, "hcl", LOCALS)
    defaults = [variable.default[0] for variable in written[0].variables if variable.default]
    with tempfile.TemporaryDirectory() as folder:
        Path(folder, "main.tf.json").write_text(render_document(written[0]), encoding="utf-8")
        Path(folder, "main.tf").write_text(render_hcl(written[1]), encoding="utf-8")
        terraform = Terraform(Path(folder), configuration, {})
        given = ", ".join(f"[{', '.join(f'var.{item.name}' for item in document.variables)}]" for document in written)
        from_json, from_hcl, *found = terraform.evaluate(f"[local.json, local.hcl, {given}]")
        assert from_json == _expected(values)
        assert from_hcl == _expected(values)
        assert found == [defaults, defaults]
        assert terraform.format_difference() == ""


@pytest.mark.parametrize("text", ["\n\u0301", "<\u0327", "\x1a\u0301", "\t\u0323"])
def test_terraform_breaks_what_is_refused(text: str, configuration: Path, tmp_path: Path) -> None:
    """Texts of which Terraform makes JSON that is none, or of another meaning, are refused."""
    assert fault_of(text)
    assert fault_of(text.replace(text[0], "x ")) is None
    (tmp_path / "main.tf").write_text(render_hcl(_document([text], "hcl", LOCALS)), encoding="utf-8")
    terraform = Terraform(tmp_path, configuration, {})
    with contextlib.suppress(json.JSONDecodeError):
        assert terraform.evaluate("local.hcl") != [text]


def test_terraform_changes_what_is_refused(configuration: Path, tmp_path: Path) -> None:
    """The texts that the compiler refuses are those that Terraform changes: at the limit it does not."""
    refused = ["e\u0301", "\u2126", "a" + "\u0315" * 31, "\uac00\u0323" + "\u0315" * 30]
    kept = ["\u00e9", "a" + "\u0315" * 30, ("a" + "\u0315" * 30) * 3]
    (tmp_path / "main.tf").write_text(render_hcl(_document([*refused, *kept], "hcl", LOCALS)), encoding="utf-8")
    found = Terraform(tmp_path, configuration, {}).evaluate("local.hcl")
    assert all(fault_of(text) for text in refused)
    assert [text for text in refused if text in found] == []
    assert [fault_of(text) for text in kept] == [None] * len(kept)
    assert found[len(refused) :] == kept
