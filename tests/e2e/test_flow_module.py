"""A document that calls the Terraform module ``flow`` deploys what the self-contained one does."""

from __future__ import annotations

import json
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import attrs
import pytest

from laminar_codegen.command.main import main
from laminar_codegen.frontend.loader import load
from laminar_codegen.ir.terraform import Document, Module
from laminar_codegen.pipeline import compile_flow
from laminar_codegen.render.hcl import render_hcl
from laminar_codegen.render.split_document import render_module
from laminar_codegen.render.terraform_json import render_document
from laminar_runtime.configurations import datastores
from tests.e2e.conftest import Platform
from tests.support.aws_contents import account_contents, assert_made
from tests.support.terraform_harness import Terraform

ROOT = Path(__file__).parents[2]
GOLDEN = ROOT / "tests" / "golden"
MODULE = ROOT / "terraform_modules" / "flow"
CASES = sorted(path.parent.name for path in GOLDEN.glob("*/flow.py"))
#: Between them they have all that the module makes: a schedule, functions, several flows and machines.
APPLIED = ("lambda", "linked", "one_to_one", "scheduled")


def calling(file: Path, source: str = str(MODULE)) -> Document:
    """Return the document of a flow that calls the module."""
    return compile_flow(str(file), module=Module(source)).document


def given(document: Document, platform: Platform) -> dict[str, Any]:
    """Return the variables that a document needs."""
    queue = platform.variables["job_queue_arn"]
    needed = [variable.name for variable in document.variables if variable.default is None]
    return {name: queue if name.endswith("job_queue_arn") else platform.variables[name] for name in needed}


def replace(platform: Platform, text: str, name: str = "main.tf.json") -> None:
    """Have another document in place of the one that is there."""
    for file in platform.terraform.directory.glob("main.tf*"):
        file.unlink()
    (platform.terraform.directory / name).write_text(text, encoding="utf-8")
    platform.terraform.init()


@pytest.mark.parametrize("case", APPLIED)
def test_going_over_to_the_module(case: str, platform: Callable[[Path], Platform]) -> None:
    """What was deployed by itself becomes the module's: everything moves, nothing is made, changed or deleted."""
    file = GOLDEN / case / "flow.py"
    made = platform(file)
    document, before = calling(file), account_contents(made.aws)
    variables = given(document, made)
    made.terraform.init()
    made.terraform.apply(**variables)
    alone = account_contents(made.aws)

    replace(made, render_document(document))
    answer = made.terraform.validate()
    assert (answer["valid"], answer["diagnostics"]) == (True, [])
    plan = made.terraform.plan(**variables)
    assert plan.changes == ()
    moved = {
        change["previous_address"]: change["address"]
        for change in plan.document["resource_changes"]
        if "previous_address" in change
    }
    assert moved == dict(document.moved)
    made.terraform.apply_plan()
    assert account_contents(made.aws) == alone
    plan = made.terraform.plan(**variables)
    assert (plan.changes, plan.empty) == ((), True)

    # In the other syntax it is the same.
    replace(made, render_hcl(document), "main.tf")
    plan = made.terraform.plan(**variables)
    assert (plan.changes, plan.empty) == ((), True)
    made.terraform.destroy(**variables)
    assert made.terraform.state() == []
    assert account_contents(made.aws) == before


def test_a_chain_of_flows_runs(platform: Callable[[Path], Platform], tmp_path: Path) -> None:
    """Applied without a deployment before it, by a path from the folder: machines that run others, planners, joins."""
    file = GOLDEN / "linked" / "flow.py"
    made = platform(file)
    (tmp_path / "modules").mkdir()
    (tmp_path / "modules" / "flow").symlink_to(MODULE)
    document, before = calling(file, "../modules/flow"), account_contents(made.aws)
    replace(made, render_document(document))
    variables = {**given(document, made), "name": "chain"}
    plan = made.terraform.plan(**variables)
    assert {change.actions for change in plan.changes} == {("create",)}
    made.terraform.apply_plan()
    assert_made(made.terraform.state(), before, account_contents(made.aws))
    assert made.terraform.output()["deployment"] == "chain"

    states = made.aws.client("stepfunctions")
    machines = states.list_state_machines()["stateMachines"]
    dates = {machine["name"]: machine["creationDate"] for machine in machines}
    assert len(dates) == 3
    # What starts executions of others is there after these.
    assert max(dates, key=lambda name: dates[name]) == "chain"
    started = {"name": "first", "input": json.dumps({"parameters": {"count": 3}})}
    arn = states.start_execution(stateMachineArn=made.terraform.output()["state_machine_arn"], **started)
    wait_until(lambda: states.describe_execution(executionArn=arn["executionArn"])["status"] != "RUNNING")
    assert states.describe_execution(executionArn=arn["executionArn"])["status"] == "SUCCEEDED"
    report = load(str(file)).following[0]
    report.configuration.datastore = datastores.AWS.S3(root=made.variables["datastore_root"])
    assert report.execution("first").layer("Write").total == 0 + 1 + 4

    made.terraform.destroy(**variables)
    assert account_contents(made.aws) == before


def wait_until(ended: Callable[[], bool]) -> None:
    """Wait until something holds, and no longer than two minutes."""
    given_up = time.monotonic() + 120
    while not ended():
        assert time.monotonic() < given_up
        time.sleep(0.1)


@pytest.mark.parametrize("case", CASES)
def test_it_is_laid_out_as_terraform_does(case: str, mirror: Path, tmp_path: Path) -> None:
    """`terraform fmt` has nothing to change in a document that calls a module, whole or in files."""
    document = calling(GOLDEN / case / "flow.py")
    for name, text in {"whole.tf": render_hcl(document), **render_module(document, "hcl")}.items():
        (tmp_path / name).write_text(text, encoding="utf-8")
    assert Terraform(tmp_path, mirror, {}).format_difference() == ""


@pytest.mark.parametrize("case", CASES)
def test_nothing_refers_to_what_the_module_makes(case: str) -> None:
    """A document that calls the module declares nothing that the module makes, and refers to it by outputs only."""
    document = calling(GOLDEN / case / "flow.py")
    made = {old.partition(".")[0] for old, _ in document.moved}
    assert "aws_sfn_state_machine" in made
    # The module has no alarms for these triggers, for aborted executions or for reports: the document keeps them.
    kept = {"aws_cloudwatch_metric_alarm"} if case in {"environments", "everything", "reported", "triggers"} else set()
    assert made & {block.type for block in document.resources} == kept
    text = render_document(attrs.evolve(document, moved=()))
    assert [name for name in made if f"{name}." in text] == []


@pytest.mark.parametrize("syntax", ["terraform", "hcl"])
def test_versions_of_a_module_in_a_registry(syntax: str, capsys: pytest.CaptureFixture[str]) -> None:
    """The command takes a source and a version, and the call begins with them."""
    words = ["--module", "example/flow/aws", "--module-version", "~> 1.2", "--emit", syntax]
    assert main([str(GOLDEN / "one_layer" / "flow.py"), *words]) == 0
    text = capsys.readouterr().out
    if syntax == "hcl":
        assert 'module "flow" {\n  source  = "example/flow/aws"\n  version = "~> 1.2"\n\n  name ' in text
    else:
        assert list(json.loads(text)["module"]["flow"].items())[:2] == [
            ("source", "example/flow/aws"),
            ("version", "~> 1.2"),
        ]


@pytest.mark.parametrize(
    ("words", "why"),
    [
        (["--module-version", "1.0"], "--module-version needs --module SOURCE"),
        (["--module", "../flow", "--module-version", "1.0"], "--module-version needs a module of a registry"),
        (["--module", "./flow", "--emit", "asl"], "--module is for --emit terraform or hcl, not asl"),
        (["--module", "${path.module}"], "--module must be one line of plain text"),
        (["--module", " "], "--module must be one line of plain text"),
        (["--module", "a/b/c", "--module-version", "1\n"], "--module-version must be one line of plain text"),
    ],
)
def test_wrong_usage(words: list[str], why: str, capsys: pytest.CaptureFixture[str]) -> None:
    """What cannot be a module is an error before anything is compiled, and ends the command with 2."""
    with pytest.raises(SystemExit) as ended:
        main([str(GOLDEN / "one_layer" / "flow.py"), *words])
    assert ended.value.code == 2
    printed = capsys.readouterr()
    assert printed.out == ""
    assert why in printed.err
