"""A flow that is deployed is changed and applied again: what changes is what was changed, and executions go on."""

from __future__ import annotations

import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import attrs
import pytest

from laminar_codegen.frontend.loader import load
from laminar_runtime import Execution
from laminar_runtime.configurations.schedulers import AWS
from laminar_runtime.exceptions import ExecutionError
from tests.e2e.conftest import Platform, compile_document
from tests.support.terraform_harness import Terraform, TerraformError

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

#: A repository of ECR: AWS Lambda takes no other images.
IMAGE = "123456789012.dkr.ecr.eu-west-1.amazonaws.com/team/flow"

ON_LAMBDA = """
import time
from pathlib import Path

from laminar_runtime import Flow, Layer
from laminar_runtime.configurations.executors import AWS
from laminar_runtime.configurations.layers import Container

HERE = Path({folder!r})

class Report(Flow): ...

@Report.register
class Load(Layer):
    def __call__(self) -> None:
        with (HERE / "loaded").open("a") as file:
            file.write("once")
        started = time.monotonic()
        while not (HERE / "gate").exists() and time.monotonic() < started + 120:
            time.sleep(0.1)
        self.rows = [1, 2, 3]

@Report.register(executor=AWS.Lambda(), container=Container(memory=512))
class Clean(Layer):
    def __call__(self, load: Load) -> None:
        self.rows = load.rows[1:]

@Report.register
class Publish(Layer):
    def __call__(self, clean: Clean) -> None:
        self.total = sum(clean.rows)

if flow := Report():
    flow()
"""
MACHINE = ("aws_sfn_state_machine.flow", ("update",))


def of_layer(name: str, *actions: str) -> tuple[str, tuple[str, ...]]:
    """Return what a plan says of a layer that changes."""
    return f'terraform_data.layer["{name}"]', actions


Build = Callable[[Path], Platform]


@attrs.frozen
class Deployed:
    """A deployment of the flow.

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

    def write(self, text: str) -> None:
        """Write another version into the folder, which still has the document of the one before."""
        file = self.folder / "version.py"
        file.write_text(text, encoding="utf-8")
        words = [sys.executable, "-m", "laminar_codegen", "--output", str(self.terraform.directory), str(file)]
        subprocess.run(words, check=True, capture_output=True)

    def statements(self, role: str) -> dict[str, dict[str, Any]]:
        """Return the statements of a role in AWS, by their names."""
        name = role.replace("_", "-")
        found = self.platform.aws.client("iam").get_role_policy(RoleName=f"Report-{name}", PolicyName=name)
        return {statement["Sid"]: statement for statement in found["PolicyDocument"]["Statement"]}

    def upgrade(self, **changed: object) -> list[tuple[str, tuple[str, ...]]]:
        """Apply, and give what changed; a plan made after it is empty."""
        variables = {**self.platform.variables, **changed}
        changes = sorted((change.address, change.actions) for change in self.terraform.plan(**variables).changes)
        self.terraform.apply_plan()
        assert self.terraform.plan(**variables).empty
        return changes


@pytest.fixture
def written(tmp_path: Path, platform: Build) -> Deployed:
    """The first version, not applied yet."""
    text = FLOW.format(gate=str(tmp_path / "gate"), more="")
    file = tmp_path / "flow.py"
    file.write_text(text, encoding="utf-8")
    made = Deployed(platform(file), text, tmp_path)
    made.terraform.init()
    return made


@pytest.fixture
def deployed(written: Deployed) -> Deployed:
    written.terraform.apply(**written.platform.variables)
    return written


def test_versions(deployed: Deployed) -> None:
    """The same is no change; a size, a layer and a name change the machine; a container is one job definition more."""
    first = deployed.first
    deployed.compile(first)
    assert deployed.upgrade() == []
    larger = first.replace("memory=4096", "memory=8192")
    more = larger.replace("\n\nif flow", f"{ANOTHER}\nif flow")
    renamed = [of_layer("Announce", "create"), of_layer("Check", "delete"), of_layer("Clean", "update")]
    for version, layers in (
        (larger, [of_layer("Clean", "update")]),
        (more, [of_layer("Check", "create")]),
        (first.replace("Publish", "Announce"), [*renamed, of_layer("Publish", "delete")]),
    ):
        deployed.compile(version)
        assert deployed.upgrade() == [MACHINE, *layers]

    deployed.compile(first.replace("\n\nif flow", f"{UNUSUAL}\nif flow"))
    added, *others = deployed.upgrade()
    assert added[0].startswith("aws_batch_job_definition.fargate_")
    assert added[1] == ("create",)
    policy = ("aws_iam_role_policy.state_machine[0]", ("update",))
    layers = [of_layer("Announce", "delete"), of_layer("Count", "create"), of_layer("Publish", "create")]
    assert others == [policy, MACHINE, *layers]

    deployed.compile(first)
    removed, *others = deployed.upgrade()
    assert removed == (added[0], ("delete",))
    assert others == [policy, MACHINE, of_layer("Count", "delete")]


def test_variables(deployed: Deployed) -> None:
    """Tags are changed in place; an image is a new revision of what runs it."""
    tags = {"team": "reports"}
    changes = deployed.upgrade(tags=tags)
    tagged = {"aws_cloudwatch_log_group", "aws_cloudwatch_metric_alarm", "aws_iam_role", "aws_batch_job_definition"}
    tagged |= {"aws_sfn_state_machine", "aws_ssm_parameter"}
    assert [address for address, _ in changes] == sorted(
        name for name in deployed.terraform.state() if name.partition(".")[0] in tagged
    )
    assert {actions for _, actions in changes} == {("update",)}

    image = "123456789012.dkr.ecr.eu-west-1.amazonaws.com/team/other:2"
    job = ("aws_batch_job_definition.fargate", ("update",))
    # From another repository than the first, that the role that starts containers may pull from.
    assert deployed.upgrade(tags=tags, image=image) == [job, ("aws_iam_role_policy.execution[0]", ("update",)), MACHINE]
    pulls = deployed.statements("execution")["PullImages"]
    assert pulls["Resource"] == ["arn:aws:ecr:eu-west-1:123456789012:repository/team/other"]
    assert deployed.upgrade(tags=tags, image=image.replace(":2", "@sha256:0")) == [job, MACHINE]
    # In another registry than ECR there is nothing for it to pull with.
    deployed.upgrade(tags=tags, image="registry.example/team/flow:1")
    assert deployed.statements("execution").keys() == {"WriteLogs"}


def test_a_key(written: Deployed) -> None:
    """A customer's key encrypts what can be encrypted by it, and roles may use it, each for what is its own."""
    key = "arn:aws:kms:eu-west-1:123456789012:key/1234"
    other = "arn:aws:kms:eu-west-1:123456789012:key/5678"
    written.upgrade(kms_key_arn=key, datastore_kms_key_arn=other)
    (machine,) = written.platform.aws.client("stepfunctions").list_state_machines()["stateMachines"]
    described = written.platform.aws.client("stepfunctions").describe_state_machine(
        stateMachineArn=machine["stateMachineArn"]
    )
    assert described["encryptionConfiguration"]["kmsKeyId"] == key
    granted = written.statements("state_machine")
    assert {sid: found["Resource"] for sid, found in granted.items() if sid.startswith("Encrypt")} == {
        "EncryptExecutions": [key],
        "EncryptLogs": [key],
    }
    task = written.statements("task")["UseDatastoreKey"]
    assert (task["Resource"], task["Action"]) == ([other], ["kms:Decrypt", "kms:GenerateDataKey"])
    bucket = "arn:aws:s3:::team-artifacts"
    encrypted = task["Condition"]["StringLike"]["kms:EncryptionContext:aws:s3:arn"]
    assert sorted(encrypted) == [bucket, f"{bucket}/flows/Report/*"]


def test_roles_made_elsewhere(written: Deployed) -> None:
    """Roles that are given are taken, and nothing is made of them; those that are not given are made."""
    iam = written.platform.aws.client("iam")
    roles = {
        f"{label}_role_arn": iam.create_role(RoleName=f"our-{label}", AssumeRolePolicyDocument="{}")["Role"]["Arn"]
        for label in ("state_machine", "task")
    }
    written.upgrade(**roles)
    made = [name for name in written.terraform.state() if name.startswith("aws_iam_role")]
    assert made == ["aws_iam_role.execution[0]", "aws_iam_role_policy.execution[0]"]
    (machine,) = written.platform.aws.client("stepfunctions").list_state_machines()["stateMachines"]
    arn = machine["stateMachineArn"]
    found = written.platform.aws.client("stepfunctions").describe_state_machine(stateMachineArn=arn)
    assert found["roleArn"] == roles["state_machine_role_arn"]
    (definition,) = written.platform.aws.client("batch").describe_job_definitions(status="ACTIVE")["jobDefinitions"]
    assert definition["containerProperties"]["jobRoleArn"] == roles["task_role_arn"]
    output = written.terraform.output()
    assert output["task_role_arn"] == roles["task_role_arn"]
    assert "SubmitJobs" in output["policies"]["state_machine"]

    with pytest.raises(TerraformError, match="The role must be given by its ARN"):
        written.upgrade(**{**roles, "task_role_arn": "our-task"})


def started(deployed: Deployed, file: Path) -> Execution:
    """Return an execution, whose first job runs."""
    flow = load(str(file)).flow
    flow.configuration.scheduler = AWS.StepFunctions()
    execution = flow()
    until = time.monotonic() + 60
    while not deployed.platform.aws.client("batch").list_jobs(jobQueue="spare", jobStatus="RUNNING")["jobSummaryList"]:
        assert time.monotonic() < until, "the first job does not start"
        time.sleep(0.1)
    return execution


def succeeded(deployed: Deployed) -> set[tuple[str, str]]:
    """Return the names of all jobs that succeeded, each with the job definition that it was of."""
    jobs = deployed.platform.aws.client("batch")
    found = jobs.list_jobs(jobQueue="spare", jobStatus="SUCCEEDED")["jobSummaryList"]
    described = jobs.describe_jobs(jobs=[job["jobId"] for job in found])["jobs"]
    return {(job["jobName"], job["jobDefinition"].rpartition("/")[2]) for job in described}


def test_an_execution_survives(deployed: Deployed, tmp_path: Path) -> None:
    """An execution that has begun ends as the version that it began with, though another one was applied meanwhile."""
    execution = started(deployed, tmp_path / "flow.py")
    deployed.compile(deployed.first.replace("memory=4096", "memory=8192").replace("class Publish", "class Announce"))
    changes = deployed.upgrade(image="registry.example/team/flow:2", tags={"version": "2"})
    assert MACHINE in changes
    assert [address for address, actions in changes if "delete" in actions] == [of_layer("Publish")[0]]
    jobs = deployed.platform.aws.client("batch")
    active = jobs.describe_job_definitions(jobDefinitionName="Report-fargate", status="ACTIVE")["jobDefinitions"]
    assert sorted(definition["revision"] for definition in active) == [1, 2]

    (tmp_path / "gate").touch()
    assert execution.wait(timeout=120).layer("Publish").total == 5
    assert succeeded(deployed) == {(f"Report-{layer}", "Report-fargate:1") for layer in ("Load", "Clean", "Publish")}


def test_a_container_that_leaves(written: Deployed, tmp_path: Path) -> None:
    """An execution that has begun keeps the job definitions of its version, also those that the next has not."""
    before = written.first.replace("\n\nif flow", f"{UNUSUAL}\nif flow")
    written.write(before)
    written.upgrade()
    (tmp_path / "flow.py").write_text(before, encoding="utf-8")
    execution = started(written, tmp_path / "flow.py")
    written.write(written.first)
    changes = written.upgrade()
    assert [address for address, actions in changes if "delete" in actions] == [of_layer("Count")[0]]
    (tmp_path / "gate").touch()
    assert execution.wait(timeout=120).layer("Count").rows == 2
    # It comes back as a new revision.
    written.write(before)
    (added, actions), *_ = written.upgrade()
    assert (added.partition(".")[0], actions) == ("aws_batch_job_definition", ("create",))
    label = added.partition(".")[2]
    jobs = written.platform.aws.client("batch")
    active = jobs.describe_job_definitions(jobDefinitionName=f"Report-{label}", status="ACTIVE")["jobDefinitions"]
    assert sorted(definition["revision"] for definition in active) == [1, 2]


def test_a_version_of_a_layer_s_own_image(written: Deployed, tmp_path: Path) -> None:
    """It is a new revision of the same job definition: an execution that runs goes on with the version before."""
    own = 'memory=4096, image="123456789012.dkr.ecr.eu-west-1.amazonaws.com/team/clean:{}"'.format
    first = written.first.replace("memory=4096", own("1"))
    written.compile(first)
    written.upgrade()
    (tmp_path / "flow.py").write_text(first, encoding="utf-8")
    execution = started(written, tmp_path / "flow.py")
    written.compile(written.first.replace("memory=4096", own("2")))
    (label, actions), *others = written.upgrade()
    assert label.startswith("aws_batch_job_definition.fargate_")
    assert (actions, others) == (("update",), [MACHINE, of_layer("Clean", "update")])

    (tmp_path / "gate").touch()
    assert execution.wait(timeout=120).layer("Publish").total == 5
    assert ("Report-Clean", f"Report-{label.partition('.')[2]}:1") in succeeded(written)


def started_on_lambda(folder: Path, platform: Build) -> tuple[Deployed, str, Execution]:
    """Return a deployed flow with a layer on AWS Lambda, its text, and an execution that waits before that layer."""
    text, file = ON_LAMBDA.format(folder=str(folder)), folder / "flow.py"
    file.write_text(text, encoding="utf-8")
    deployed = Deployed(platform(file), text, folder)
    deployed.terraform.init()
    deployed.upgrade(image=f"{IMAGE}:1")
    return deployed, text, started(deployed, file)


def test_a_function_of_another_size(tmp_path: Path, platform: Build) -> None:
    """It is the same function, changed in place: an execution that needs it meanwhile goes on to its end."""
    deployed, text, execution = started_on_lambda(tmp_path, platform)

    deployed.compile(text.replace("memory=512", "memory=1024"))
    changes = dict(deployed.upgrade(image=f"{IMAGE}:1"))
    assert changes == {"aws_lambda_function.run_clean": ("update",), **dict([of_layer("Clean", "update")])}
    (tmp_path / "gate").touch()
    assert execution.wait(timeout=120).layer("Publish").total == 5


def test_a_function_that_is_gone(tmp_path: Path, platform: Build) -> None:
    """An execution that comes to a function that is gone fails, and is resumed as the version that is deployed now."""
    deployed, text, execution = started_on_lambda(tmp_path, platform)

    deployed.compile(text.replace("executor=AWS.Lambda(), container=Container(memory=512)", ""))
    changes = dict(deployed.upgrade(image=f"{IMAGE}:2"))
    assert changes["aws_lambda_function.run_clean"] == ("delete",)
    (tmp_path / "gate").touch()
    with pytest.raises(ExecutionError, match="in state 'Clean'"):
        execution.wait(timeout=120)
    assert execution.resume().wait(timeout=120).layer("Publish").total == 5
    # As the version that is deployed now, not as the one that it was started with.
    assert ("Report-Publish", "Report-fargate:2") in succeeded(deployed)
    assert (tmp_path / "loaded").read_text(encoding="utf-8") == "once"


def test_a_schedule(tmp_path: Path, platform: Build) -> None:
    """A schedule starts the state machine by a role of its own, and is switched off by a variable."""
    made = platform(Path(__file__).parents[1] / "golden" / "scheduled" / "flow.py")
    deployed = Deployed(made, "", tmp_path)
    made.terraform.init()
    deployed.upgrade(alarm_actions=["arn:aws:sns:eu-west-1:123456789012:on-call"])
    scheduler = made.aws.client("scheduler")
    found = scheduler.get_schedule(Name="Briefing")
    assert (found["ScheduleExpression"], found["ScheduleExpressionTimezone"], found["State"]) == (
        "cron(0 6 ? * MON-FRI *)",
        "Europe/Berlin",
        "ENABLED",
    )
    target, role = found["Target"], made.aws.client("iam").get_role(RoleName="Briefing-schedule")["Role"]
    assert (target["Arn"], target["RoleArn"]) == (made.terraform.output()["state_machine_arn"], role["Arn"])
    assert target["Input"] == '{"started_by": "schedule"}'
    assert role["AssumeRolePolicyDocument"]["Statement"][0]["Principal"] == {"Service": "scheduler.amazonaws.com"}
    policy = made.aws.client("iam").get_role_policy(RoleName="Briefing-schedule", PolicyName="schedule")
    allowed = [(item["Action"], item["Resource"]) for item in policy["PolicyDocument"]["Statement"]]
    assert allowed == [
        (["states:StartExecution"], [target["Arn"]]),
        (["sqs:SendMessage"], [target["DeadLetterConfig"]["Arn"]]),
    ]
    alarms = made.aws.client("cloudwatch").describe_alarms()["MetricAlarms"]
    assert {alarm["MetricName"] for alarm in alarms} == {
        "ApproximateNumberOfMessagesVisible",
        "ExecutionThrottled",
        "ExecutionsFailed",
        "ExecutionsTimedOut",
    }
    assert {tuple(alarm["AlarmActions"]) for alarm in alarms} == {("arn:aws:sns:eu-west-1:123456789012:on-call",)}

    changes = deployed.upgrade(alarm_actions=["arn:aws:sns:eu-west-1:123456789012:on-call"], schedule_enabled=False)
    assert changes == [("aws_scheduler_schedule.flow", ("update",))]
    assert scheduler.get_schedule(Name="Briefing")["State"] == "DISABLED"
    made.terraform.destroy(**made.variables)
    assert scheduler.list_schedules()["Schedules"] == []
