"""Deployed flows, on a server that answers for AWS."""

from __future__ import annotations

import json
import re
import uuid

import boto3
import pytest

from laminar_runtime import Flow, Layer
from laminar_runtime.configurations.datastores import AWS as DATASTORES
from laminar_runtime.configurations.schedulers import AWS
from laminar_runtime.deployed.deployment import Deployment, parameter_name
from laminar_runtime.exceptions import DeploymentError, ExecutionError


class Report(Flow): ...


@Report.register
class Load(Layer):
    def __call__(self) -> None: ...


@pytest.fixture
def machine(aws: str) -> str:
    """A state machine's ARN. It ends at once."""
    definition = {"StartAt": "End", "States": {"End": {"Type": "Succeed"}}}
    return create(definition)


def create(definition: dict[str, object]) -> str:
    role = "arn:aws:iam::123456789012:role/states"
    made = boto3.client("stepfunctions").create_state_machine(
        name=f"m{uuid.uuid4()}", definition=json.dumps(definition), roleArn=role
    )
    arn: str = made["stateMachineArn"]
    return arn


def put(name: str, value: str) -> None:
    boto3.client("ssm").put_parameter(Name=parameter_name(name), Value=value, Type="String", Overwrite=True)


def deploy(name: str, machine: str, root: str = "s3://bucket/flows") -> None:
    put(name, json.dumps({"state_machine_arn": machine, "datastore_root": root}))


def test_find(machine: str) -> None:
    """A deployment is found by its name, as Terraform described it."""
    deploy("report-1", machine)
    found = Deployment.find("report-1")
    assert found == Deployment("report-1", machine, "s3://bucket/flows")


def test_no_deployment(aws: str) -> None:
    """The error for a name that nothing was deployed under names the missing parameter."""
    with pytest.raises(DeploymentError, match=r"no flow is deployed as 'nope' .* /laminar/nope does not exist"):
        Deployment.find("nope")


MACHINE = "arn:aws:states:eu-central-1:123456789012:stateMachine:m"


@pytest.mark.parametrize(
    "value",
    [
        "{",
        "[]",
        "1",
        '{"state_machine_arn": "x"}',
        json.dumps({"state_machine_arn": MACHINE}),
        json.dumps({"state_machine_arn": MACHINE, "datastore_root": "s3://bucket", "flows": "Report"}),
    ],
)
def test_damaged_parameter(aws: str, value: str) -> None:
    """A parameter that holds something else is named."""
    put("damaged", value)
    with pytest.raises(DeploymentError, match="SSM parameter /laminar/damaged does not describe a deployment"):
        Deployment.find("damaged")


@pytest.mark.parametrize("root", ["/srv/artifacts", ".laminar", "file:///srv", "s3:bucket", "s3://", "S3://bucket", 7])
def test_a_datastore_that_is_not_in_s3(aws: str, root: object) -> None:
    """A parameter that names a folder of this machine is refused: an application would write its parameters there."""
    put("local", json.dumps({"state_machine_arn": MACHINE, "datastore_root": root}))
    with pytest.raises(DeploymentError, match=f"its datastore_root {re.escape(repr(root))} does not have"):
        Deployment.find("local")


def test_nobody_answers(aws: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """That AWS cannot be reached is an error of ours too."""
    monkeypatch.setenv("AWS_ENDPOINT_URL", "http://127.0.0.1:1")
    monkeypatch.setenv("AWS_MAX_ATTEMPTS", "1")
    with pytest.raises(DeploymentError, match="cannot look up the deployment 'report'"):
        Deployment.find("report")
    with pytest.raises(DeploymentError, match="execution e1 of 'd' cannot be started"):
        Deployment("d", "arn:aws:states:eu-central-1:123456789012:stateMachine:m", "s3://b").start(id="e1")


def test_unknown_execution(machine: str) -> None:
    """Waiting for an execution that is not known is an error, not a wait without end."""
    with pytest.raises(ExecutionError, match="execution e1 of 'd'"):
        Deployment("d", machine, "s3://bucket").execution("e1").wait()


def test_flow_is_started_and_waited_for(machine: str, s3_root: str) -> None:
    """A call stores the parameters where the deployment keeps them, starts the state machine and returns."""
    deploy("Report", machine, s3_root)
    flow = Report(scheduler=AWS.StepFunctions())
    execution = flow(day="today").wait(timeout=10)
    assert execution.layer("Parameters").day == "today"
    assert isinstance(flow.datastore, DATASTORES.S3)
    assert flow.datastore.root == s3_root
    executions = boto3.client("stepfunctions").list_executions(stateMachineArn=machine)["executions"]
    assert [found["name"] for found in executions] == [execution.id]


def test_failed_execution(aws: str) -> None:
    """The error of a failed execution has its status and cause."""
    failing = {"StartAt": "F", "States": {"F": {"Type": "Fail", "Error": "Broken", "Cause": "by design"}}}
    deployed = Deployment("d", create(failing), "s3://bucket")
    deployed.start(id="e1")
    with pytest.raises(ExecutionError, match="execution e1 of 'd' ended FAILED: in state 'F': Broken: by design"):
        deployed.execution("e1").wait(timeout=10)


def test_execution_that_takes_longer(aws: str) -> None:
    """Waiting ends after its timeout, and says that the execution goes on."""
    waiting = {"StartAt": "W", "States": {"W": {"Type": "Wait", "Seconds": 5, "End": True}}}
    deployed = Deployment("d", create(waiting), "s3://bucket")
    deployed.start(id="e1")
    with pytest.raises(ExecutionError, match="did not end within 0 seconds; it still runs"):
        deployed.execution("e1").wait(timeout=0)
    boto3.client("stepfunctions").stop_execution(executionArn=deployed.execution_arn("e1"))


def test_what_was_never_started_is_not_resumed(machine: str, s3_root: str) -> None:
    """An execution of which only parameters are stored is none to Step Functions."""
    deploy("Report", machine, s3_root)
    execution = Report(scheduler=AWS.StepFunctions()).execution("e1").parameters()
    with pytest.raises(ExecutionError, match=r"execution e1 of .Report. cannot be resumed: .*Does Not Exist"):
        execution.resume()


def test_a_flow_that_is_not_deployed(aws: str) -> None:
    """Calling it fails before anything is started; another name may be given."""
    with pytest.raises(DeploymentError, match="deployed as 'else'"):
        Report(scheduler=AWS.StepFunctions(deployment="else"))()
