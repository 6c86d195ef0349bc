"""The stand-in AWS provider under real Terraform, against an embedded AWS."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from laminar_codegen.rehearsal.aws import EmbeddedAws
from laminar_codegen.rehearsal.aws import Workspace as Image
from tests.support.terraform_harness import (
    Change,
    Terraform,
    TerraformError,
    serving_provider,
    terraform_executable,
)
from tools.terraform_standin.installing import install
from tools.terraform_standin.registry import RESOURCES

pytestmark = pytest.mark.e2e

REGION = "eu-west-1"
DOCUMENTS = Path(__file__).parent / "documents"
TERRAFORM = {"required_providers": {"aws": {"source": "hashicorp/aws", "version": ">= 6.25, < 7"}}}
TRUST = json.dumps(
    {
        "Version": "2012-10-17",
        "Statement": [
            {
                "Effect": "Allow",
                "Action": "sts:AssumeRole",
                "Principal": {"Service": "states.amazonaws.com"},
            }
        ],
    }
)
ROLE = {"name": "worker", "assume_role_policy": TRUST}
CONTAINER = {"image": "busybox:1", "vcpus": 1, "memory": 128, "command": ["true"]}
JOB = {"name": "job", "type": "container", "container_properties": json.dumps(CONTAINER)}
SCHEDULE = {"name": "daily", "schedule_expression": "rate(1 day)"}

Workspace = Callable[..., Terraform]


@pytest.fixture(scope="module")
def embedded(tmp_path_factory: pytest.TempPathFactory) -> Iterator[EmbeddedAws]:
    """Serve an embedded AWS for the tests of this module: a process has one at a time."""
    with EmbeddedAws(workspace=Image(directory=tmp_path_factory.mktemp("image")), region=REGION) as aws:
        yield aws


@pytest.fixture
def endpoint(embedded: EmbeddedAws) -> EmbeddedAws:
    """Return the embedded AWS, empty."""
    embedded.reset()
    return embedded


@pytest.fixture
def aws(endpoint: EmbeddedAws) -> Callable[[str], Any]:
    """Return what makes boto3 clients, to look at the embedded AWS past Terraform."""
    return endpoint.client


@pytest.fixture(scope="session")
def mirror(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The provider mirror, written once."""
    return install(tmp_path_factory.mktemp("mirror"))


@pytest.fixture(scope="module")
def served(embedded: EmbeddedAws) -> Iterator[dict[str, str]]:
    """The environment in which Terraform finds a provider that runs. Tests without it have Terraform start its own."""
    with serving_provider(embedded.environment) as environment:
        yield environment


@pytest.fixture
def workspace(tmp_path: Path, mirror: Path, endpoint: EmbeddedAws, served: dict[str, str]) -> Workspace:
    """Makes a working directory from a document; called again, it changes the document."""
    terraform = Terraform(tmp_path, mirror, served)

    def write(resources: dict[str, Any], **more: Any) -> Terraform:
        document = {"terraform": TERRAFORM, "resource": resources} | more
        written = {name: value for name, value in document.items() if value}
        (tmp_path / "main.tf.json").write_text(json.dumps(written, indent=2), encoding="utf-8")
        if not (tmp_path / ".terraform").exists():
            terraform.init()
        return terraform

    return write


def one(type_: str, **arguments: Any) -> dict[str, Any]:
    """Return a document's `resource` with one resource named `x`."""
    return {type_: {"x": arguments}}


def test_valid_document(workspace: Workspace) -> None:
    """A correct document validates without a diagnostic."""
    answer = workspace(one("aws_iam_role", **ROLE)).validate()
    assert answer["valid"]
    assert answer["diagnostics"] == []


@pytest.mark.parametrize(
    ("resources", "message"),
    [
        (one("aws_iam_role", **ROLE, colour="red"), 'No argument or block type is named "colour"'),
        (one("aws_batch_job_definition", **JOB, timeout={"seconds": 1}), 'is named "seconds"'),
        (one("aws_cloudwatch_log_group", retention_in_days="long"), "a number is required"),
        (one("aws_iam_role", name="worker"), '"assume_role_policy" is required'),
        (
            one("aws_scheduler_schedule", **SCHEDULE, flexible_time_window={"mode": "OFF"}),
            "Insufficient target blocks",
        ),
        (one("aws_spaceship", name="x"), 'does not support resource type "aws_spaceship"'),
        (one("aws_iam_role", **ROLE, name_prefix="x-"), "name and name_prefix conflict"),
        (one("aws_iam_role", name="x", assume_role_policy="{"), "not valid JSON"),
        (one("aws_ssm_parameter", name="x", type="String"), "must be given"),
    ],
)
def test_invalid_document(workspace: Workspace, resources: dict[str, Any], message: str) -> None:
    """A document that the real provider's schema refuses is refused, and Terraform says why."""
    answer = workspace(resources).validate()
    assert not answer["valid"]
    texts = [f"{d['summary']} {d['detail']}" for d in answer["diagnostics"]]
    assert any(message in text for text in texts), texts


@pytest.mark.usefixtures("endpoint")
def test_platform(tmp_path: Path, mirror: Path, served: dict[str, str], aws: Callable[[str], Any]) -> None:
    """A whole platform is applied, stays as planned, changes only where asked, and is destroyed."""
    shutil.copy(DOCUMENTS / "platform.tf.json", tmp_path)
    terraform = Terraform(tmp_path, mirror, served)
    terraform.init()
    terraform.apply()
    again = terraform.plan()
    assert again.changes == ()
    assert again.empty
    outputs = terraform.output()
    assert outputs["place"] == f"aws:{REGION}:123456789012"
    assert_platform(aws, outputs)

    plan = terraform.plan(threshold=5)
    assert plan.changes == (Change("aws_cloudwatch_metric_alarm.failed", ("update",)),)
    assert not plan.empty
    terraform.apply(threshold=5, schedule="rate(1 hour)")
    assert aws("cloudwatch").describe_alarms()["MetricAlarms"][0]["Threshold"] == 5
    schedule = aws("scheduler").get_schedule(Name="report-daily")
    assert schedule["ScheduleExpression"] == "rate(1 hour)"
    assert terraform.plan(threshold=5, schedule="rate(1 hour)").empty

    terraform.destroy()
    assert terraform.state() == []
    assert_nothing_left(aws)


def assert_platform(aws: Callable[[str], Any], outputs: dict[str, Any]) -> None:
    """Assert that the embedded AWS has the resources of the document."""
    machine = aws("stepfunctions").describe_state_machine(stateMachineArn=outputs["machine"])
    state = json.loads(machine["definition"])["States"]["train"]
    assert state["Arguments"]["JobDefinition"] == outputs["job_definition"]
    assert machine["loggingConfiguration"]["level"] == "ERROR"
    tags = aws("stepfunctions").list_tags_for_resource(resourceArn=outputs["machine"])["tags"]
    assert {tag["key"]: tag["value"] for tag in tags} == {"flow": "Report", "team": "data"}
    job = aws("batch").describe_job_definitions(jobDefinitions=[outputs["job_definition"]])
    assert job["jobDefinitions"][0]["containerProperties"]["image"] == "busybox:1"
    queue = aws("batch").describe_job_queues(jobQueues=["report"])["jobQueues"][0]
    assert queue["computeEnvironmentOrder"][0]["order"] == 1
    encryption = aws("s3").get_bucket_encryption(Bucket=outputs["bucket"])
    rule = encryption["ServerSideEncryptionConfiguration"]["Rules"][0]
    assert rule["ApplyServerSideEncryptionByDefault"]["SSEAlgorithm"] == "aws:kms"
    assert aws("s3").get_bucket_versioning(Bucket=outputs["bucket"])["Status"] == "Enabled"
    function = aws("lambda").get_function(FunctionName="report-planner")["Configuration"]
    assert function["Environment"]["Variables"] == {"LAMINAR_FLOW": "Report"}
    parameter = aws("ssm").get_parameter(Name="/laminar/report/machine")["Parameter"]
    assert parameter["Value"] == outputs["machine"]
    group = aws("logs").describe_log_groups()["logGroups"][0]
    assert group["retentionInDays"] == 365
    assert aws("scheduler").get_schedule(Name="report-daily")["Target"]["Input"] == "{}"
    policy = aws("iam").get_role_policy(RoleName="report-machine", PolicyName="run")
    assert policy["PolicyDocument"]["Statement"][0]["Sid"] == "Submit"


def assert_nothing_left(aws: Callable[[str], Any]) -> None:
    """Assert that the embedded AWS no longer has any resource of the document."""
    active = [item for item in aws("batch").describe_job_definitions()["jobDefinitions"] if item["status"] == "ACTIVE"]
    own_roles = [role for role in aws("iam").list_roles()["Roles"] if not role["Path"].startswith("/aws-service-role/")]
    left = [
        *active,
        *own_roles,
        *aws("stepfunctions").list_state_machines()["stateMachines"],
        *aws("batch").describe_job_queues()["jobQueues"],
        *aws("batch").describe_compute_environments()["computeEnvironments"],
        *aws("s3").list_buckets()["Buckets"],
        *aws("lambda").list_functions()["Functions"],
        *aws("logs").describe_log_groups()["logGroups"],
        *aws("cloudwatch").describe_alarms()["MetricAlarms"],
        *aws("scheduler").list_schedules()["Schedules"],
        *aws("ssm").describe_parameters()["Parameters"],
        *aws("ecr").describe_repositories()["repositories"],
        *aws("sqs").list_queues().get("QueueUrls", ()),
        *aws("sns").list_topics()["Topics"],
    ]
    assert left == []


def test_job_definition_revision(workspace: Workspace, aws: Callable[[str], Any]) -> None:
    """A changed container makes a new revision in place and the revision before is deregistered."""
    terraform = workspace(two_jobs("busybox:1"))
    terraform.apply()
    workspace(two_jobs("busybox:2"))
    plan = terraform.plan()
    assert plan.changes == (
        Change("aws_batch_job_definition.x", ("update",)),
        Change("aws_ssm_parameter.x", ("update",)),
    )
    terraform.apply()
    assert revisions(aws) == {1: "INACTIVE", 2: "ACTIVE"}
    assert aws("ssm").get_parameter(Name="job")["Parameter"]["Value"].endswith("/job:2")
    assert terraform.plan().empty


def test_job_definition_kept(workspace: Workspace, aws: Callable[[str], Any]) -> None:
    """With `deregister_on_new_revision` false the revision before stays active."""
    job = JOB | {"deregister_on_new_revision": False}
    terraform = workspace(one("aws_batch_job_definition", **job))
    terraform.apply()
    workspace(one("aws_batch_job_definition", **job | {"parameters": {"a": "b"}}))
    terraform.apply()
    assert revisions(aws) == {1: "ACTIVE", 2: "ACTIVE"}


def two_jobs(image: str) -> dict[str, Any]:
    """Return a job definition, and a parameter that refers to its revision."""
    job = JOB | {"container_properties": json.dumps(CONTAINER | {"image": image})}
    value = "${aws_batch_job_definition.x.arn}"
    return one("aws_batch_job_definition", **job) | one("aws_ssm_parameter", name="job", type="String", value=value)


def revisions(aws: Callable[[str], Any]) -> dict[int, str]:
    """Return the revisions of the job definition with their status."""
    found = aws("batch").describe_job_definitions()["jobDefinitions"]
    return {item["revision"]: item["status"] for item in found}


def job(**container: Any) -> dict[str, Any]:
    """Return a document with a job definition of this container, written with white space."""
    properties = json.dumps(CONTAINER | container, indent=4)
    return one("aws_batch_job_definition", **JOB | {"container_properties": properties})


def env(*names: str) -> list[dict[str, str]]:
    """Return the environment of a container."""
    return [{"name": name, "value": name.lower()} for name in names]


@pytest.mark.parametrize(
    ("before", "after"),
    [
        (one("aws_batch_job_definition", **JOB), job()),
        (job(environment=env("A", "B")), job(environment=env("B", "A"), mountPoints=[])),
        (
            one("aws_iam_role", **ROLE),
            one(
                "aws_iam_role",
                **ROLE | {"assume_role_policy": json.dumps(json.loads(TRUST), indent=4)},
            ),
        ),
    ],
    ids=["spaces", "environment", "policy"],
)
def test_formatting_is_no_change(workspace: Workspace, before: dict[str, Any], after: dict[str, Any]) -> None:
    """JSON that means the same is no difference, however it is written."""
    workspace(before).apply()
    assert workspace(after).plan().empty


def test_replacement(workspace: Workspace, aws: Callable[[str], Any]) -> None:
    """A new name replaces the object; a new description changes it in place."""
    terraform = workspace(one("aws_iam_role", **ROLE))
    terraform.apply()
    workspace(one("aws_iam_role", **ROLE, description="works"))
    assert terraform.plan().changes == (Change("aws_iam_role.x", ("update",)),)
    workspace(one("aws_iam_role", **ROLE | {"name": "other"}))
    assert terraform.plan().changes == (Change("aws_iam_role.x", ("delete", "create")),)
    terraform.apply()
    assert [role["RoleName"] for role in aws("iam").list_roles()["Roles"]] == ["other"]


def test_dependants_stay(workspace: Workspace) -> None:
    """An update that leaves an ARN as it is changes nothing that refers to the ARN."""
    reader = one("aws_ssm_parameter", name="role", type="String", value="${aws_iam_role.x.arn}")
    terraform = workspace(one("aws_iam_role", **ROLE) | reader)
    terraform.apply()
    workspace(one("aws_iam_role", **ROLE, tags={"a": "b"}, max_session_duration=7200) | reader)
    assert terraform.plan().changes == (Change("aws_iam_role.x", ("update",)),)


def test_removed_argument(workspace: Workspace, aws: Callable[[str], Any]) -> None:
    """An argument taken out of the document goes back to its default."""
    terraform = workspace(one("aws_cloudwatch_log_group", name="x", retention_in_days=30))
    terraform.apply()
    workspace(one("aws_cloudwatch_log_group", name="x"))
    terraform.apply()
    assert "retentionInDays" not in aws("logs").describe_log_groups()["logGroups"][0]
    assert terraform.plan().empty


@pytest.mark.usefixtures("endpoint")
def test_every_type(tmp_path: Path, mirror: Path, served: dict[str, str]) -> None:
    """Every implemented type is created, stays as planned, is updated, stays so, and is deleted."""
    terraform = Terraform(tmp_path, mirror, served)
    document = json.loads((DOCUMENTS / "everything.tf.json").read_text(encoding="utf-8"))
    assert set(document["resource"]) == set(RESOURCES)
    shutil.copy(DOCUMENTS / "everything.tf.json", tmp_path / "main.tf.json")
    terraform.init()
    terraform.apply()
    assert terraform.plan().changes == ()
    shutil.copy(DOCUMENTS / "everything_changed.tf.json", tmp_path / "main.tf.json")
    terraform.apply()
    assert terraform.plan().changes == ()
    terraform.destroy()
    assert terraform.state() == []


def test_policy_documents(tmp_path: Path, mirror: Path, endpoint: EmbeddedAws) -> None:
    """Policy documents, written in HCL, render as the real provider renders them."""
    shutil.copy(DOCUMENTS / "policies.tf", tmp_path)
    terraform = Terraform(tmp_path, mirror, endpoint.environment)
    terraform.init()
    terraform.apply()
    outputs = terraform.output()
    assert outputs["minified"] == (
        '{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":"s3:GetObject",'
        '"Resource":"arn:aws:s3:::data/*"}]}'
    )
    assert json.loads(outputs["minimal"]) == json.loads(outputs["minified"])
    assert outputs["minimal"].startswith('{\n  "Version": "2012-10-17",\n  "Statement": [\n    {')
    full = json.loads(outputs["full"])
    assert full["Id"] == "full"
    assert full["Statement"] == [
        {
            "Sid": "Lists",
            "Effect": "Deny",
            "Action": ["s3:PutObject", "s3:GetObject", "s3:DeleteObject"],
            "Resource": ["arn:aws:s3:::b/${aws:username}/*", "arn:aws:s3:::a/*"],
            "Principal": {
                "AWS": ["arn:aws:iam::222222222222:root", "arn:aws:iam::111111111111:root"],
                "Service": "events.amazonaws.com",
            },
            "Condition": {
                "ArnLike": {"aws:SourceArn": ["arn:aws:states:*", "arn:aws:batch:*"]},
                "StringEquals": {"aws:SourceAccount": "111111111111"},
            },
        },
        {"Effect": "Allow", "NotAction": "iam:*", "NotResource": "*", "NotPrincipal": "*"},
    ]
    merged = json.loads(outputs["merged"])["Statement"]
    assert [statement["Action"] for statement in merged] == ["s3:GetObject", "a:Two", "a:Three"]


def test_default_tags(workspace: Workspace, aws: Callable[[str], Any]) -> None:
    """The provider's tags are on every object, under the object's own, and follow their changes."""
    role = one("aws_iam_role", **ROLE, tags={"own": "1", "team": "own"})
    terraform = workspace(role, provider=default_tags(team="data", stage="test"))
    terraform.apply()
    assert role_tags(aws) == {"own": "1", "team": "own", "stage": "test"}
    assert terraform.plan().empty
    workspace(one("aws_iam_role", **ROLE), provider=default_tags(team="data"))
    terraform.apply()
    assert role_tags(aws) == {"team": "data"}
    assert terraform.plan().empty


def default_tags(**tags: str) -> dict[str, Any]:
    """Return a document's `provider` with default tags."""
    return {"aws": {"default_tags": {"tags": tags}}}


def role_tags(aws: Callable[[str], Any]) -> dict[str, str]:
    """Return the tags of the role in the embedded AWS."""
    found = aws("iam").list_role_tags(RoleName="worker")["Tags"]
    return {tag["Key"]: tag["Value"] for tag in found}


def test_generated_names(workspace: Workspace, aws: Callable[[str], Any]) -> None:
    """A name comes from its prefix, or altogether from the provider, and then stays."""
    queues = {"aws_sqs_queue": {"a": {"name_prefix": "jobs-"}, "b": {}}}
    terraform = workspace(queues)
    terraform.apply()
    names = sorted(url.rpartition("/")[2] for url in aws("sqs").list_queues()["QueueUrls"])
    assert names[0].startswith("jobs-")
    assert names[1].startswith("terraform-")
    assert terraform.plan().empty


def test_drift(workspace: Workspace, aws: Callable[[str], Any]) -> None:
    """What somebody changes or deletes past Terraform is put right by the next apply."""
    terraform = workspace(
        one("aws_iam_role", **ROLE, description="works") | one("aws_cloudwatch_log_group", name="logs")
    )
    terraform.apply()
    aws("iam").update_role(RoleName="worker", Description="idles")
    aws("logs").delete_log_group(logGroupName="logs")
    assert terraform.plan().changes == (
        Change("aws_cloudwatch_log_group.x", ("create",)),
        Change("aws_iam_role.x", ("update",)),
    )
    terraform.apply()
    assert aws("iam").get_role(RoleName="worker")["Role"]["Description"] == "works"
    aws("iam").delete_role(RoleName="worker")
    terraform.destroy()
    assert terraform.state() == []


def test_import(workspace: Workspace, aws: Callable[[str], Any]) -> None:
    """An object that is there already can be imported, and then there is nothing to do."""
    aws("iam").create_role(RoleName="worker", AssumeRolePolicyDocument=TRUST)
    terraform = workspace(one("aws_iam_role", **ROLE))
    terraform.import_resource("aws_iam_role.x", "worker")
    assert terraform.plan().empty
    with pytest.raises(TerraformError, match="it does not exist"):
        terraform.import_resource("aws_iam_role.x", "nobody")


@pytest.mark.parametrize(
    ("resources", "message"),
    [
        (one("aws_ecs_cluster", name="x"), "does not implement resource type aws_ecs_cluster"),
        (one("aws_s3_bucket", bucket="data", acl="private"), "has no argument aws_s3_bucket.acl"),
        (
            one("aws_sfn_state_machine", name="x", role_arn="nobody", definition="{}"),
            "planning aws_sfn_state_machine",
        ),
    ],
)
def test_failure(workspace: Workspace, resources: dict[str, Any], message: str) -> None:
    """What the stand-in lacks or AWS refuses is a diagnostic that names the resource."""
    terraform = workspace(resources)
    with pytest.raises(TerraformError) as failure:
        terraform.apply()
    text = " ".join(str(failure.value).split())
    assert message in text
    assert f"with {next(iter(resources))}.x" in text


def test_failed_afterwards(workspace: Workspace, aws: Callable[[str], Any]) -> None:
    """An object that was made, but could not be finished, is known to Terraform and replaced."""
    terraform = workspace(one("aws_s3_bucket", bucket="data", tags={"aws:a": "x"}))
    with pytest.raises(TerraformError, match="creating aws_s3_bucket"):
        terraform.apply()
    assert [bucket["Name"] for bucket in aws("s3").list_buckets()["Buckets"]] == ["data"]
    workspace(one("aws_s3_bucket", bucket="data"))
    assert terraform.plan().changes == (Change("aws_s3_bucket.x", ("delete", "create")),)


def test_lookups(workspace: Workspace, aws: Callable[[str], Any]) -> None:
    """Data sources find what somebody else has made, and fail for what is not there."""
    aws("iam").create_role(RoleName="worker", AssumeRolePolicyDocument=TRUST)
    aws("ssm").put_parameter(Name="image", Type="String", Value="busybox:1")
    aws("logs").create_log_group(logGroupName="logs")
    vpc = aws("ec2").create_vpc(CidrBlock="10.9.0.0/16")["Vpc"]["VpcId"]
    subnet = aws("ec2").create_subnet(VpcId=vpc, CidrBlock="10.9.1.0/24")["Subnet"]["SubnetId"]
    by_vpc = {"filter": [{"name": "vpc-id", "values": [vpc]}]}
    data = {
        "aws_iam_role": {"x": {"name": "worker"}},
        "aws_ssm_parameter": {"x": {"name": "image"}},
        "aws_cloudwatch_log_group": {"x": {"name": "logs"}},
        "aws_vpc": {"x": {"cidr_block": "10.9.0.0/16"}},
        "aws_subnets": {"x": by_vpc},
        "aws_service_principal": {"x": {"service_name": "states"}},
    }
    output = {
        "role": {"value": "${data.aws_iam_role.x.arn}"},
        "image": {"value": "${data.aws_ssm_parameter.x.insecure_value}"},
        "group": {"value": "${data.aws_cloudwatch_log_group.x.arn}"},
        "vpc": {"value": "${data.aws_vpc.x.id}"},
        "subnets": {"value": "${data.aws_subnets.x.ids}"},
        "principal": {"value": "${data.aws_service_principal.x.name}"},
    }
    terraform = workspace({}, data=data, output=output)
    terraform.apply()
    assert terraform.output() == {
        "role": "arn:aws:iam::123456789012:role/worker",
        "image": "busybox:1",
        "group": f"arn:aws:logs:{REGION}:123456789012:log-group:logs",
        "vpc": vpc,
        "subnets": [subnet],
        "principal": "states.amazonaws.com",
    }
    workspace({}, data={"aws_iam_role": {"x": {"name": "nobody"}}})
    with pytest.raises(TerraformError, match="there is no 'nobody'"):
        terraform.plan()


def test_variables(workspace: Workspace, aws: Callable[[str], Any]) -> None:
    """Variables are given as keyword arguments, of any type, and an undeclared one is refused."""
    resources = one("aws_ssm_parameter", name="x", type="String", value='${join(",", var.words)}')
    terraform = workspace(resources, variable={"words": {"type": "list(string)"}})
    terraform.apply(words=["a", "b"])
    assert aws("ssm").get_parameter(Name="x")["Parameter"]["Value"] == "a,b"
    with pytest.raises(TerraformError, match="undeclared variable"):
        terraform.plan(words=[], colour="red")


def test_no_endpoint(tmp_path: Path, mirror: Path) -> None:
    """Without an embedded AWS to talk to the provider refuses to work."""
    document = {"terraform": TERRAFORM, "resource": one("aws_iam_role", **ROLE)}
    (tmp_path / "main.tf.json").write_text(json.dumps(document), encoding="utf-8")
    terraform = Terraform(tmp_path, mirror, {"AWS_REGION": REGION})
    terraform.init()
    with pytest.raises(TerraformError, match="embedded AWS only"):
        terraform.plan()


@pytest.mark.parametrize(("ci", "outcome"), [("true", pytest.fail.Exception), ("", pytest.skip.Exception)])
def test_no_terraform(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, ci: str, outcome: type[BaseException]) -> None:
    """Without Terraform a test is skipped, in CI it fails."""
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.setenv("CI", ci)
    with pytest.raises(outcome, match="terraform is not on the PATH"):
        terraform_executable()
