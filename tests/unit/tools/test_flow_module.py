"""The module ``flow`` is generated from the values of self-contained documents."""

from __future__ import annotations

from pathlib import Path

import attrs
import pytest

from laminar_codegen.ir.deployment import Alarm
from laminar_codegen.ir.expressions import Joined, Ref
from laminar_codegen.ir.terraform import Block, Module, Variable
from laminar_codegen.lower_terraform.module_call import call_module
from laminar_codegen.triggers import registry
from laminar_codegen.triggers.kind import InModule, TriggerKind
from tests.support.golden import CASES, compilation_of
from tools.flow_module.__main__ import FOLDER, differences
from tools.flow_module.files import render_files
from tools.flow_module.inputs import emit_inputs

UPLOAD = TriggerKind(
    name="upload",
    find=lambda _: (),
    emit=lambda _: (),
    in_module=InModule(
        variable=Variable(name="upload", type="object({ prefix = string })", description="Uploads.", default=(None,)),
        argument=lambda value: {"prefix": value},
        resources=(
            Block(
                "aws_sqs_queue",
                "upload",
                {"name": Ref("var.upload.prefix"), "role": Ref("local.upload_role_arn")},
                comment="Failed uploads.",
            ),
        ),
        alarms=(
            Alarm(
                label="late",
                description=Joined("An upload is late"),
                namespace="AWS/SQS",
                metric="Age",
                statistic="Maximum",
                dimensions={"QueueName": Ref("aws_sqs_queue.upload.name")},
                period=60,
                threshold=7,
            ),
        ),
    ),
)


def test_the_files_are_up_to_date() -> None:
    """Those in the repository are the generated ones: run python -m tools.flow_module --write."""
    assert differences(FOLDER) == ""
    assert {file.name for file in FOLDER.glob("*.tf")} == set(render_files())


def test_a_difference_is_shown(tmp_path: Path) -> None:
    """A changed line is shown with what it should be, and so is a file that is missing."""
    for name, text in render_files().items():
        (tmp_path / name).write_text(text.replace('delete = "60m"', 'delete = "5m"'), encoding="utf-8")
    (tmp_path / "versions.tf").unlink()
    lines = differences(tmp_path).splitlines()
    assert '-    delete = "5m"' in lines
    assert '+    delete = "60m"' in lines
    assert "+terraform {" in lines


@pytest.mark.parametrize("case", sorted(CASES))
def test_documents_call_it_by_its_inputs(case: str) -> None:
    """A call has all inputs without a default, and no others than the module has."""
    inputs = {variable.name: variable for variable in emit_inputs()}
    compiled = compilation_of(case)
    (call,) = call_module(compiled.document, Module("./flow"), compiled.deployment).calls
    assert set(call.body) <= set(inputs)
    assert {name for name, variable in inputs.items() if variable.default is None} <= set(call.body)


def test_a_kind_of_trigger_is_in_the_module(monkeypatch: pytest.MonkeyPatch) -> None:
    """Its input, its resources and its alarms are there, with the references of the module."""
    monkeypatch.setattr(registry, "TRIGGERS", (*registry.TRIGGERS, UPLOAD))
    files = render_files()
    assert 'variable "upload" {' in files["variables.tf"]
    resource = files["upload.tf"].split("\n\n", 1)[1]
    assert resource == (
        '# Failed uploads.\nresource "aws_sqs_queue" "upload" {\n'
        "  count = var.upload == null ? 0 : 1\n\n"
        "  name = var.upload.prefix\n"
        '  role = local.role_arns["upload"]\n}\n'
    )
    assert "merge([for _ in var.upload[*] : {\n      late = {\n" in files["alarms.tf"]
    assert "QueueName = aws_sqs_queue.upload[0].name\n" in files["alarms.tf"]
    assert "period    = 60\n        threshold = 7\n" in files["alarms.tf"]


def test_a_threshold_is_written_once(monkeypatch: pytest.MonkeyPatch) -> None:
    """The alarm of a kind of trigger is the same value in documents and in the module."""
    schedule = next(kind for kind in registry.TRIGGERS if kind.name == "schedule")
    assert schedule.in_module is not None
    assert schedule.in_module.alarms == tuple(schedule.alarms(None))
    changed = tuple(attrs.evolve(alarm, threshold=3) for alarm in schedule.in_module.alarms)
    other = attrs.evolve(schedule, in_module=attrs.evolve(schedule.in_module, alarms=changed))
    monkeypatch.setattr(registry, "TRIGGERS", (other,))
    assert render_files()["alarms.tf"].count("threshold = 3\n") == 1
