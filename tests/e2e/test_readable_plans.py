"""The plan of a release says what changes of each layer, in few lines, to people and to policies that check it."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from laminar_codegen.ir.terraform import Module
from laminar_codegen.pipeline import compile_flow
from laminar_codegen.render.terraform_json import render_document
from tests.e2e.conftest import Platform
from tests.support.sizes import size

MODULE = Module(str(Path(__file__).parents[2] / "terraform_modules" / "flow"))
IMAGE = "123456789012.dkr.ecr.eu-west-1.amazonaws.com/team/flow"
#: So many layers that nobody reads a plan in which each of them is.
LAYERS = size(150, full=500)
FEW = 30

Build = Callable[[Path], Platform]


def flow(memory: int, layers: int, attempts: int = 1) -> str:
    """Return a flow of chains that run beside each other, with one layer of another size."""
    lines = [
        "from laminar_runtime import Flow, Layer",
        "from laminar_runtime.configurations.layers import Container, Retry",
        "class Wide(Flow): ...",
    ]
    for number in range(layers):
        before = f"L{number - 10}"
        hint = f", before: {before}" if number >= 10 else ""
        own = f"(container=Container(memory={memory}), retry=Retry(attempts={attempts}))" if number == 23 else ""
        lines += [f"@Wide.register{own}", f"class L{number}(Layer):", f"    def __call__(self{hint}) -> None: ..."]
    return "\n".join([*lines, "if flow := Wide():", "    flow()", ""])


def compile_version(made: Platform, text: str, module: Module | None) -> None:
    """Put the document of a version in place."""
    file = made.terraform.directory.parent / "flow.py"
    file.write_text(text, encoding="utf-8")
    document = render_document(compile_flow(str(file), module=module).document)
    (made.terraform.directory / "main.tf.json").write_text(document, encoding="utf-8")


def printed(made: Platform, **variables: object) -> list[str]:
    """Return what `terraform plan` prints."""
    words = [f"-var={name}={value}" for name, value in variables.items()]
    ran = made.terraform._start("plan", "-input=false", *words)
    assert ran.returncode == 0, ran.stderr
    return ran.stdout.splitlines()


def layers_of(document: Any) -> dict[str, Any]:
    """Return what a policy sees of layers in a plan: their actions, and what they are before and after."""
    changes = document["resource_changes"]
    return {
        change["index"]: change["change"] for change in changes if change["address"].startswith("terraform_data.layer[")
    }


@pytest.mark.parametrize(("module", "layers"), [(None, LAYERS), (MODULE, FEW)], ids=["self-contained", "module"])
def test_a_release_of_many_layers(module: Module | None, layers: int, platform: Build, tmp_path: Path) -> None:
    """With a new image and a changed size the plan shows that size, and no more than can be read."""
    file = tmp_path / "flow.py"
    file.write_text(flow(4096, layers=layers), encoding="utf-8")
    made = platform(file)
    compile_version(made, flow(4096, layers=layers), module)
    made.terraform.init()
    given = {**made.variables, "image": f"{IMAGE}:1"}
    made.terraform.apply(**given)

    compile_version(made, flow(8192, attempts=3, layers=layers), module)
    given["image"] = f"{IMAGE}:2"
    lines = printed(made, **given)
    # Of each layer it says that it looks it up.
    assert len(lines) < layers + 100
    place = next(number for number, line in enumerate(lines) if 'terraform_data.layer["L23"] will be updated' in line)
    shown = [line.split() for line in lines[place : place + 20]]
    assert ["~", "memory", "=", "4096", "->", "8192"] in shown
    assert ["+", "attempts", "=", "3"] in shown

    plan = made.terraform.plan(**given)
    changed = {name: change for name, change in layers_of(plan.document).items() if change["actions"] != ["no-op"]}
    assert changed.keys() == {"L23"}
    assert (changed["L23"]["before"]["input"]["memory"], changed["L23"]["after"]["input"]["memory"]) == (4096, 8192)
    assert len(layers_of(plan.document)) == layers
    made.terraform.apply_plan()
    assert made.terraform.plan(**given).empty


def test_the_first_plan(platform: Build, tmp_path: Path) -> None:
    """A policy that checks the first plan of a deployment knows what each layer is, and what each role may do."""
    file = tmp_path / "flow.py"
    file.write_text(flow(4096, layers=FEW), encoding="utf-8")
    made = platform(file)
    made.terraform.init()
    document = made.terraform.plan(**made.variables).document
    assert layers_of(document)["L23"]["after"]["input"] == {
        "runs_on": "AWS Batch, FARGATE",
        "cpu": 1,
        "memory": 4096,
        "after": "L13",
    }
    policies = {
        change["address"]: change["change"]["after"]["policy"]
        for change in document["resource_changes"]
        if change["type"] == "aws_iam_role_policy"
    }
    assert "batch:SubmitJob" in policies["aws_iam_role_policy.state_machine[0]"]
