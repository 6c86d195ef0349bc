"""Deployed flows, on a server that answers for AWS."""

from __future__ import annotations

import json
import re
import uuid
from types import SimpleNamespace
from typing import Any

import boto3
import pytest
from botocore.exceptions import ClientError

from laminar_runtime import Flow, Layer, deployment
from laminar_runtime.configurations.datastores import AWS as DATASTORES
from laminar_runtime.configurations.schedulers import AWS
from laminar_runtime.deployment import Deployment, parameter_name
from laminar_runtime.exceptions import DeploymentError, ExecutionError, FlowError, WaitTimeoutError


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
    """A name that nothing was deployed under is told with the parameter that is missing."""
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
        Deployment("d", "arn:aws:states:eu-central-1:123456789012:stateMachine:m", "s3://b").start("e1")


def test_unknown_execution(machine: str) -> None:
    """Waiting for an execution that is not known is an error, not a wait without end."""
    with pytest.raises(ExecutionError, match="execution e1 of 'd'"):
        Deployment("d", machine, "s3://bucket").wait("e1")


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
    """The error of a failed execution tells its status and cause."""
    failing = {"StartAt": "F", "States": {"F": {"Type": "Fail", "Error": "Broken", "Cause": "by design"}}}
    deployed = Deployment("d", create(failing), "s3://bucket")
    deployed.start("e1")
    with pytest.raises(ExecutionError, match="execution e1 of 'd' ended FAILED in state 'F': Broken: by design"):
        deployed.wait("e1", timeout=10)


@pytest.mark.unit
def test_the_cause_of_a_failed_nested_execution() -> None:
    """Who may not look into the execution that a state ran is told the words that matter of its description."""
    job = {"JobName": "F-A", "JobId": "1", "StatusReason": "exited", "Container": {"ExitCode": 2}}
    nested = {"ExecutionArn": "arn:e1", "Status": "FAILED", "Error": "States.TaskFailed", "Cause": json.dumps(job)}
    told = "execution arn:e1 ended FAILED: States.TaskFailed: job 1, status exited, exit code 2"
    assert deployment._readable(json.dumps(nested)) == told


def test_execution_that_takes_longer(aws: str) -> None:
    """Waiting ends after its timeout, and says that the execution goes on."""
    waiting = {"StartAt": "W", "States": {"W": {"Type": "Wait", "Seconds": 5, "End": True}}}
    deployed = Deployment("d", create(waiting), "s3://bucket")
    deployed.start("e1")
    with pytest.raises(ExecutionError, match="did not end within 0 seconds; it still runs"):
        deployed.wait("e1", timeout=0)
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


class _Executions:
    """A Step Functions of one execution: each call answers the next of what is given for it, or raises it."""

    def __init__(self, **answers: list[Any]) -> None:
        self.answers, self.started = answers, list[str]()
        self.exceptions = SimpleNamespace(ExecutionDoesNotExist=_GoneError)

    def describe_execution(self, executionArn: str) -> dict[str, Any]:  # noqa: N803 - the API's name
        if executionArn.endswith("1"):
            raise _GoneError(_refused("ExecutionDoesNotExist"), "DescribeExecution")
        return self._next("describe")

    def get_execution_history(self, **_: Any) -> dict[str, Any]:
        return self._next("history")

    def describe_state_machine_for_execution(self, **_: Any) -> dict[str, Any]:
        return {"definition": "old"}

    def describe_state_machine(self, **_: Any) -> dict[str, Any]:
        return {"definition": "new"}

    def start_execution(self, name: str, **_: Any) -> None:
        self.started.append(name)

    def _next(self, call: str) -> dict[str, Any]:
        answers = self.answers[call]
        answer = answers.pop(0) if len(answers) > 1 else answers[0]
        if isinstance(answer, Exception):
            raise answer
        found: dict[str, Any] = answer
        return found


class _Redrivable(_Executions):
    """One of an execution that can be redriven."""

    redriven = 0

    def describe_state_machine(self, **_: Any) -> dict[str, Any]:
        return {"definition": "old"}

    def redrive_execution(self, **_: Any) -> None:
        self.redriven += 1


class _GoneError(ClientError): ...


def _refused(code: str, status: int = 400) -> Any:
    return {"Error": {"Code": code, "Message": "no"}, "ResponseMetadata": {"HTTPStatusCode": status}}


def _error(code: str, status: int = 400) -> ClientError:
    return ClientError(_refused(code, status), "DescribeExecution")


def _status(status: str) -> dict[str, Any]:
    return {"status": status, "executionArn": "arn:x:execution:m:e", "input": "{}"}


def _deployed(executions: _Executions) -> Deployment:
    found = Deployment("report", "arn:x:stateMachine:m", "s3://bucket")
    found.__dict__["_client"] = executions
    return found


@pytest.mark.unit
def test_a_history_that_cannot_be_read() -> None:
    """That an execution failed is said in any case, and beside it that the role may not read why."""
    executions = _Executions(describe=[_status("FAILED")], history=[_error("AccessDeniedException")])
    with pytest.raises(ExecutionError, match=r"execution e of 'report' ended FAILED; its .*AccessDeniedException"):
        _deployed(executions).wait("e")


@pytest.mark.unit
def test_waiting_takes_an_error_of_its_own(monkeypatch: pytest.MonkeyPatch) -> None:
    """That an execution has not ended in time is another error than that it failed, and Python's own kind, too."""
    executions = _Executions(describe=[_status("RUNNING")])
    with pytest.raises(WaitTimeoutError, match="did not end within 0 seconds; it still runs") as error:
        _deployed(executions).wait("e", timeout=0)
    assert isinstance(error.value, TimeoutError)


@pytest.mark.unit
def test_waiting_goes_on_after_troubles_that_pass() -> None:
    """Throttled calls, and troubles of the service, do not end the waiting; other errors do."""
    passing = [_error("ThrottlingException"), _error("InternalServerError", 500), _status("SUCCEEDED")]
    _deployed(_Executions(describe=[_status("RUNNING"), *passing])).wait("e")
    refused = _Executions(describe=[_status("RUNNING"), _error("AccessDeniedException")])
    with pytest.raises(ExecutionError, match="AccessDeniedException"):
        _deployed(refused).wait("e")


@pytest.mark.unit
def test_resumes_have_names_of_our_own() -> None:
    """An execution that goes on with another is named by a mark that nobody gives by chance."""
    executions = _Executions(describe=[_status("FAILED")])
    _deployed(executions).resume("a@b")
    assert executions.started == ["a@b@resume-1"]


def _nested(error: str, cause: str) -> str:
    return json.dumps({"ExecutionArn": "arn:e1", "Status": "FAILED", "Error": error, "Cause": cause})


def _job(code: int) -> str:
    return json.dumps({"JobName": "F-A", "Container": {"ExitCode": code}})


@pytest.mark.unit
@pytest.mark.parametrize(
    ("error", "cause", "anew"),
    [
        ("UnfinishedError", "{}", True),
        ("States.TaskFailed", _nested("UnfinishedError", "{}"), True),
        ("States.TaskFailed", _nested("States.TaskFailed", _nested("UnfinishedError", "")), True),
        ("States.TaskFailed", _job(66), True),
        ("States.TaskFailed", _nested("States.TaskFailed", _job(66)), True),
        ("States.TaskFailed", _job(1), False),
        ("States.TaskFailed", '{"Container": null}', False),
        ("ExecutionError", "UnfinishedError", False),
        ("States.Timeout", "", False),
    ],
)
def test_what_did_not_finish_is_not_redriven(error: str, cause: str, *, anew: bool) -> None:
    """A redrive would begin behind the layer whose job ended well and that has not finished: it is started anew."""
    executions = _Redrivable(describe=[{**_status("FAILED"), "error": error, "cause": cause}])
    _deployed(executions).resume("e")
    assert (executions.started, executions.redriven) == ((["e@resume-1"], 0) if anew else ([], 1))


@pytest.mark.unit
def test_ids_too_long_to_be_resumed() -> None:
    """An id whose resumes could not be named is refused when it is started, and told of when it is resumed."""
    executions = _Executions(describe=[_status("FAILED")])
    with pytest.raises(FlowError, match="1 to 68 letters"):
        _deployed(executions).start("e" * 69)
    with pytest.raises(ExecutionError, match="at most 80 are allowed"):
        _deployed(executions).resume("e" * 80)
    assert executions.started == []
