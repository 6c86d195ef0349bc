"""A flow that is deployed is changed and applied again: what changes is what was changed, and executions go on."""

from __future__ import annotations

import shutil
import time
from collections.abc import Callable
from pathlib import Path

import attrs
import pytest

from laminar_codegen.loader import load
from laminar_runtime.configurations.schedulers import AWS
from tests.e2e.conftest import Platform, compile_document
from tests.terraform_harness import Terraform

FLOW = """
import time
from pathlib import Path

from laminar_runtime import Flow, Layer
from laminar_runtime.configurations.layers import Container

GATE = Path({gate!r})

class Report(Flow): ...

@Report.register
class Load(Layer):
    def __call__(self) -> None:
        self.started = time.monotonic()
        while not GATE.exists() and time.monotonic() < self.started + 120:
            time.sleep(0.1)
        self.rows = [1, 2, 3]

@Report.register(container=Container(memory=4096))
class Clean(Layer):
    def __call__(self, load: Load) -> None:
        self.rows = load.rows[1:]

@Report.register
class Publish(Layer):
    def __call__(self, clean: Clean) -> None:
        self.total = sum(clean.rows)

{more}
if flow := Report():
    flow()
"""
ANOTHER = """
@Report.register
class Check(Layer):
    def __call__(self, clean: Clean) -> None:
        self.fine = len(clean.rows) == 2
"""
UNUSUAL = """
@Report.register(container=Container(command="python -O main.py"))
class Count(Layer):
    def __call__(self, clean: Clean) -> None:
        self.rows = len(clean.rows)
"""
MACHINE = ("aws_sfn_state_machine.flow", ("update",))

Build = Callable[[Path], Platform]


@attrs.frozen
class Deployed:
    """The flow's first version, applied.

    Args:
        platform: Where it is.
        first: Its text.
        folder: Where the files of its versions are written.
    """

    platform: Platform
    first: str
    folder: Path

    @property
    def terraform(self) -> Terraform:
        """Terraform, in the folder of the document."""
        return self.platform.terraform

    def compile(self, text: str) -> None:
        """Put the document of another version in place of the one before."""
        file = self.folder / "version.py"
        file.write_text(text, encoding="utf-8")
        (self.terraform.directory / "main.tf.json").write_text(compile_document(file), encoding="utf-8")

    def upgrade(self, **changed: object) -> list[tuple[str, tuple[str, ...]]]:
        """Apply, and give what changed; a plan made after it is empty."""
        variables = {**self.platform.variables, **changed}
        changes = sorted((change.address, change.actions) for change in self.terraform.plan(**variables).changes)
        self.terraform.apply(**variables)
        assert self.terraform.plan(**variables).empty
        return changes


@pytest.fixture
def deployed(tmp_path: Path, platform: Build) -> Deployed:
    text = FLOW.format(gate=str(tmp_path / "gate"), more="")
    file = tmp_path / "flow.py"
    file.write_text(text, encoding="utf-8")
    made = Deployed(platform(file), text, tmp_path)
    made.terraform.init()
    made.terraform.apply(**made.platform.variables)
    return made


def test_versions(deployed: Deployed) -> None:
    """A size, a layer and a name are changes of the state machine; another container is one job definition more."""
    first = deployed.first
    assert deployed.upgrade() == []

    deployed.compile(first.replace("memory=4096", "memory=8192"))
    assert deployed.upgrade() == [MACHINE]

    deployed.compile(first.replace("\n\nif flow", f"{ANOTHER}\nif flow"))
    assert deployed.upgrade() == [MACHINE]

    deployed.compile(first.replace("class Publish", "class Announce"))
    assert deployed.upgrade() == [MACHINE]

    deployed.compile(first.replace("\n\nif flow", f"{UNUSUAL}\nif flow"))
    added, *others = deployed.upgrade()
    assert added[0].startswith("aws_batch_job_definition.fargate_")
    assert added[1] == ("create",)
    assert others == [("aws_iam_role_policy.state_machine", ("update",)), MACHINE]

    deployed.compile(first)
    removed, *others = deployed.upgrade()
    assert removed == (added[0], ("delete",))
    assert others == [("aws_iam_role_policy.state_machine", ("update",)), MACHINE]


def test_variables(deployed: Deployed) -> None:
    """Tags are changed in place; an image is a new revision of what runs it; a key is one for what has one."""
    changes = deployed.upgrade(tags={"team": "reports"})
    tagged = {"aws_cloudwatch_log_group", "aws_cloudwatch_metric_alarm", "aws_iam_role", "aws_batch_job_definition"}
    tagged |= {"aws_sfn_state_machine", "aws_ssm_parameter"}
    assert {address.partition(".")[0] for address, _ in changes} == tagged
    assert {actions for _, actions in changes} == {("update",)}
    assert len(changes) == len([name for name in deployed.terraform.state() if name.partition(".")[0] in tagged])

    changes = deployed.upgrade(tags={"team": "reports"}, image="registry.example/team/flow:2")
    assert changes == [("aws_batch_job_definition.fargate", ("update",)), MACHINE]


def test_an_execution_survives(deployed: Deployed, tmp_path: Path) -> None:
    """An execution that has begun ends as the version that it began with, though another one was applied meanwhile."""
    flow = load(str(tmp_path / "flow.py")).flow
    flow.configuration.scheduler = AWS.StepFunctions()
    execution = flow()
    jobs = deployed.platform.aws.client("batch")
    until = time.monotonic() + 60
    while not jobs.list_jobs(jobQueue="spare", jobStatus="RUNNING")["jobSummaryList"]:
        assert time.monotonic() < until, "the first job does not start"
        time.sleep(0.1)

    deployed.compile(deployed.first.replace("memory=4096", "memory=8192").replace("class Publish", "class Announce"))
    changes = deployed.upgrade(image="registry.example/team/flow:2", tags={"version": "2"})
    assert MACHINE in changes
    assert not [address for address, actions in changes if "delete" in actions]
    active = jobs.describe_job_definitions(jobDefinitionName="Report-fargate", status="ACTIVE")["jobDefinitions"]
    assert sorted(definition["revision"] for definition in active) == [1, 2]

    (tmp_path / "gate").touch()
    assert execution.wait(timeout=120).layer("Publish").total == 5


def test_two_deployments(deployed: Deployed, tmp_path: Path) -> None:
    """A flow is deployed a second time in an account, under another name, and neither knows of the other."""
    folder = tmp_path / "second"
    folder.mkdir()
    shutil.copy(deployed.terraform.directory / "main.tf.json", folder)
    second = attrs.evolve(deployed.terraform, directory=folder)
    variables = deployed.platform.variables
    second.init()
    second.apply(**variables, name="report-dev")
    assert second.plan(**variables, name="report-dev").empty
    assert deployed.upgrade() == []
    listed = deployed.platform.aws.client("stepfunctions").list_state_machines()["stateMachines"]
    assert sorted(machine["name"] for machine in listed) == ["Report", "report-dev"]
    second.destroy(**variables, name="report-dev")
    assert deployed.upgrade() == []
