"""A flow is compiled, created and started from Python, by the scheduler's own methods: `AWS.StepFunctions`."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import uuid
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import attrs
import boto3
import pytest

from laminar_codegen.api import TerraformFailedError
from laminar_codegen.frontend.loader import load
from laminar_codegen.problems import NotWrittenError
from laminar_codegen.rehearsal.aws import EmbeddedAws, Workspace
from laminar_codegen.rehearsal.image import lay_out
from laminar_codegen.render.split_document import FILES
from laminar_runtime import Execution, Flow
from laminar_runtime.configurations.schedulers import AWS
from tests.e2e.conftest import compile_document, provide
from tests.support.terraform_harness import Terraform

MODULE = Path(__file__).parents[2] / "terraform_modules" / "flow"
FLOW = '''
"""Squares numbers."""

from laminar_runtime import Flow, Layer, Parameters
from laminar_runtime.configurations.layers import ForEach, Parameter

class Squares(Flow): ...

@Squares.register
class Numbers(Layer):
    def __call__(self, parameters: Parameters) -> None:
        self.shard(number=getattr(parameters, "numbers", [1, 2]))

@Squares.register(foreach=ForEach(parameters=[Parameter(Numbers, "number")]))
class Square(Layer):
    def __call__(self, numbers: Numbers) -> None:
        self.square = numbers.number**2

@Squares.register
class Total(Layer):
    def __call__(self, square: Square) -> None:
        self.squares = list(square.square)
        self.total = sum(self.squares)

if flow := Squares():
    flow(numbers=[1, 2, 3])
'''


@attrs.frozen
class Account:
    """An embedded AWS that the environment points to, and what Terraform needs for it.

    Args:
        aws: The embedded AWS.
        file: The flow's file.
        mirror: The CLI configuration file of Terraform.
        variables: The values of the document's variables.
    """

    aws: EmbeddedAws
    file: Path
    mirror: Path
    variables: dict[str, Any]

    def flow(self) -> Flow:
        """Read the flow's file."""
        return load(str(self.file)).flow

    def scheduled(self, folder: Path, *, apply: bool = True, **variables: object) -> tuple[Flow, AWS.StepFunctions]:
        """Give the flow, with a scheduler that writes to a folder."""
        flow, values = self.flow(), {**self.variables, **variables}
        scheduler = AWS.StepFunctions(directory=folder, variables=values, apply=apply)
        flow.configuration.scheduler = scheduler
        return flow, scheduler

    def terraform(self, folder: Path) -> Terraform:
        """Look at a folder as a user of Terraform does."""
        return Terraform(folder, self.mirror, self.aws.environment)

    def machines(self) -> dict[str, str]:
        """Return the ARNs of the state machines by name."""
        listed = self.aws.client("stepfunctions").list_state_machines()["stateMachines"]
        return {machine["name"]: machine["stateMachineArn"] for machine in listed}


@pytest.fixture(scope="module")
def account(tmp_path_factory: pytest.TempPathFactory, mirror: Path) -> Iterator[Account]:
    folder, image = tmp_path_factory.mktemp("flow"), tmp_path_factory.mktemp("image")
    file = folder / "main.py"
    file.write_text(FLOW, encoding="utf-8")
    with EmbeddedAws(workspace=Workspace(directory=lay_out(file, image))) as aws, pytest.MonkeyPatch.context() as patch:
        terraform = {"TF_CLI_CONFIG_FILE": str(mirror), "TF_IN_AUTOMATION": "1", "CHECKPOINT_DISABLE": "1"}
        for name, value in {**aws.environment, **terraform}.items():
            patch.setenv(name, value)
        # boto3 keeps a session for the process, made in the environment of the first test that asks for it.
        patch.setattr(boto3, "DEFAULT_SESSION", None)
        yield Account(aws, file, mirror, provide(aws))


@attrs.frozen
class Deployed:
    """The flow, created."""

    account: Account
    flow: Flow
    scheduler: AWS.StepFunctions
    ir: dict[str, Any]
    folder: Path

    @property
    def machine(self) -> str:
        return self.account.machines()["Squares"]

    def executions(self) -> set[str]:
        """Return the ids of the state machine's executions."""
        listed = self.account.aws.client("stepfunctions").list_executions(stateMachineArn=self.machine)
        return {execution["name"] for execution in listed["executions"]}


@pytest.fixture(scope="module")
def deployed(account: Account, tmp_path_factory: pytest.TempPathFactory) -> Deployed:
    folder = tmp_path_factory.mktemp("deployed") / "made" / "by it"
    flow, scheduler = account.scheduled(folder)
    ir = scheduler.compile(execution=flow.execution("x"))
    scheduler.create(ir=ir)
    return Deployed(account, flow, scheduler, ir, folder)


def results(execution: Execution) -> list[Any]:
    """Return what an execution computed."""
    total = execution.layer("Total")
    return [total.squares, total.total]


def document(folder: Path) -> dict[str, Any]:
    """Return the declarations of the module in a folder."""
    found: dict[str, Any] = {}
    for name in ("main.tf.json", "variables.tf.json", "outputs.tf.json"):
        found |= json.loads((folder / name).read_text(encoding="utf-8"))
    return found


def declared(ir: dict[str, Any]) -> dict[str, Any]:
    """Return what a compiled document declares, but for what it needs, which is in `versions.tf`."""
    return {key: value for key, value in ir.items() if key != "terraform"}


def test_compile_is_plain(account: Account, tmp_path: Path) -> None:
    """What is compiled is JSON all through, and holds the very document that the command prints."""
    flow, scheduler = account.scheduled(tmp_path / "terraform")
    ir = scheduler.compile(execution=flow.execution("x"))
    assert json.loads(json.dumps(ir)) == ir
    assert set(ir) == {"flow", "plan", "document"}
    assert ir["flow"] == "Squares"
    assert ir["document"] == json.loads(compile_document(account.file))
    assert list(tmp_path.iterdir()) == []


def test_create_applies(deployed: Deployed) -> None:
    """The folder is made, holds what the command writes there, and Terraform has nothing left to do there."""
    assert document(deployed.folder) == declared(json.loads(compile_document(deployed.account.file)))
    check = [sys.executable, "-m", "laminar_codegen", str(deployed.account.file), "--check"]
    subprocess.run([*check, "--output", str(deployed.folder)], check=True)
    assert deployed.account.terraform(deployed.folder).plan(**deployed.account.variables).empty
    assert [file.name for file in deployed.folder.iterdir() if ".part" in file.name or ".tfvars" in file.name] == []


def test_create_again(deployed: Deployed, capfd: pytest.CaptureFixture[str]) -> None:
    """A second create leaves everything as it is, and prints on that Terraform says so."""
    before = (deployed.folder / "main.tf.json").read_bytes(), deployed.account.machines()
    deployed.scheduler.create(ir=deployed.ir)
    assert ((deployed.folder / "main.tf.json").read_bytes(), deployed.account.machines()) == before
    assert "No changes." in capfd.readouterr().out


def test_call(deployed: Deployed) -> None:
    """A call of the flow starts an execution with its parameters; its results are read once it has ended."""
    execution = deployed.flow("called", numbers=[2, 3, 4]).wait(timeout=120)
    assert results(execution) == [[4, 9, 16], 29]
    assert "called" in deployed.executions()


def test_invoke(deployed: Deployed) -> None:
    """An invocation starts an execution without parameters, under a new id."""
    before = deployed.executions()
    deployed.scheduler.invoke()
    (new,) = deployed.executions() - before
    assert results(deployed.flow.execution(new).wait(timeout=120)) == [[1, 4], 5]


@pytest.mark.parametrize(("numbers", "expected"), [([1, 2, 3], [[1, 4, 9], 14]), ([], [[], 0])], ids=["3", "none"])
def test_plain_start(deployed: Deployed, numbers: list[int], expected: list[Any]) -> None:
    """An execution that anything else started, as a schedule does, takes its parameters from the JSON input."""
    name = uuid.uuid4().hex
    given = json.dumps({"parameters": {"numbers": numbers}})
    boto3.client("stepfunctions").start_execution(stateMachineArn=deployed.machine, name=name, input=given)
    assert results(deployed.flow.execution(name).wait(timeout=120)) == expected


def test_plan_only(account: Account, tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    """Without apply the plan is shown, and nothing is made."""
    flow, scheduler = account.scheduled(tmp_path, apply=False, name="planned")
    before = account.machines()
    scheduler.create(ir=scheduler.compile(execution=flow.execution("x")))
    assert "to add, 0 to change, 0 to destroy" in capfd.readouterr().out
    assert account.machines() == before
    assert not (tmp_path / "terraform.tfstate").exists()


@pytest.mark.parametrize("previous", [None, '{"//": "compiled by laminar-codegen"}\n'], ids=["none", "another"])
def test_plan_fails(account: Account, tmp_path: Path, previous: str | None) -> None:
    """Terraform's message reaches the caller, and the document is whole."""
    if previous:
        (tmp_path / "main.tf.json").write_text(previous, encoding="utf-8")
    flow, scheduler = account.scheduled(tmp_path, datastore_root="nowhere", name="failing")
    ir, before = scheduler.compile(execution=flow.execution("x")), account.machines()
    with pytest.raises(TerraformFailedError, match=r"terraform plan failed in .*(?s:.*)The datastore must be s3://"):
        scheduler.create(ir=ir)
    assert document(tmp_path) == declared(ir["document"])
    assert {file.name for file in tmp_path.iterdir()} <= {*FILES["terraform"], ".terraform", ".terraform.lock.hcl"}
    assert account.machines() == before


def test_apply_fails(account: Account, tmp_path: Path) -> None:
    """What AWS refused reaches the caller, before anything else of the deployment was made; it goes on from there."""
    flow, scheduler = account.scheduled(tmp_path, name="refused")
    ir, logs = scheduler.compile(execution=flow.execution("x")), account.aws.client("logs")
    logs.create_log_group(logGroupName="/aws/vendedlogs/states/refused")
    with pytest.raises(TerraformFailedError, match=r"terraform apply failed in .*(?s:.*)already exists"):
        scheduler.create(ir=ir)
    assert "refused" not in account.machines()
    terraform = account.terraform(tmp_path)
    assert not [resource for resource in terraform.state() if resource.startswith("aws_")]
    logs.delete_log_group(logGroupName="/aws/vendedlogs/states/refused")
    scheduler.create(ir=ir)
    assert "refused" in account.machines()
    terraform.destroy(**account.variables, name="refused")


def test_another_executable(account: Account, tmp_path: Path) -> None:
    """The command may be another one, such as OpenTofu's, and its errors name it."""
    flow, scheduler = account.scheduled(tmp_path / "out")
    executable = tmp_path / "tofu"
    calls = tmp_path / "calls.txt"
    executable.write_text(f'#!/bin/sh\necho "$1" >> {calls}\nexec terraform "$@"\n', encoding="utf-8")
    executable.chmod(0o755)
    scheduler.terraform, scheduler.apply = executable, False
    scheduler.create(ir=scheduler.compile(execution=flow.execution("x")))

    assert calls.read_text().split() == ["version", "init", "plan"]
    scheduler.terraform = "no-such-tofu"
    with pytest.raises(TerraformFailedError, match="no-such-tofu is not on the PATH"):
        scheduler.create(ir=scheduler.compile(execution=flow.execution("x")))


def test_no_terraform(account: Account, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """That there is no Terraform is said before anything is written."""
    flow, scheduler = account.scheduled(tmp_path)
    ir = scheduler.compile(execution=flow.execution("x"))
    monkeypatch.setenv("PATH", os.devnull)
    with pytest.raises(TerraformFailedError, match="terraform is not on the PATH"):
        scheduler.create(ir=ir)
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    ("script", "message"),
    [
        ('echo \'{ "terraform_version": "1.8.5" }\'', r"has version 1\.8: install Terraform 1\.9 or newer"),
        ('echo \'{"terraform_version": "0.15.0-beta1"}\'', r"has version 0\.15: install Terraform 1\.9 or newer"),
        (
            "echo Terraform v1.11",
            "terraform does not print its version: install Terraform 1.9 or newer\nTerraform v1.11",
        ),
        ("echo no such shell >&2; exit 1", "terraform does not print its version: .*\nno such shell$"),
    ],
)
def test_an_unsuitable_terraform(
    script: str, message: str, account: Account, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """That Terraform is too old, or none, is said before anything is written."""
    executable = tmp_path / "bin" / "terraform"
    executable.parent.mkdir()
    executable.write_text(f"#!/bin/sh\n{script}\n", encoding="utf-8")
    executable.chmod(0o755)
    monkeypatch.setenv("PATH", str(executable.parent))
    flow, scheduler = account.scheduled(tmp_path / "out")
    ir = scheduler.compile(execution=flow.execution("x"))
    with pytest.raises(TerraformFailedError, match=message):
        scheduler.create(ir=ir)
    assert not (tmp_path / "out").exists()


def test_what_others_wrote_stays(account: Account, tmp_path: Path) -> None:
    """A file that was not compiled is not replaced by one that is."""
    (tmp_path / "versions.tf").write_text("terraform {}\n", encoding="utf-8")
    flow, scheduler = account.scheduled(tmp_path)
    with pytest.raises(NotWrittenError, match=r"not written by laminar-codegen: .*versions\.tf: rename"):
        scheduler.create(ir=scheduler.compile(execution=flow.execution("x")))
    assert [file.name for file in tmp_path.iterdir()] == ["versions.tf"]


@pytest.fixture
def named(account: Account, tmp_path: Path) -> Iterator[Callable[..., AWS.StepFunctions]]:
    """Give a function that deploys the flow by a scheduler made as the test wants it."""
    made: list[AWS.StepFunctions] = []

    def create(deployment: str | None = None, **variables: object) -> AWS.StepFunctions:
        values = {**account.variables, **variables}
        scheduler = AWS.StepFunctions(deployment, directory=tmp_path, variables=values, apply=True)
        made.append(scheduler)
        scheduler.create(ir=scheduler.compile(execution=account.flow().execution("x")))
        return scheduler

    yield create
    account.terraform(tmp_path).destroy(**{**account.variables, "name": "gone"})


def test_name_in_a_file_of_variables(account: Account, tmp_path: Path) -> None:
    """What `create` deployed is what `invoke` starts, also if a file beside the document names it."""
    (tmp_path / "terraform.tfvars").write_text('name = "filed"\n', encoding="utf-8")
    flow, scheduler = account.scheduled(tmp_path)
    scheduler.create(ir=scheduler.compile(execution=flow.execution("x")))
    scheduler.invoke()
    listed = account.aws.client("stepfunctions").list_executions(stateMachineArn=account.machines()["filed"])
    (started,) = listed["executions"]
    assert results(flow.execution(started["name"]).wait(timeout=120)) == [[1, 4], 5]
    account.terraform(tmp_path).destroy(**account.variables)


def test_create_calls_a_module(account: Account, tmp_path: Path) -> None:
    """A scheduler with a module has Terraform deploy by it; the deployment is found, runs, and stays as it is."""
    values = {**account.variables, "name": "by_module"}
    flow = account.flow()
    scheduler = AWS.StepFunctions(directory=tmp_path, variables=values, apply=True, module=str(MODULE))
    flow.configuration.scheduler = scheduler
    scheduler.create(ir=scheduler.compile(execution=flow.execution("x")))
    terraform = account.terraform(tmp_path)
    assert "module.flow.aws_sfn_state_machine.flow" in terraform.state()
    assert terraform.plan(**values).empty
    assert results(flow("moduled", numbers=[2, 3]).wait(timeout=120)) == [[4, 9], 13]
    terraform.destroy(**values)


def test_name_of_the_deployment(account: Account, named: Callable[..., AWS.StepFunctions]) -> None:
    """The name that a scheduler is given is the name that it deploys under, and finds the deployment by."""
    scheduler = named("other")
    assert "other" in account.machines()
    assert scheduler.find("Squares").state_machine_arn == account.machines()["other"]


def test_name_among_the_variables(account: Account, named: Callable[..., AWS.StepFunctions]) -> None:
    """A name that stands among Terraform's variables is the deployment's name too."""
    scheduler = named(name="another")
    assert scheduler.find("Squares").state_machine_arn == account.machines()["another"]
