"""Real Terraform takes the modules: their examples are applied, and their own tests run."""

from __future__ import annotations

import json
import re
import shutil
import subprocess
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

import attrs
import hcl2
import pytest

from laminar_codegen.frontend.loader import load
from laminar_codegen.ir.inputs import variables_of
from laminar_codegen.pipeline import compile_flow
from laminar_codegen.rehearsal.aws import EmbeddedAws, Workspace
from laminar_codegen.rehearsal.image import lay_out
from laminar_codegen.targets.batch.target import QUEUES
from laminar_runtime.configurations.schedulers import AWS
from tests.e2e.conftest import compile_document
from tests.support.aws_contents import account_contents, assert_made
from tests.support.terraform_harness import (
    Change,
    Terraform,
    TerraformError,
    fake_aws,
    serving_provider,
    terraform_executable,
)

ROOT = Path(__file__).parents[2]
MODULES = ROOT / "terraform_modules"
NAMES = sorted(path.name for path in MODULES.iterdir() if path.is_dir())
WIDE = ROOT / "tests" / "golden" / "foreach" / "flow.py"
CALLER = """
module "it" {{
  source = "../modules/{name}"

  name       = "lab"
  subnet_ids = {subnets}
  {place}
  {arguments}
}}

output "it" {{
  value = module.it
}}
"""


@attrs.frozen
class Bench:
    """A copy of the modules, to apply and to spoil, with an AWS to apply them to."""

    folder: Path
    mirror: Path
    aws: EmbeddedAws
    environment: Mapping[str, str]

    def example(self, name: str) -> Terraform:
        """Return a module's example, initialised."""
        return self._initialised(self.folder / name / "examples" / "complete")

    def caller(self, name: str, arguments: str = "") -> Terraform:
        """Return a document that calls a module with as little as it takes, initialised."""
        ec2 = self.aws.client("ec2")
        groups = ec2.describe_security_groups(GroupNames=["default"])["SecurityGroups"]
        subnets = [subnet["SubnetId"] for subnet in ec2.describe_subnets()["Subnets"]]
        places = {
            "batch": f"security_group_ids = {json.dumps([groups[0]['GroupId']])}",
            "platform": f"vpc_id = {json.dumps(groups[0]['VpcId'])}",
        }
        folder = self.folder.parent / "caller"
        folder.mkdir()
        text = CALLER.format(name=name, subnets=json.dumps(subnets), place=places[name], arguments=arguments)
        (folder / "main.tf").write_text(text, encoding="utf-8")
        return self._initialised(folder)

    def _initialised(self, folder: Path) -> Terraform:
        terraform = Terraform(folder, self.mirror, self.environment)
        terraform.init()
        return terraform


@pytest.fixture
def modules(tmp_path: Path) -> Path:
    """A copy of the modules."""
    return shutil.copytree(MODULES, tmp_path / "modules", ignore=shutil.ignore_patterns(".terraform*"))


@pytest.fixture
def bench(tmp_path: Path, modules: Path, mirror: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Bench]:
    """A copy of the modules, and an embedded AWS that has the policies that AWS manages."""
    monkeypatch.setenv("MOTO_IAM_LOAD_MANAGED_POLICIES", "true")
    image = tmp_path / "image"
    image.mkdir()
    with (
        EmbeddedAws(workspace=Workspace(directory=image)) as aws,
        serving_provider(aws.environment) as environment,
    ):
        # Another moto of this process may have made its IAM already, without these policies.
        aws.reset()
        yield Bench(modules, mirror, aws, environment)


@pytest.fixture(scope="module")
def without_aws() -> Iterator[Mapping[str, str]]:
    """What Terraform finds a provider by that finds no AWS."""
    with serving_provider(fake_aws("http://127.0.0.1:9")) as environment:
        yield environment


@pytest.fixture
def unit(modules: Path, mirror: Path, without_aws: Mapping[str, str]) -> Callable[[str], Terraform]:
    """Give a function that initialises a module by itself, without an AWS."""

    def initialised(name: str) -> Terraform:
        terraform = Terraform(modules / name, mirror, without_aws)
        terraform.init()
        return terraform

    return initialised


def spoil(file: Path, old: str, new: str) -> None:
    """Change a module's file."""
    text = file.read_text(encoding="utf-8")
    assert old in text
    file.write_text(text.replace(old, new), encoding="utf-8")


def test_every_module_is_tried() -> None:
    """The modules that there are have an example and tests."""
    assert {"batch", "datastore", "flow", "network", "platform"} == set(NAMES)
    for name in NAMES:
        assert (MODULES / name / "examples" / "complete" / "main.tf").is_file()
        assert list((MODULES / name / "tests").glob("*.tftest.hcl"))


def test_files_are_formatted() -> None:
    """`terraform fmt` would change nothing."""
    command = [terraform_executable(), "fmt", "-check", "-recursive", "-diff", str(MODULES)]
    ran = subprocess.run(command, capture_output=True, text=True, check=False)
    assert (ran.returncode, ran.stdout) == (0, "")


@pytest.mark.parametrize("name", NAMES)
def test_example(name: str, bench: Bench) -> None:
    """An example is valid, is applied, stays as planned, and leaves nothing behind when it is destroyed."""
    before = account_contents(bench.aws)
    terraform = bench.example(name)
    answer = terraform.validate()
    assert (answer["valid"], answer["diagnostics"]) == (True, [])
    planned = terraform.plan()
    assert {change.actions for change in planned.changes} == {("create",)}
    terraform.apply_plan()
    assert_made(terraform.state(), before, account_contents(bench.aws))
    assert all(value not in (None, {}, []) for value in terraform.output().values())
    again = terraform.plan()
    assert (again.empty, again.changes) == (True, ())
    terraform.destroy()
    assert terraform.state() == []
    assert account_contents(bench.aws) == before


@pytest.mark.parametrize(
    "folder", sorted(str(path.parent.relative_to(MODULES)) for path in MODULES.rglob("versions.tf"))
)
def test_versions(folder: str) -> None:
    """Modules and examples take what has all arguments that they set: Terraform 1.9, the provider from 6.25 on."""
    (block,) = hcl2.loads((MODULES / folder / "versions.tf").read_text(encoding="utf-8"))["terraform"]
    (providers,) = block["required_providers"]
    assert (block["required_version"], providers["aws"]["version"]) == ('">= 1.9"', '">= 6.25, < 7"')


def test_alarms_reach_the_topic(bench: Bench) -> None:
    """CloudWatch may use the key of the example's topic, and the state machine may send the traces that it makes."""
    bench.example("flow").apply()
    topics = bench.aws.client("sns")
    (topic,) = topics.list_topics()["Topics"]
    key = topics.get_topic_attributes(TopicArn=topic["TopicArn"])["Attributes"]["KmsMasterKeyId"]
    policy = json.loads(bench.aws.client("kms").get_key_policy(KeyId=key, PolicyName="default")["Policy"])
    granted = {
        action
        for statement in policy["Statement"]
        if statement["Principal"] == {"Service": "cloudwatch.amazonaws.com"}
        for action in statement["Action"]
    }
    assert granted == {"kms:Decrypt", "kms:GenerateDataKey*"}
    iam = bench.aws.client("iam")
    named = [role["RoleName"] for role in iam.list_roles()["Roles"]]
    (name,) = (role for role in named if role.startswith("Morning-") and role.endswith("-state-machine"))
    role = iam.get_role_policy(RoleName=name, PolicyName="state-machine")
    assert "xray:PutTraceSegments" in json.dumps(role["PolicyDocument"])


@pytest.mark.parametrize("name", NAMES)
def test_module_tests(name: str, unit: Callable[[str], Terraform]) -> None:
    """`terraform test` passes, and really ran something."""
    ran = unit(name)._start("test")
    assert ran.returncode == 0, ran.stdout + ran.stderr
    passed = re.search(r"Success! (\d+) passed, 0 failed", ran.stdout)
    assert passed is not None, ran.stdout
    assert int(passed[1]) >= 5


def test_module_tests_can_fail(modules: Path, unit: Callable[[str], Terraform]) -> None:
    """A module that does otherwise fails its tests."""
    spoil(modules / "network" / "main.tf", "from_port         = 443", "from_port         = 0")
    ran = unit("network")._start("test")
    assert ran.returncode == 1
    assert "Tasks must reach any address, by HTTPS only." in ran.stderr + ran.stdout


@pytest.mark.parametrize("name", NAMES)
def test_an_unknown_argument(name: str, modules: Path, unit: Callable[[str], Terraform]) -> None:
    """What the provider (or the module that is called) does not know is an error."""
    file = modules / name / "main.tf"
    text = file.read_text(encoding="utf-8")
    spoilt, count = re.subn(
        r'^((?:resource|module) ".*\{)$', r'\1\n  colour = "green"', text, count=1, flags=re.MULTILINE
    )
    assert count == 1
    file.write_text(spoilt, encoding="utf-8")
    answer = unit(name).validate()
    assert answer["valid"] is False
    assert "colour" in json.dumps(answer["diagnostics"])


def replace_environment(terraform: Terraform) -> None:
    """Have Terraform replace the compute environment that the queue leads to."""
    address = 'module.it.aws_batch_compute_environment.fargate["fargate"]'
    terraform._run("apply", "-input=false", "-auto-approve", f"-replace={address}")


def test_a_compute_environment_is_replaced(bench: Bench) -> None:
    """The queue stays, and moves to the new environment before the old one is deleted."""
    terraform = bench.caller("batch")
    terraform.apply()
    before = terraform.output()["it"]
    replace_environment(terraform)
    after = terraform.output()["it"]
    assert after["job_queue_arn"] == before["job_queue_arn"]
    assert after["compute_environment_arns"] != before["compute_environment_arns"]
    queues = bench.aws.client("batch").describe_job_queues(jobQueues=["lab-fargate"])["jobQueues"]
    orders = [order["computeEnvironment"] for order in queues[0]["computeEnvironmentOrder"]]
    assert orders == [after["compute_environment_arns"]["fargate"]]
    assert terraform.plan().empty


def test_in_the_other_order_it_would_not_be(bench: Bench) -> None:
    """Without `create_before_destroy` AWS refuses to delete what the queue leads to."""
    spoil(bench.folder / "batch" / "main.tf", "create_before_destroy = true", "create_before_destroy = false")
    terraform = bench.caller("batch")
    terraform.apply()
    with pytest.raises(TerraformError, match="found existing JobQueue relationship"):
        replace_environment(terraform)


def test_a_changed_template_is_a_changed_environment(bench: Bench) -> None:
    """A larger volume changes the template and the environment of that kind, both in place, and nothing else."""
    terraform = bench.caller("batch", "ec2 = { volume_size_gib = 200 }")
    terraform.apply()
    spoil(terraform.directory / "main.tf", "volume_size_gib = 200", "volume_size_gib = 400")
    assert set(terraform.plan().changes) == {
        Change('module.it.aws_launch_template.instance["ec2"]', ("update",)),
        Change('module.it.aws_batch_compute_environment.ec2["ec2"]', ("update",)),
    }
    terraform.apply()
    assert terraform.plan().empty


PASSED_ON = """
internet                 = false
vpc_endpoints            = { route_table_ids = ["rtb-1"] }
ec2                      = { volume_size_gib = 40 }
stuck_job_limits         = { "MISCONFIGURATION:JOB_RESOURCE_REQUIREMENT" = 1200 }
bucket                   = "team-artifacts"
kms_key_arn              = "arn:aws:kms:us-east-1:123456789012:key/1"
cache_expiration_days    = { Report = 5 }
lifecycle_rules          = { tidy = { expiration_days = 3 } }
access_log               = { bucket = "team-logs" }
permissions_boundary_arn = "arn:aws:iam::123456789012:policy/boundary"
tags                     = { team = "data" }
"""


def planned_resources(terraform: Terraform) -> dict[str, dict[str, Any]]:
    """Return the values that a plan gives to resources, by the address within the module that is called."""
    document = terraform.plan().document
    return {
        change["address"].removeprefix("module.it."): change["change"]["after"]
        for change in document["resource_changes"]
        if change["mode"] == "managed"
    }


def test_the_platform_passes_on_what_it_takes(bench: Bench) -> None:
    """What the platform takes reaches the module that it is for."""
    planned = planned_resources(bench.caller("platform", PASSED_ON))
    assert not [address for address in planned if "tasks_to_addresses" in address]
    assert planned["module.network.aws_vpc_endpoint.s3[0]"]["route_table_ids"] == ["rtb-1"]
    template = planned['module.batch.aws_launch_template.instance["ec2"]']
    assert template["block_device_mappings"][0]["ebs"][0]["volume_size"] == 40
    (limit,) = planned['module.batch.aws_batch_job_queue.this["fargate"]']["job_state_time_limit_action"]
    assert (limit["reason"], limit["max_time_seconds"]) == ("MISCONFIGURATION:JOB_RESOURCE_REQUIREMENT", 1200)
    boundary = planned["module.batch.aws_iam_role.instance[0]"]["permissions_boundary"]
    assert boundary == "arn:aws:iam::123456789012:policy/boundary"
    assert planned["module.datastore.aws_s3_bucket.this"]["bucket"] == "team-artifacts"
    (rule,) = planned["module.datastore.aws_s3_bucket_server_side_encryption_configuration.this"]["rule"]
    key = rule["apply_server_side_encryption_by_default"][0]["kms_master_key_id"]
    assert key == planned["aws_ecr_repository.flows[0]"]["encryption_configuration"][0]["kms_key"]
    assert key == "arn:aws:kms:us-east-1:123456789012:key/1"
    rules = planned["module.datastore.aws_s3_bucket_lifecycle_configuration.this"]["rule"]
    expiring = {
        rule["id"]: rule["expiration"][0]["days"] for rule in rules if rule["id"] in {"expire-cache-of-Report", "tidy"}
    }
    assert expiring == {"expire-cache-of-Report": 5, "tidy": 3}
    assert planned["module.datastore.aws_s3_bucket_logging.this[0]"]["target_bucket"] == "team-logs"
    untagged = [address for address, after in planned.items() if "tags" in after and "data" not in str(after["tags"])]
    assert untagged == []


def test_the_platform_knows_what_flows_take() -> None:
    """Every variable of a compiled flow that is not of one deployment is among those that the platform gives out."""
    compiled: set[str] = set()
    for file in (ROOT / "tests" / "golden").glob("*/flow.py"):
        compilation = compile_flow(str(file))
        # What the flow itself names: variables, job queues, and triggers, each with its switch.
        named = {variable.name for variable in variables_of(compilation.graphs)}
        named |= {queue.variable for queue in compilation.deployment.queues if queue not in QUEUES}
        compiled |= {variable.name for variable in compilation.document.variables} - named
    of_one = {"name", "image", "alarm_actions", "keep_logs", "log_retention_in_days", "schedule_enabled"}
    of_one |= {"check_datastore_region", "region_in_role_names", "role_arns"}
    shared = {name for name in compiled - of_one if not name.endswith(("_role_arn", "_enabled"))}
    given = hcl2.loads((MODULES / "platform" / "main.tf").read_text(encoding="utf-8"))["locals"][0]["flow_variables"]
    assert shared - set(given) == set()


def test_the_platform_takes_security_groups(bench: Bench) -> None:
    """Given security groups are those of tasks, and may use the endpoints; none is made for tasks."""
    arguments = 'security_group_ids = { ours = "sg-1" }\n  vpc_endpoints = { route_table_ids = ["rtb-1"] }'
    planned = planned_resources(bench.caller("platform", arguments))
    environment = planned['module.batch.aws_batch_compute_environment.fargate["fargate"]']
    assert environment["compute_resources"][0]["security_group_ids"] == ["sg-1"]
    rule = planned['module.network.aws_vpc_security_group_ingress_rule.endpoints["ours"]']
    assert rule["referenced_security_group_id"] == "sg-1"
    assert "module.network.aws_security_group.tasks[0]" not in planned


def test_a_flow_takes_what_the_platform_gives(bench: Bench, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The platform's output, written to a file, is what a compiled flow needs besides its image: then it runs."""
    for name, value in bench.aws.environment.items():
        monkeypatch.setenv(name, value)
    platform = bench.caller("platform", "force_destroy = true")
    platform.apply()
    given = platform.output()["it"]
    variables, image = given["flow_variables"], f"{given['repository_url']}:1"

    lay_out(WIDE, tmp_path / "image")
    folder = tmp_path / "flow"
    folder.mkdir()
    (folder / "main.tf.json").write_text(compile_document(WIDE), encoding="utf-8")
    (folder / "platform.auto.tfvars.json").write_text(json.dumps(variables), encoding="utf-8")
    flow = Terraform(folder, bench.mirror, bench.environment)
    flow.init()
    flow.apply(image=image)
    assert flow.plan(image=image).empty

    wide = load(str(WIDE)).flow
    wide.configuration.scheduler = AWS.StepFunctions()
    assert wide().wait(timeout=300).layer("Total").all == ["A", "B", "C"]
    jobs = bench.aws.client("batch").list_jobs(jobQueue=variables["job_queue_arn"], jobStatus="SUCCEEDED")
    assert {job["jobName"] for job in jobs["jobSummaryList"]} >= {"Wide-Parts", "Wide-Total"}

    flow.destroy(image=image)
    platform.destroy()
    assert platform.state() == []
