"""Documents in JSON: read into blocks, and put in order."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from laminar_codegen.rehearsal.arguments import make_parser
from laminar_codegen.rehearsal.document.configuration import Configuration, read_configuration, read_text
from laminar_codegen.rehearsal.document.errors import DocumentError
from laminar_codegen.rehearsal.document.given import read_values
from laminar_codegen.rehearsal.document.order import in_order
from laminar_codegen.rehearsal.subject import find_subject

QUEUE = "arn:aws:batch:eu-west-3:123456789012:job-queue/q"


def read(document: Any) -> Configuration:
    return read_text(json.dumps(document))


def test_blocks() -> None:
    """Each block has its kind, its labels and its file, whether Terraform takes one body there or several."""
    found = read(
        {
            "//": "a comment",
            "terraform": {},
            "locals": [{"a": 1}, {"b": 2}],
            "resource": [{"aws_iam_role": {"task": [{"name": "x"}]}}, {"aws_iam_role": {"planner": {"name": "y"}}}],
            "data": {"aws_region": {"current": {}}},
            "import": {"to": "aws_iam_role.task"},
        }
    )
    assert [block.place for block in found.blocks.values()] == [
        "main.tf.json: local.a",
        "main.tf.json: local.b",
        "main.tf.json: aws_iam_role.task",
        "main.tf.json: aws_iam_role.planner",
        "main.tf.json: data.aws_region.current",
    ]
    assert found.ignored == (("main.tf.json", "import"),)


def test_a_folder(tmp_path: Path) -> None:
    """The documents of a folder are one configuration; a name that is declared twice is refused with both files."""
    (tmp_path / "main.tf.json").write_text('{"locals": {"a": 1}}')
    (tmp_path / "more.tf.json").write_text('{"locals": {"b": 2}}')
    assert set(read_configuration(tmp_path).blocks) == {("local", "a"), ("local", "b")}
    (tmp_path / "more.tf.json").write_text('{"locals": {"a": 2}}')
    with pytest.raises(DocumentError, match=r"more\.tf\.json: local\.a: it is declared in main\.tf\.json already"):
        read_configuration(tmp_path)


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("{", "main.tf.json: this is not JSON"),
        ("[]", "main.tf.json: a document is a JSON object"),
        ('{"resource": {"aws_x": 1}}', "main.tf.json: resource.aws_x must be JSON objects, not 1"),
        ("[" * 100_000, "main.tf.json: it is nested too deeply"),
    ],
)
def test_text_that_is_no_document(text: str, reason: str) -> None:
    """The error names the file, and what is wrong."""
    with pytest.raises(DocumentError) as caught:
        read_text(text)
    assert reason in str(caught.value)


def test_order() -> None:
    """Blocks come after what they refer to, also by `depends_on`, and else in the order of the document."""
    order, needs = in_order(
        read(
            {
                "output": {"o": {"value": "${aws_x.b.id}"}},
                "resource": {
                    "aws_x": {
                        "c": {"depends_on": ["aws_x.b"], "lifecycle": {"ignore_changes": ["name"]}},
                        "b": {"name": "${local.n}", "for_each": "${var.v}", "key": "${each.key}"},
                        "a": {},
                    }
                },
                "locals": {"n": "${data.aws_region.r.name}"},
                "data": {"aws_region": {"r": {}}},
                "variable": {"v": {"description": "not ${a.template}"}},
            }
        )
    )
    addresses = [block.address for block in order]
    for before, after in [
        ("data.aws_region.r", "local.n"),
        ("local.n", "aws_x.b"),
        ("var.v", "aws_x.b"),
        ("aws_x.b", "aws_x.c"),
        ("aws_x.b", "output.o"),
    ]:
        assert addresses.index(before) < addresses.index(after)
    assert needs["aws_x", "b"] == {("local", "n"), ("var", "v")}


def test_what_is_not_declared() -> None:
    """All references to nothing are reported, each with its place and its expression."""
    with pytest.raises(DocumentError) as caught:
        in_order(
            read(
                {
                    "locals": {"a": "${local.b}", "c": "${"},
                    "resource": {"aws_x": {"y": {"name": "${var.z}-x", "depends_on": ["aws_x.gone"]}}},
                }
            )
        )
    assert str(caught.value).splitlines() == [
        "main.tf.json: local.a: ${local.b}: 'local.b' is not declared",
        "main.tf.json: local.c: argument value: ${: a name is expected at its end",
        "main.tf.json: aws_x.y: ${var.z}-x: 'var.z' is not declared",
        "main.tf.json: aws_x.y: aws_x.gone: 'aws_x.gone' is not declared",
    ]


def test_a_circle() -> None:
    """Blocks that refer to each other are named in their order."""
    with pytest.raises(DocumentError, match=r"cycle: local\.\w -> local\.\w -> local\.\w"):
        in_order(read({"locals": {"a": "${local.b}", "b": "${local.a}"}}))


def test_values_of_variables(tmp_path: Path) -> None:
    """Later files win over earlier ones and the environment, options over all."""
    (tmp_path / "terraform.tfvars").write_text('a = "file"\nb = "file"\nc = "file"\n')
    (tmp_path / "z.auto.tfvars.json").write_text('{"b": "auto", "c": "auto", "//": "comment"}')
    extra = tmp_path / "extra.tfvars.json"
    extra.write_text('{"c": "extra", "d": "extra"}')
    given = read_values(
        tmp_path, [("d", "option")], [extra], {"TF_VAR_a": "environment", "TF_VAR_e": "environment", "HOME": "x"}
    )
    assert given.values == {"a": "file", "b": "auto", "c": "extra"}
    assert given.texts == {"d": "option", "e": "environment"}
    assert given.options == {"d"}


def test_a_file_of_values_that_is_none(tmp_path: Path) -> None:
    """The error names the file."""
    (tmp_path / "terraform.tfvars").write_text("a =")
    with pytest.raises(DocumentError, match=r"terraform\.tfvars: a name is expected"):
        read_values(tmp_path, [], [], {})


_FLOW = """\
from laminar_runtime import Flow, Layer

class F(Flow): ...

@F.register
class A(Layer):
    def __call__(self) -> None: ...

flow = F()
"""
_NO_TEXT = b"\xff\xfe\x00"


@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("main.tf.json", ["--document", "."]),
        ("main.tf", ["--document", "."]),
        ("other.tf.json", ["--document", "other.tf.json"]),
        ("values.tfvars.json", ["--var-file", "values.tfvars.json"]),
        ("event.json", ["--event", "event.json"]),
    ],
)
def test_files_that_are_no_text(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str, words: list[str]) -> None:
    """The error names the file."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / "flow.py").write_text(_FLOW)
    (tmp_path / name).write_bytes(_NO_TEXT)
    with pytest.raises(DocumentError, match=f"{name}: this is not text in UTF-8"):
        find_subject(make_parser().parse_args([*words, "flow.py"]), {})


def test_a_document_that_is_not_there(tmp_path: Path) -> None:
    """It is refused before Terraform is asked, which would read the folder above it."""
    options = make_parser().parse_args(["--document", str(tmp_path / "missing"), "flow.py"])
    with pytest.raises(DocumentError, match="missing: there is no such file or folder"):
        find_subject(options, {})


@pytest.mark.parametrize(
    ("files", "by_terraform", "region"),
    [
        ({"main.tf.json": "{}"}, False, "us-east-1"),
        ({"main.tf.json": "{}", "versions.tf": "terraform {\n  required_version = 1\n}\n"}, False, "us-east-1"),
        ({"main.tf.json": "{}", "p.tf": 'provider "aws" {\n  region = "eu-west-1"\n}\n'}, False, "eu-west-1"),
        ({"main.tf.json": '{"provider": {"aws": {"region": "eu-west-2"}}}'}, False, "eu-west-2"),
        ({"main.tf.json": "{}", "more.tf": "locals {\n}\n"}, True, "us-east-1"),
        ({"main.tf.json": "{}", "main_override.tf.json": "{}"}, True, "us-east-1"),
        ({"main.tf.json": '{"module": {"m": {"source": "./m"}}}'}, True, "us-east-1"),
        ({"main.tf.json": "{}", "terraform.tfvars": f'job_queue_arn = "{QUEUE}"'}, False, "eu-west-3"),
    ],
)
def test_which_folders_terraform_reads(
    tmp_path: Path, files: dict[str, str], region: str, *, by_terraform: bool
) -> None:
    """HCL that declares something, overrides and modules are Terraform's; the region is the documents'."""
    for name, text in files.items():
        (tmp_path / name).write_text(text)
    (tmp_path / "flow.py").write_text(_FLOW)
    options = make_parser().parse_args(["--document", str(tmp_path), str(tmp_path / "flow.py")])
    subject = find_subject(options, {})
    assert (subject.configuration is None) == by_terraform
    assert subject.region == region
