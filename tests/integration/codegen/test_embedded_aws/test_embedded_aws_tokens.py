"""Tasks that wait for a token, and who answers them."""

from __future__ import annotations

import json
import threading
import time
from typing import TYPE_CHECKING, Any

import pytest
from botocore.exceptions import ClientError
from embedded_aws_bench import BUCKET, ROLE

if TYPE_CHECKING:
    from embedded_aws_bench import Bench

KEY = "{% $states.context.Execution.Name %}"
WAIT = "arn:aws:states:::aws-sdk:s3:putObject.waitForTaskToken"
HANDLERS = """
import boto3

def answers(event, context):
    boto3.client("stepfunctions").send_task_success(taskToken=event["token"], output='"answered"')

def forgets(event, context):
    return event["token"]
"""


def waiting(**fields: Any) -> dict[str, Any]:
    """Return a state that writes its token to an object named after the execution, and waits."""
    arguments = {"Bucket": BUCKET, "Key": KEY, "Body": "{% $states.context.Task.Token %}"}
    state = {"Type": "Task", "Resource": WAIT, "Arguments": arguments, **fields}
    return state if "Next" in state else {**state, "End": True}


def caught(*names: str) -> dict[str, Any]:
    """Return a Catch that leads to a state named Caught."""
    return {"Catch": [{"ErrorEquals": list(names), "Output": "{% $states.errorOutput %}", "Next": "Caught"}]}


CAUGHT = {"Caught": {"Type": "Pass", "End": True}}


def token_of(bench: Bench, execution: str, unlike: str | None = None) -> str:
    """Return the token that an execution's task waits with."""
    client = bench.aws.client("s3")
    deadline = time.monotonic() + 10
    while time.monotonic() < deadline:
        try:
            token = json.loads(bench.get(execution.rpartition(":")[2]))
        except client.exceptions.NoSuchKey:
            token = unlike
        if token != unlike:
            return str(token)
        time.sleep(0.01)
    raise AssertionError(execution)


def refusal(bench: Bench, operation: str, **arguments: str) -> str:
    """Return the code with which Step Functions refuses an answer."""
    with pytest.raises(ClientError) as refused:
        getattr(bench.aws.client("stepfunctions"), operation)(**arguments)
    return str(refused.value.response["Error"]["Code"])


def test_failure(bench: Bench) -> None:
    """A failure that is sent is the task's, with its error and cause."""
    execution = bench.start(bench.machine({"W": waiting(**caught("Mine")), **CAUGHT}))
    token = token_of(bench, execution)
    bench.aws.client("stepfunctions").send_task_failure(taskToken=token, error="Mine", cause="because")
    assert bench.result(execution)["output"] == {"Error": "Mine", "Cause": "because"}


def test_one_answer_counts(bench: Bench) -> None:
    """Of many answers at the same time exactly one is taken; the others are refused, then and later."""
    execution = bench.start(bench.machine({"W": waiting()}))
    token = token_of(bench, execution)
    client = bench.aws.client("stepfunctions")
    taken: list[int] = []

    def answer(number: int) -> None:
        try:
            client.send_task_success(taskToken=token, output=str(number))
        except client.exceptions.TaskTimedOut:
            return
        taken.append(number)

    threads = [threading.Thread(target=answer, args=(number,)) for number in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert [bench.result(execution)["output"]] == taken
    for operation, arguments in (
        ("send_task_success", {"output": "1"}),
        ("send_task_failure", {}),
        ("send_task_heartbeat", {}),
    ):
        assert refusal(bench, operation, taskToken=token, **arguments) == "TaskTimedOut"


def test_answers_that_are_refused(bench: Bench) -> None:
    """A token that was never given out and an output that is no JSON have errors of their own."""
    execution = bench.start(bench.machine({"W": waiting()}))
    token = token_of(bench, execution)
    assert refusal(bench, "send_task_success", taskToken="any", output="1") == "InvalidToken"
    assert refusal(bench, "send_task_failure", taskToken="any") == "InvalidToken"
    assert refusal(bench, "send_task_success", taskToken=token, output="{") == "InvalidOutput"
    bench.aws.client("stepfunctions").stop_execution(executionArn=execution)
    assert refusal(bench, "send_task_success", taskToken=token, output="1") == "TaskTimedOut"
    assert bench.result(execution)["status"] == "ABORTED"


def sending(action: str, **arguments: Any) -> dict[str, Any]:
    """States that answer a token, and put out the error if there is one."""
    return {
        "S": {
            "Type": "Task",
            "Resource": f"arn:aws:states:::aws-sdk:sfn:{action}",
            "Arguments": {"TaskToken": "{% $states.input.token %}", **arguments},
            "Output": "sent",
            **caught("States.TaskFailed"),
            "End": True,
        },
        "Caught": {"Type": "Pass", "Output": "{% $states.input.Error %}", "End": True},
    }


def test_states_answer(bench: Bench) -> None:
    """A state sends the success of another's task; what it sends is JSON. The second one is refused."""
    execution = bench.start(bench.machine({"W": waiting(Output="{% $states.result.a %}")}))
    given = {"token": token_of(bench, execution)}
    sender = bench.machine(sending("sendTaskSuccess", Output={"a": [1, "{% 'x' %}"]}))
    assert bench.result(bench.start(sender, given))["output"] == "sent"
    assert bench.result(execution)["output"] == [1, "x"]
    assert bench.result(bench.start(sender, given))["output"] == "Sfn.TaskTimedOutException"


@pytest.mark.parametrize(
    ("action", "arguments", "error"),
    [
        ("sendTaskSuccess", {"Output": "{"}, "Sfn.InvalidOutputException"),
        ("sendTaskSuccess", {"TaskToken": "any", "Output": "1"}, "Sfn.InvalidTokenException"),
        ("sendTaskFailure", {"TaskToken": "any"}, "Sfn.InvalidTokenException"),
        ("sendTaskHeartbeat", {"TaskToken": "any"}, "Sfn.InvalidTokenException"),
    ],
)
def test_errors_of_states_that_answer(bench: Bench, action: str, arguments: dict[str, Any], error: str) -> None:
    """The errors of the SDK have its prefix, and can be caught."""
    assert bench.output(sending(action, **arguments), {"token": "other"}) == error


def test_state_sends_a_failure(bench: Bench) -> None:
    """A state fails another's task."""
    execution = bench.start(bench.machine({"W": waiting()}))
    given = {"token": token_of(bench, execution)}
    assert bench.output(sending("sendTaskFailure", Error="Mine", Cause="because"), given) == "sent"
    result = bench.result(execution)
    assert (result["status"], result["error"], result["cause"]) == ("FAILED", "Mine", "because")


def test_timeout(bench: Bench) -> None:
    """Without an answer the task times out, and then an answer is refused."""
    execution = bench.start(bench.machine({"W": waiting(TimeoutSeconds=1, **caught("States.Timeout")), **CAUGHT}))
    token = token_of(bench, execution)
    begun = time.monotonic()
    assert bench.result(execution)["output"]["Error"] == "States.Timeout"
    assert time.monotonic() - begun < 5
    assert refusal(bench, "send_task_success", taskToken=token, output="1") == "TaskTimedOut"


@pytest.mark.parametrize("name", ["States.HeartbeatTimeout", "States.Timeout", "States.ALL"])
def test_missed_heartbeat(bench: Bench, name: str) -> None:
    """A task without a sign of life fails by a timeout, as was seen on AWS; it is also caught by a name of its own."""
    state = waiting(HeartbeatSeconds=1, **caught(name))
    assert bench.output({"W": state, **CAUGHT})["Error"] == "States.Timeout"


def test_missed_heartbeat_is_no_failed_task(bench: Bench) -> None:
    """States.TaskFailed matches no timeout."""
    result = bench.run({"W": waiting(HeartbeatSeconds=1, **caught("States.TaskFailed")), **CAUGHT})
    assert (result["status"], result["error"]) == ("FAILED", "States.Timeout")


def test_heartbeats_keep_a_task_alive(bench: Bench) -> None:
    """With heartbeats a task lives longer than HeartbeatSeconds, but not longer than TimeoutSeconds."""
    machine = bench.machine({"W": waiting(HeartbeatSeconds=2, TimeoutSeconds=4)})
    execution = bench.start(machine)
    token = token_of(bench, execution)
    client = bench.aws.client("stepfunctions")
    begun = time.monotonic()
    while client.describe_execution(executionArn=execution)["status"] == "RUNNING":
        try:
            client.send_task_heartbeat(taskToken=token)
        except client.exceptions.TaskTimedOut:
            break
        time.sleep(0.2)
    assert bench.result(execution)["error"] == "States.Timeout"
    assert 3 < time.monotonic() - begun < 9


def test_stopping_a_task_with_heartbeats(bench: Bench) -> None:
    """A task that waits for heartbeats ends with its execution."""
    execution = bench.start(bench.machine({"W": waiting(HeartbeatSeconds=50)}))
    token_of(bench, execution)
    bench.aws.client("stepfunctions").stop_execution(executionArn=execution)
    begun = time.monotonic()
    assert bench.result(execution)["status"] == "ABORTED"
    assert time.monotonic() - begun < 5


def test_each_attempt_has_its_token(bench: Bench) -> None:
    """A retry waits with a new token; the one before is over."""
    retry = [{"ErrorEquals": ["Again"], "MaxAttempts": 1}]
    execution = bench.start(bench.machine({"W": waiting(Retry=retry)}))
    first = token_of(bench, execution)
    client = bench.aws.client("stepfunctions")
    client.send_task_failure(taskToken=first, error="Again")
    second = token_of(bench, execution, unlike=first)
    assert refusal(bench, "send_task_success", taskToken=first, output="1") == "TaskTimedOut"
    client.send_task_success(taskToken=second, output="2")
    assert bench.result(execution)["output"] == 2


def test_functions_with_tokens(bench: Bench) -> None:
    """A function may answer before it returns, or leave the answer to others; its result does not count."""
    (bench.directory / "token_handlers.py").write_text(HANDLERS)
    for name in ("answers", "forgets"):
        bench.aws.client("lambda").create_function(
            FunctionName=name,
            Role=ROLE,
            PackageType="Image",
            Code={"ImageUri": "123456789012.dkr.ecr.us-east-1.amazonaws.com/flow:1"},
            ImageConfig={"Command": [f"token_handlers.{name}"]},
            Timeout=30,
        )
    state = {
        "Type": "Task",
        "Resource": "arn:aws:states:::lambda:invoke.waitForTaskToken",
        "Arguments": {"FunctionName": "answers", "Payload": {"token": "{% $states.context.Task.Token %}"}},
        "End": True,
    }
    assert bench.output({"I": state}) == "answered"
    forgotten = {**state, "Arguments": {**state["Arguments"], "FunctionName": "forgets"}, "TimeoutSeconds": 3}
    assert bench.run({"I": forgotten})["error"] == "States.Timeout"


def test_branches_join_by_tokens(bench: Bench) -> None:
    """A branch waits until the other branches have all sent their part."""
    wait = {"StartAt": "W", "States": {"W": waiting()}}
    body = {"Type": "Task", "Resource": "arn:aws:states:::aws-sdk:s3:getObject", "Next": "S"}
    read = {
        **body,
        "Arguments": {"Bucket": BUCKET, "Key": KEY},
        "Output": {"token": "{% $parse($states.result.Body) %}"},
    }
    again = [{"ErrorEquals": ["S3.NoSuchKeyException"], "MaxAttempts": 9, "BackoffRate": 1, "IntervalSeconds": 5}]
    sends = {"StartAt": "R", "States": {"R": {**read, "Retry": again}, **sending("sendTaskSuccess", Output=1)}}
    assert bench.output({"P": {"Type": "Parallel", "Branches": [wait, sends], "End": True}}) == [1, "sent"]
