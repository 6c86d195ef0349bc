"""Real Terraform takes the modules: their examples are applied, and their own tests run."""

from __future__ import annotations

import json
import re
import shutil
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from laminar_codegen.embedded_aws import EmbeddedAws, Workspace
from laminar_codegen.loader import load
from laminar_codegen.rehearsal.image import lay_out
from laminar_runtime.configurations.schedulers import AWS
from tests.e2e.conftest import compile_document
from tests.terraform_harness import Change, Terraform, TerraformError, fake_aws, terraform_executable

ROOT = Path(__file__).parents[2]
MODULES = ROOT / "terraform_modules"
NAMES = sorted(path.parent.name for path in MODULES.glob("*/versions.tf"))
IMAGE = "registry.example/team/flow:1"
NOWHERE = "http://127.0.0.1:9"
KINDS = ("ec2", "ec2_spot", "fargate", "fargate_spot", "gpu", "gpu_spot")

Open = Callable[[str], Terraform]


@pytest.fixture
def modules(tmp_path: Path) -> Path:
    """A copy of the modules, to initialise and to spoil."""
    return shutil.copytree(MODULES, tmp_path / "modules", ignore=shutil.ignore_patterns(".terraform*"))


@pytest.fixture
def aws(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[EmbeddedAws]:
    """An embedded AWS with the policies that AWS manages."""
    monkeypatch.setenv("MOTO_IAM_LOAD_MANAGED_POLICIES", "true")
    image = tmp_path / "image"
    image.mkdir()
    with EmbeddedAws(workspace=Workspace(directory=image)) as entered:
        yield entered


@pytest.fixture
def example(modules: Path, aws: EmbeddedAws, mirror: Path) -> Open:
    """Give a function that initialises a module's example."""

    def initialised(name: str) -> Terraform:
        folder = modules / name / "examples" / "complete"
        terraform = Terraform(folder, mirror, fake_aws(aws.endpoint_url, aws.region))
        terraform.init()
        return terraform

    return initialised


@pytest.fixture
def unit(modules: Path, mirror: Path) -> Open:
    """Give a function that initialises a module by itself, without an AWS."""

    def initialised(name: str) -> Terraform:
        terraform = Terraform(modules / name, mirror, fake_aws(NOWHERE))
        terraform.init()
        return terraform

    return initialised


def spoil(file: Path, old: str, new: str) -> None:
    """Change a module's file."""
    text = file.read_text(encoding="utf-8")
    assert old in text
    file.write_text(text.replace(old, new), encoding="utf-8")


def left(aws: EmbeddedAws) -> list[Any]:
    """What is in the embedded AWS that an example may have made."""
    ec2, batch, iam = (aws.client(service) for service in ("ec2", "batch", "iam"))
    return [
        *batch.describe_job_queues()["jobQueues"],
        *batch.describe_compute_environments()["computeEnvironments"],
        *aws.client("s3").list_buckets()["Buckets"],
        *ec2.describe_launch_templates()["LaunchTemplates"],
        *(group for group in ec2.describe_security_groups()["SecurityGroups"] if group["GroupName"] != "default"),
        *(item for item in ec2.describe_vpc_endpoints()["VpcEndpoints"] if item["State"].lower() != "deleted"),
        *(role for role in iam.list_roles()["Roles"] if not role["Path"].startswith("/aws-service-role/")),
        *iam.list_instance_profiles()["InstanceProfiles"],
    ]


def test_every_module_is_tried() -> None:
    """The modules that there are have an example and tests."""
    assert NAMES == ["batch", "datastore", "network", "platform"]
    for name in NAMES:
        assert (MODULES / name / "examples" / "complete" / "main.tf").is_file()
        assert list((MODULES / name / "tests").glob("*.tftest.hcl"))


def test_files_are_formatted() -> None:
    """`terraform fmt` would change nothing."""
    command = [terraform_executable(), "fmt", "-check", "-recursive", "-diff", str(MODULES)]
    ran = subprocess.run(command, capture_output=True, text=True, check=False)
    assert (ran.returncode, ran.stdout) == (0, "")


@pytest.mark.parametrize("name", NAMES)
def test_example(name: str, example: Open, aws: EmbeddedAws) -> None:
    """An example is valid, is applied, stays as planned, and leaves nothing behind when it is destroyed."""
    terraform = example(name)
    answer = terraform.validate()
    assert (answer["valid"], answer["diagnostics"]) == (True, [])
    planned = terraform.plan()
    assert {change.actions for change in planned.changes} == {("create",)}
    terraform.apply()
    assert left(aws) != []
    assert all(value not in (None, {}, []) for value in terraform.output().values())
    again = terraform.plan()
    assert (again.empty, again.changes) == (True, ())
    terraform.destroy()
    assert terraform.state() == []
    assert left(aws) == []


@pytest.mark.parametrize("name", NAMES)
def test_module_tests(name: str, unit: Open) -> None:
    """`terraform test` passes, and really ran something."""
    ran = unit(name)._start("test")
    assert ran.returncode == 0, ran.stdout + ran.stderr
    passed = re.search(r"Success! (\d+) passed, 0 failed", ran.stdout)
    assert passed is not None, ran.stdout
    assert int(passed[1]) >= 5


@pytest.mark.parametrize(
    ("name", "old", "new", "told"),
    [
        ("batch", 'http_tokens                 = "required"', 'http_tokens                 = "optional"', "ask for tokens"),
        ("datastore", 'object_ownership = "BucketOwnerEnforced"', 'object_ownership = "ObjectWriter"', "no ACLs"),
        ("network", "from_port         = 443", "from_port         = 0", "by HTTPS only"),
        ("platform", "datastore_root             = module", "root             = module", "A flow must be told"),
    ],
)
def test_module_tests_can_fail(name: str, old: str, new: str, told: str, modules: Path, unit: Open) -> None:
    """A module that does otherwise fails its tests."""
    spoil(modules / name / "main.tf", old, new)
    ran = unit(name)._start("test")
    assert ran.returncode == 1
    assert told in ran.stderr + ran.stdout


@pytest.mark.parametrize("name", NAMES)
def test_an_unknown_argument(name: str, modules: Path, unit: Open) -> None:
    """What the provider (or the module that is called) does not know is an error."""
    file = modules / name / "main.tf"
    spoil(file, "\n  tags ", '\n  colour = "green"\n  tags ')
    answer = unit(name).validate()
    assert answer["valid"] is False
    assert "colour" in json.dumps(answer["diagnostics"])


def replace_fargate(terraform: Terraform) -> None:
    """Have Terraform replace a compute environment that a queue leads to."""
    address = 'module.batch.aws_batch_compute_environment.fargate["fargate"]'
    terraform._run("apply", "-input=false", "-auto-approve", f"-replace={address}")


def test_a_compute_environment_is_replaced(example: Open, aws: EmbeddedAws) -> None:
    """The queue stays, and moves to the new environment before the old one is deleted."""
    terraform = example("batch")
    terraform.apply()
    before = terraform.output()
    replace_fargate(terraform)
    after = terraform.output()
    assert after["job_queue_arns"] == before["job_queue_arns"]
    changed = {kind for kind in KINDS if after["compute_environment_arns"][kind] != before["compute_environment_arns"][kind]}
    assert changed == {"fargate"}
    queues = aws.client("batch").describe_job_queues(jobQueues=["laminar-fargate"])["jobQueues"]
    orders = [order["computeEnvironment"] for order in queues[0]["computeEnvironmentOrder"]]
    assert orders == [after["compute_environment_arns"]["fargate"]]
    assert terraform.plan().empty


def test_in_the_other_order_it_would_not_be(modules: Path, example: Open) -> None:
    """Without `create_before_destroy` AWS refuses to delete what the queue leads to."""
    file = modules / "batch" / "main.tf"
    spoil(file, "create_before_destroy = true", "create_before_destroy = false")
    terraform = example("batch")
    terraform.apply()
    with pytest.raises(TerraformError, match="found existing JobQueue relationship"):
        replace_fargate(terraform)


def test_a_changed_template_is_a_changed_environment(modules: Path, example: Open) -> None:
    """A larger volume changes the template and the environment of that kind, both in place, and nothing else."""
    terraform = example("batch")
    terraform.apply()
    spoil(modules / "batch" / "examples" / "complete" / "main.tf", "volume_size_gib = 200", "volume_size_gib = 400")
    assert set(terraform.plan().changes) == {
        Change('module.batch.aws_launch_template.instance["ec2"]', ("update",)),
        Change('module.batch.aws_batch_compute_environment.ec2["ec2"]', ("update",)),
    }
    terraform.apply()
    assert terraform.plan().empty


def test_a_flow_takes_what_the_platform_gives(
    example: Open, aws: EmbeddedAws, mirror: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The platform's output, written to a file, is what a compiled flow needs besides its image: then it runs."""
    for name, value in aws.environment.items():
        monkeypatch.setenv(name, value)
    platform = example("platform")
    platform.apply()
    file = ROOT / "tests" / "golden" / "foreach" / "flow.py"
    lay_out(file, tmp_path / "image")
    folder = tmp_path / "flow"
    folder.mkdir()
    (folder / "main.tf.json").write_text(compile_document(file), encoding="utf-8")
    variables = platform.output()["flow_variables"]
    (folder / "platform.auto.tfvars.json").write_text(json.dumps(variables), encoding="utf-8")
    flow = Terraform(folder, mirror, fake_aws(aws.endpoint_url, aws.region))
    flow.init()
    flow.apply(image=IMAGE)
    assert flow.plan(image=IMAGE).empty

    wide = load(str(file)).flow
    wide.configuration.scheduler = AWS.StepFunctions()
    assert wide().wait(timeout=300).layer("Total").all == ["A", "B", "C"]
    jobs = aws.client("batch").list_jobs(jobQueue=variables["job_queue_arn"], jobStatus="SUCCEEDED")
    assert {job["jobName"] for job in jobs["jobSummaryList"]} >= {"Wide-Parts", "Wide-Total"}

    flow.destroy(image=IMAGE)
    platform.destroy()
    assert platform.state() == []
