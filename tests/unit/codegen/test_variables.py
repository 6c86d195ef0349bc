"""Variables of a flow become variables of its document."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from laminar_codegen.command.main import main
from laminar_codegen.ir.inputs import variables_in
from laminar_codegen.lower_terraform.variable_names import check_variables
from laminar_codegen.pipeline import compile_flow
from laminar_codegen.problems import CompileError
from laminar_codegen.render.hcl import render_hcl
from laminar_runtime import Variable

FLOW = """
from laminar_runtime import Flow, Layer, Variable
from laminar_runtime.configurations import executors
from laminar_runtime.configurations.layers import Container, ForEach, Parameter


class Report(Flow): ...


@Report.register(container=Container(image={one}))
class Load(Layer):
    def __call__(self) -> None: ...


@Report.register(container=Container(image={two}), executor={executor})
class Score(Layer):
    def __call__(self) -> None: ...


flow = Report()
"""


@pytest.fixture
def folder(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Path:
    monkeypatch.chdir(tmp_path)
    return tmp_path


def write(folder: Path, one: str, two: str = "None", executor: str = "None") -> Path:
    file = folder / "flow.py"
    file.write_text(FLOW.format(one=one, two=two, executor=executor), encoding="utf-8")
    return file


def compiled(capsys: pytest.CaptureFixture[str], *options: str) -> dict[str, Any]:
    assert main([*options, "flow.py"]) == 0, capsys.readouterr().err
    document: dict[str, Any] = json.loads(capsys.readouterr().out)
    return document


def test_an_image_of_a_variable_is_a_reference(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """The document declares it, uses it for the job, and finds its repository. The user's text stays text."""
    write(folder, 'Variable("worker", description="Costs ${5}.", default="own:1")')
    for options in ((), ("--module", "../flow")):
        document = compiled(capsys, *options)
        declared = document["variable"]["worker"]
        assert declared["description"] == "Costs ${5}."
        assert declared["default"] == "own:1"
        assert declared["type"] == "string"
        assert declared["nullable"] is False
        assert declared["validation"][0]["condition"] == '${can(regex("^[^[:space:]]+$", var.worker))}'
        images = {item["image"] for item in document["locals"]["containers"].values()}
        assert images == {"${var.image}", "${var.worker}"}
        assert document["locals"]["images"] == ["${var.image}", "${var.worker}"]
        assert document["locals"]["layers"]["Load"]["image"] == "${var.worker}"
    assert '  description = "Costs $${5}."\n  type        = string\n  default     = "own:1"\n' in render_hcl(
        compile_flow("flow.py").document
    )


def test_the_image_of_a_function_must_be_in_ecr(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """AWS Lambda accepts no other: the plan refuses one, as it does for the variable image."""
    write(folder, "None", 'Variable("model")', "executors.AWS.Lambda()")
    document = compiled(capsys)
    assert "dkr[.-]ecr" in document["variable"]["model"]["validation"][0]["condition"]
    assert "default" not in document["variable"]["model"]
    (function,) = document["resource"]["aws_lambda_function"].values()
    assert function["image_uri"] == "${var.model}"


def test_a_label_follows_from_the_name_of_a_variable(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """A new default changes no label, another name does."""
    labels = []
    for variable in ('"one", default="a"', '"one", default="b"', '"two", default="a"'):
        write(folder, f"Variable({variable})")
        labels.append([*compiled(capsys)["resource"]["aws_batch_job_definition"]])
    assert labels[0] == labels[1] != labels[2]


@pytest.mark.parametrize(
    ("one", "two", "expected"),
    [
        (
            'Variable("worker", default="a")',
            'Variable("worker", default="b")',
            "flow.py:15: LAM080 layer 'Score' has Variable(name='worker', description='', default='b'), and layer",
        ),
        ('Variable("tags")', '"own:1"', "flow.py:10: LAM081 layer 'Load' has the Variable 'tags', and the document"),
    ],
)
def test_names_are_of_one_variable(folder: Path, one: str, two: str, expected: str) -> None:
    """Two that differ, and one with the name of the document's own, are refused with their places."""
    write(folder, one, two)
    with pytest.raises(CompileError) as error:
        compile_flow("flow.py")
    assert expected in str(error.value)
    write(folder, 'Variable("worker", default="a")', 'Variable("worker", default="a")')
    check_variables(compile_flow("flow.py").deployment)


def test_variables_are_found_wherever_they_are() -> None:
    """In maps, lists, and objects of both kinds of declarations."""
    value = {"a": [Variable("one")], "b": (1, None, {"c": Variable("two")})}
    assert [item.name for item in variables_in(value)] == ["one", "two"]
