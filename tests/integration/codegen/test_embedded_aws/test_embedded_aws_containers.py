"""Containers of job definitions: what Batch accepts on EC2 and on Fargate, and the secrets of jobs."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest
from botocore.exceptions import ClientError
from embedded_aws_bench import ROLE

from laminar_codegen.rehearsal.aws import batch_attempts

if TYPE_CHECKING:
    from embedded_aws_bench import Bench

PRINT = "import json, os\nprint(json.dumps({name: os.environ.get(name) for name in ('A', 'B', 'C', 'D')}))"


def register(bench: Bench, platform: str, *, vcpu: str = "1", memory: str = "2048", **properties: Any) -> str:
    """Register a job definition; returns its ARN. Properties that are None are left out."""
    resources = [{"type": "VCPU", "value": vcpu}, {"type": "MEMORY", "value": memory}]
    gpu = properties.pop("gpu", None)
    given = {
        "image": "any",
        "command": ["true"],
        "executionRoleArn": ROLE,
        "resourceRequirements": [*resources, *([{"type": "GPU", "value": gpu}] if gpu else [])],
        **properties,
    }
    registered = bench.aws.client("batch").register_job_definition(
        jobDefinitionName=f"container-{next(bench.numbers)}",
        type="container",
        platformCapabilities=[platform],
        containerProperties={name: value for name, value in given.items() if value is not None},
    )
    return str(registered["jobDefinitionArn"])


@pytest.mark.parametrize(
    ("platform", "properties"),
    [
        ("EC2", {"vcpu": "96", "memory": "700000", "gpu": "8"}),
        ("EC2", {"vcpu": "1.0", "memory": "4", "executionRoleArn": None, "privileged": True}),
        (
            "EC2",
            {"logConfiguration": {"logDriver": "fluentd"}, "ulimits": [{"hardLimit": 1, "name": "n", "softLimit": 1}]},
        ),
        ("EC2", {"linuxParameters": {"sharedMemorySize": 64}}),
        ("FARGATE", {"vcpu": "0.25", "memory": "512"}),
        ("FARGATE", {"vcpu": "1.0", "memory": "8192"}),
        ("FARGATE", {"vcpu": "32", "memory": "249856"}),
        ("FARGATE", {"ephemeralStorage": {"sizeInGiB": 200}, "runtimePlatform": {"cpuArchitecture": "ARM64"}}),
        ("FARGATE", {"logConfiguration": {"logDriver": "splunk"}, "privileged": False}),
        (
            "FARGATE",
            {"networkConfiguration": {"assignPublicIp": "ENABLED"}, "linuxParameters": {"initProcessEnabled": True}},
        ),
        ("FARGATE", {"fargatePlatformConfiguration": {"platformVersion": "1.4.0"}}),
    ],
)
def test_accepted(bench: Bench, platform: str, properties: dict[str, Any]) -> None:
    """What the platform offers can be registered, described and run."""
    arn = register(bench, platform, **properties)
    described = bench.aws.client("batch").describe_job_definitions(jobDefinitions=[arn])["jobDefinitions"][0]
    for name in set(properties) - {"vcpu", "memory", "gpu", "executionRoleArn"}:
        assert described["containerProperties"][name] == properties[name]
    assert described["platformCapabilities"] == [platform]
    assert bench.ended(bench.submit(arn))["status"] == "SUCCEEDED"


@pytest.mark.parametrize(
    ("platform", "properties", "why"),
    [
        ("EC2", {"vcpu": "0.5"}, "whole number"),
        ("EC2", {"gpu": "0.5"}, "whole number"),
        ("EC2", {"networkConfiguration": {"assignPublicIp": "ENABLED"}}, "networkConfiguration"),
        ("EC2", {"fargatePlatformConfiguration": {"platformVersion": "LATEST"}}, "fargatePlatformConfiguration"),
        ("FARGATE", {"executionRoleArn": None}, "executionRoleArn"),
        ("FARGATE", {"vcpu": "1", "memory": "1024"}, "not valid"),
        ("FARGATE", {"vcpu": "3", "memory": "8192"}, "not valid"),
        ("FARGATE", {"vcpu": "8", "memory": "17408"}, "not valid"),
        ("FARGATE", {"gpu": "1"}, "GPU"),
        ("FARGATE", {"privileged": True}, "privileged"),
        ("FARGATE", {"linuxParameters": {"sharedMemorySize": 64}}, "sharedMemorySize"),
        ("FARGATE", {"logConfiguration": {"logDriver": "fluentd"}}, "fluentd"),
        ("FARGATE", {"ephemeralStorage": {"sizeInGiB": 20}}, "ephemeralStorage"),
        ("FARGATE", {"runtimePlatform": {"cpuArchitecture": "arm64"}}, "cpuArchitecture"),
        ("FARGATE", {"environment": [{"name": "A", "value": "x" * 25_000}]}, "bytes"),
    ],
)
def test_refused(bench: Bench, platform: str, properties: dict[str, Any], why: str) -> None:
    """What the platform does not offer is refused."""
    with pytest.raises(ClientError, match=why) as refused:
        register(bench, platform, **properties)
    assert refused.value.response["Error"]["Code"] == "ClientException"


def test_overrides_are_checked(bench: Bench) -> None:
    """A submission cannot ask for a size that Fargate does not have; one that it has is shown."""
    arn = register(bench, "FARGATE")
    client = bench.aws.client("batch")
    with pytest.raises(client.exceptions.ClientException):
        bench.submit(arn, containerOverrides={"resourceRequirements": [{"type": "MEMORY", "value": "2000"}]})
    larger = [{"type": "VCPU", "value": "2"}, {"type": "MEMORY", "value": "16384"}]
    ended = bench.ended(bench.submit(arn, containerOverrides={"resourceRequirements": larger}))
    assert ended["container"]["resourceRequirements"] == larger
    with pytest.raises(client.exceptions.ClientException, match="bytes"):
        bench.submit(arn, parameters={"a": "x" * 31_000})


def test_overrides_that_are_too_long(bench: Bench) -> None:
    """Batch takes overrides that ECS does not: then the job fails without having run."""
    overrides = {"environment": [{"name": "A", "value": "x" * 9000}]}
    ended = bench.ended(bench.submit(register(bench, "FARGATE"), containerOverrides=overrides))
    assert (ended["status"], ended["statusReason"]) == ("FAILED", "Task failed to start")
    assert "8192" in ended["container"]["reason"]


def test_capacity_of_the_other_platform(bench: Bench) -> None:
    """A queue of Fargate does not take a job for EC2, nor the other way round."""
    client = bench.aws.client("batch")
    ec2 = bench.aws.client("ec2")
    network = {
        "subnets": [subnet["SubnetId"] for subnet in ec2.describe_subnets()["Subnets"]],
        "securityGroupIds": [group["GroupId"] for group in ec2.describe_security_groups()["SecurityGroups"]],
        "maxvCpus": 4,
    }
    environment = client.create_compute_environment(
        computeEnvironmentName="fargate",
        type="MANAGED",
        computeResources={"type": "FARGATE_SPOT", **network},
        serviceRole=bench.aws.client("iam").get_role(RoleName="any")["Role"]["Arn"],
    )
    order = [{"order": 1, "computeEnvironment": environment["computeEnvironmentArn"]}]
    client.create_job_queue(jobQueueName="fargate", state="ENABLED", priority=1, computeEnvironmentOrder=order)
    with pytest.raises(client.exceptions.ClientException, match="FARGATE_SPOT"):
        bench.submit(register(bench, "EC2"), jobQueue="fargate")
    assert bench.ended(bench.submit(register(bench, "FARGATE"), jobQueue="fargate"))["status"] == "SUCCEEDED"


def test_logs(bench: Bench) -> None:
    """Output goes where the log configuration says; with another driver it does not go to CloudWatch."""
    options = {"awslogs-group": "/mine", "awslogs-region": "us-east-1", "awslogs-stream-prefix": "task"}
    command = ["python", "-c", "print('hello')"]
    logs = {"logDriver": "awslogs", "options": options}
    ended = bench.ended(bench.submit(register(bench, "FARGATE", command=command, logConfiguration=logs)))
    stream = ended["container"]["logStreamName"]
    assert stream.startswith("task/default/")
    events = bench.aws.client("logs").get_log_events(logGroupName="/mine", logStreamName=stream)["events"]
    assert [event["message"] for event in events] == ["hello"]
    elsewhere = register(bench, "FARGATE", command=command, logConfiguration={"logDriver": "splunk"})
    assert "logStreamName" not in bench.ended(bench.submit(elsewhere))["container"]


def test_secrets(bench: Bench) -> None:
    """Secrets come from Secrets Manager (whole, or a key of their JSON) and from parameters (by ARN or name)."""
    whole = secret(bench, "whole")
    parts = secret(bench, json.dumps({"key": "one key", "number": 7}))
    bench.aws.client("ssm").put_parameter(Name="/laminar/p", Type="SecureString", Value="parameter")
    parameter = "arn:aws:ssm:us-east-1:123456789012:parameter/laminar/p"
    sources = {"A": whole, "B": f"{parts}:key::", "C": parameter, "D": "/laminar/p"}
    assert printed(bench, sources) == {"A": "whole", "B": "one key", "C": "parameter", "D": "parameter"}


def test_versions_of_a_secret(bench: Bench) -> None:
    """A secret can be had as it was before."""
    arn = secret(bench, "first")
    bench.aws.client("secretsmanager").put_secret_value(SecretId=arn, SecretString="second")
    sources = {"A": arn, "B": f"{arn}::AWSPREVIOUS:"}
    assert printed(bench, sources) == {"A": "second", "B": "first", "C": None, "D": None}


def secret(bench: Bench, text: str) -> str:
    """Make a secret; returns its ARN."""
    name = f"secret-{next(bench.numbers)}"
    return str(bench.aws.client("secretsmanager").create_secret(Name=name, SecretString=text)["ARN"])


def printed(bench: Bench, sources: dict[str, str]) -> Any:
    """Return what a job with secrets prints of its environment."""
    entries = [{"name": name, "valueFrom": source} for name, source in sources.items()]
    job_id = bench.submit(register(bench, "FARGATE", command=bench.program(PRINT), secrets=entries))
    ended = bench.ended(job_id)
    assert ended["status"] == "SUCCEEDED", ended
    assert ended["container"]["secrets"] == entries
    (log,) = {event.log for event in bench.events if event.job_id == job_id}
    return json.loads(log.read_text())


@pytest.mark.parametrize(
    ("source", "properties", "why"),
    [
        ("arn:aws:ssm:us-east-1:123456789012:parameter/missing", {}, "unable to pull secrets"),
        ("arn:aws:secretsmanager:us-east-1:123456789012:secret:missing-AbCdEf", {}, "unable to pull secrets"),
        ("arn:aws:s3:::bucket/key", {}, "invalid ARN"),
        ("any", {"executionRoleArn": None, "platform": "EC2"}, "executionRoleArn"),
        ("any", {"environment": [{"name": "A", "value": "1"}]}, "unique"),
    ],
)
def test_secrets_that_cannot_be_had(bench: Bench, source: str, properties: dict[str, Any], why: str) -> None:
    """Then the container does not start, and the job's reason says why."""
    entries = [{"name": "A", "valueFrom": source}]
    arn = register(bench, properties.pop("platform", "FARGATE"), secrets=entries, **properties)
    ended = bench.ended(bench.submit(arn))
    assert (ended["status"], ended["statusReason"]) == ("FAILED", "Task failed to start")
    assert why in ended["container"]["reason"]


def test_a_log_in_no_region(bench: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    """The container does not start. What fails in the embedded AWS itself ends the job, too: nobody waits for it."""
    logs = {"logDriver": "awslogs", "options": {"awslogs-region": "broken"}}
    ended = bench.ended(bench.submit(register(bench, "FARGATE", command=["python", "-V"], logConfiguration=logs)))
    assert ended["status"] == "FAILED"
    assert "awslogs-region is 'broken', which is not a region" in ended["attempts"][0]["container"]["reason"]
    monkeypatch.setattr(batch_attempts, "_batch_environment", lambda *_: 1 / 0)
    ended = bench.ended(bench.submit(register(bench, "FARGATE", command=["python", "-V"])))
    assert ended["status"] == "FAILED"
    assert "the embedded AWS failed" in ended["attempts"][0]["container"]["reason"]
