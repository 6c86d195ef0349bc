"""Deployments of one name: the second of an account is refused before it touches the first, and regions are apart."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import attrs
import pytest

from laminar_codegen.ir.labels import MADE_FIRST
from laminar_codegen.ir.terraform import Module
from laminar_codegen.pipeline import compile_flow
from laminar_codegen.render.terraform_json import render_document
from tests.e2e.conftest import Platform
from tests.support.aws_contents import account_contents
from tests.support.sizes import NIGHTLY
from tests.support.terraform_harness import Terraform, TerraformError

#: Another region.
ELSEWHERE = {"AWS_REGION": "eu-west-1", "AWS_DEFAULT_REGION": "eu-west-1"}
ROOT = Path(__file__).parents[2]
SCHEDULED = ROOT / "tests" / "golden" / "scheduled" / "flow.py"
LAMBDA = ROOT / "tests" / "golden" / "lambda" / "flow.py"
PIPELINED = ROOT / "tests" / "golden" / "one_to_one" / "flow.py"
MODULE = Module(str(ROOT / "terraform_modules" / "flow"))

Build = Callable[[Path], Platform]

#: The module is of the same values as the document, as other tests show: one flow calls it, and each in the night.
STATES = [
    pytest.param(SCHEDULED, None, id="scheduled-self-contained"),
    pytest.param(LAMBDA, None, id="lambda-self-contained"),
    pytest.param(PIPELINED, None, id="pipelined-self-contained"),
    pytest.param(SCHEDULED, MODULE, id="scheduled-module"),
]
if NIGHTLY:
    STATES += [pytest.param(LAMBDA, MODULE, id="lambda-module"), pytest.param(PIPELINED, MODULE, id="pipelined-module")]


def write(folder: Path, file: Path, module: Module | None) -> dict[str, Any]:
    """Write a document into a folder of its own, and give the variables that it knows."""
    folder.mkdir(exist_ok=True)
    text = render_document(compile_flow(str(file), module=module).document)
    (folder / "main.tf.json").write_text(text, encoding="utf-8")
    variables: dict[str, Any] = json.loads(text)["variable"]
    return variables


def another_state(made: Platform, folder: Path, file: Path, module: Module | None = None) -> Terraform:
    """Return a second state of a deployment: a colleague's, or a workspace's."""
    write(folder, file, module)
    terraform = attrs.evolve(made.terraform, directory=folder)
    terraform.init()
    return terraform


def details(made: Platform) -> Mapping[str, Any]:
    """Return the objects that would be adopted: alarms, rules, the queue, job definitions and state machines."""
    machines = made.aws.client("stepfunctions").list_state_machines()["stateMachines"]
    queues = made.aws.client("sqs").list_queues().get("QueueUrls", ())
    every = {"AttributeNames": ["All"]}
    return {
        "alarms": made.aws.client("cloudwatch").describe_alarms()["MetricAlarms"],
        "rules": made.aws.client("events").list_rules()["Rules"],
        "queues": [made.aws.client("sqs").get_queue_attributes(QueueUrl=url, **every)["Attributes"] for url in queues],
        "definitions": made.aws.client("batch").describe_job_definitions()["jobDefinitions"],
        "machines": [
            made.aws.client("stepfunctions").describe_state_machine(stateMachineArn=machine["stateMachineArn"])[
                "definition"
            ]
            for machine in machines
        ],
    }


@pytest.mark.parametrize(("file", "module"), STATES)
def test_a_second_state(file: Path, module: Module | None, platform: Build, tmp_path: Path) -> None:
    """It makes nothing, changes nothing, and its destroy deletes nothing, though roles and all else are given."""
    made = platform(file)
    known = write(made.terraform.directory, file, module)
    queue = made.variables["job_queue_arn"]
    variables = {name: made.variables.get(name, queue) for name, variable in known.items() if "default" not in variable}
    made.terraform.init()
    made.terraform.apply(**variables)
    there, contents = details(made), account_contents(made.aws)

    other = another_state(made, tmp_path / "other", file, module)
    changed = {**variables, "tags": {"team": "another"}}
    roles = made.terraform.output()["role_arns"]
    for given in (changed, {**changed, "role_arns": roles}):
        with pytest.raises(TerraformError, match="ResourceAlreadyExists"):
            other.apply(**given)
        assert [name for name in other.state() if "terraform_data" not in name and ".data." not in f".{name}"] == []
        assert (details(made), account_contents(made.aws)) == (there, contents)
    other.destroy(**changed)
    assert (details(made), account_contents(made.aws)) == (there, contents)
    assert made.terraform.plan(**variables).empty


def test_regions_apart(platform: Build, tmp_path: Path) -> None:
    """With the region in the names of roles a deployment of the same name can be in a second region, and goes alone."""
    made = platform(SCHEDULED)
    made.terraform.init()
    given = {**made.variables, "region_in_role_names": True}
    made.terraform.apply(**given)
    here = account_contents(made.aws)
    names = {role["RoleName"] for role in made.aws.client("iam").list_roles()["Roles"]}
    assert "Briefing-us-east-1-state-machine" in names

    other = another_state(made, tmp_path / "other", SCHEDULED)
    elsewhere = attrs.evolve(other, environment={**made.aws.environment, **ELSEWHERE})
    s3 = made.aws.client("s3")
    s3.create_bucket(Bucket="other-artifacts", CreateBucketConfiguration={"LocationConstraint": "eu-west-1"})
    there = {
        **given,
        "datastore_root": "s3://other-artifacts",
        "job_queue_arn": given["job_queue_arn"].replace("us-east-1", "eu-west-1"),
    }
    elsewhere.apply(**there)
    assert elsewhere.plan(**there).empty
    elsewhere.destroy(**there)
    s3.delete_bucket(Bucket="other-artifacts")
    assert account_contents(made.aws) == here
    assert made.terraform.plan(**given).empty


def test_a_name_too_long_for_its_region(platform: Build) -> None:
    """A name that leaves no room for the region is refused, and says how long it may be."""
    made = platform(SCHEDULED)
    made.terraform.init()
    with pytest.raises(TerraformError, match="the name must be of 34 characters"):
        made.terraform.plan(**made.variables, name="n" * 35, region_in_role_names=True)


def test_what_is_in_another_region(platform: Build) -> None:
    """A bucket or a job queue of another region is refused at plan; the bucket is not looked at where that is off."""
    made = platform(SCHEDULED)
    made.terraform.init()
    place = {"LocationConstraint": "eu-west-1"}
    made.aws.client("s3").create_bucket(Bucket="far-artifacts", CreateBucketConfiguration=place)
    far = {**made.variables, "datastore_root": "s3://far-artifacts/flows"}
    with pytest.raises(TerraformError, match="The datastore's bucket is in eu-west-1, and the deployment in us-east-1"):
        made.terraform.plan(**far)
    assert made.terraform.plan(**far, check_datastore_region=False).changes
    queue = made.variables["job_queue_arn"].replace("us-east-1", "eu-west-1")
    with pytest.raises(TerraformError, match="The job queue job_queue_arn must be in the region"):
        made.terraform.plan(**{**made.variables, "job_queue_arn": queue})


def test_another_region_for_the_same_state(platform: Build) -> None:
    """A provider of another region is refused by what is deployed: it would make half of it there."""
    made = platform(SCHEDULED)
    made.terraform.init()
    made.terraform.apply(**made.variables)
    moved = attrs.evolve(
        made.terraform,
        environment={**made.aws.environment, **ELSEWHERE},
    )
    with pytest.raises(TerraformError, match="The deployment is in us-east-1 of account 123456789012"):
        moved.plan(**made.variables, check_datastore_region=False)


def test_logs_stay(platform: Build) -> None:
    """With keep_logs a destroy leaves the log groups, and nothing else."""
    made = platform(SCHEDULED)
    made.terraform.init()
    before = account_contents(made.aws)
    given = {**made.variables, "keep_logs": True}
    made.terraform.apply(**given)
    groups = account_contents(made.aws)["aws_cloudwatch_log_group"]
    made.terraform.destroy(**given)
    assert account_contents(made.aws) == {**before, "aws_cloudwatch_log_group": groups}
    assert groups >= {"/aws/vendedlogs/states/Briefing"}


def test_roles_are_outputs(platform: Build) -> None:
    """Policies can be attached to each role by its name, and roles can be given by their ARNs."""
    made = platform(SCHEDULED)
    made.terraform.init()
    made.terraform.apply(**made.variables)
    output = made.terraform.output()
    assert output["role_names"] == {
        label: f"Briefing-{label.replace('_', '-')}" for label in ("state_machine", "task", "execution", "schedule")
    }
    iam = made.aws.client("iam")
    arns = {label: iam.get_role(RoleName=name)["Role"]["Arn"] for label, name in output["role_names"].items()}
    assert output["role_arns"] == arns


@pytest.mark.parametrize("case", sorted(path.parent.name for path in (ROOT / "tests" / "golden").glob("*/flow.py")))
def test_all_else_follows_what_refuses_a_taken_name(case: str) -> None:
    """Each resource is made after the log group of the state machines: by a reference, or as it says."""
    document = json.loads(render_document(compile_flow(str(ROOT / "tests" / "golden" / case / "flow.py")).document))
    resources = document["resource"].items()
    parts = {f"{kind}.{label}": json.dumps(body) for kind, blocks in resources for label, body in blocks.items()}
    parts |= {f"local.{name}": json.dumps(value) for name, value in document["locals"].items()}
    behind, found = set[str](), {MADE_FIRST}
    while found:
        behind |= found
        found = {name for name, text in parts.items() if any(item in text for item in behind)} - behind
    # What is Terraform's own is in the state alone.
    before = {name for name in parts.keys() - behind if not name.startswith(("local.", "terraform_data."))}
    assert before == set()
