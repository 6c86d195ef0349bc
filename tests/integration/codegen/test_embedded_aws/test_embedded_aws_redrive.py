"""Executions that are redriven: what succeeded is kept, what did not is run again."""

from __future__ import annotations

import json
import time
from collections import Counter
from typing import TYPE_CHECKING, Any

import pytest
from botocore.exceptions import ClientError
from embedded_aws_bench import BUCKET, endless, job, passing

if TYPE_CHECKING:
    from embedded_aws_bench import Bench

S3 = "arn:aws:states:::aws-sdk:s3:"


def call(action: str, key: str, **fields: Any) -> dict[str, Any]:
    """Return a state that calls S3 for a key."""
    arguments = {"Bucket": BUCKET, "Key": key, **fields.pop("Arguments", {})}
    state = {"Type": "Task", "Resource": S3 + action, "Arguments": arguments, "Output": key, **fields}
    return state if "Next" in state else {**state, "End": True}


def works(key: str, **fields: Any) -> dict[str, Any]:
    """Return a state that succeeds."""
    return call("putObject", key, Arguments={"Body": ""}, **fields)


def needs(key: str, **fields: Any) -> dict[str, Any]:
    """Return a state that fails until there is an object with the key."""
    return call("getObject", key, **fields)


def after(key: str, state: str) -> dict[str, Any]:
    """States that go on with a state a while after there is an object with the key."""
    again = {"ErrorEquals": ["S3.NoSuchKeyException"], "MaxAttempts": 999, "IntervalSeconds": 2, "BackoffRate": 1}
    return {
        f"{state}-after": call("headObject", key, Retry=[again], Next=f"{state}-wait"),
        f"{state}-wait": {"Type": "Wait", "Seconds": 30, "Next": state},
    }


def failed(bench: Bench, states: dict[str, Any], given: Any = None, **fields: Any) -> str:
    """Start an execution that fails, and return its ARN."""
    execution = bench.start(bench.machine(states, **fields), given)
    assert bench.result(execution)["status"] == "FAILED"
    return execution


def redriven(bench: Bench, execution: str) -> dict[str, Any]:
    """Return the description of an execution once it was redriven and has ended."""
    bench.aws.client("stepfunctions").redrive_execution(executionArn=execution)
    return bench.result(execution)


def calls(bench: Bench, execution: str) -> Counter[str]:
    """Return how often each key was written or read in an execution."""
    events = bench.aws.client("stepfunctions").get_execution_history(executionArn=execution)["events"]
    details = [event["taskScheduledEventDetails"] for event in events if event["type"] == "TaskScheduled"]
    counted = [task for task in details if task["resource"] in ("getObject", "putObject")]
    return Counter(json.loads(task["parameters"])["Key"] for task in counted)


def test_sequence(bench: Bench) -> None:
    """It goes on with the state that failed, with that state's input, and all variables."""
    states = {
        "A": works("seq-a", Assign={"a": "{% $states.input.x & $uuid() %}"}, Next="B"),
        "B": passing(["{% $a %}"], Assign={"b": "{% $a %}"}, Next="C"),
        "C": needs("seq-c", Output={"in": "{% $states.input %}"}, Next="D"),
        "D": passing({"c": "{% $states.input %}", "a": "{% $a %}", "b": "{% $b %}"}),
    }
    execution = failed(bench, states, {"x": "é"})
    before = bench.result(execution)
    assert (before["redriveCount"], before["redriveStatus"]) == (0, "REDRIVABLE")
    bench.put("seq-c", "")
    result = redriven(bench, execution)
    output = result["output"]
    assert output["a"].startswith("é")
    assert output == {"c": {"in": [output["a"]]}, "a": output["a"], "b": output["a"]}
    assert calls(bench, execution) == {"seq-a": 1, "seq-c": 2}
    assert (result["startDate"], result["input"]) == (before["startDate"], before["input"])
    assert result["stopDate"] > before["stopDate"]


def test_description_of_redrives(bench: Bench) -> None:
    """The count and the date are described, listed, in the history and in the context."""
    count = "{% $states.context.Execution.RedriveCount %}"
    states = {
        "A": passing({}, Assign={"first": count}, Next="B"),
        "B": needs("twice", Output={"first": "{% $first %}", "now": count}),
    }
    execution = failed(bench, states)
    client = bench.aws.client("stepfunctions")
    answered = client.redrive_execution(executionArn=execution)["redriveDate"]
    again = bench.result(execution)
    assert (again["status"], again["redriveCount"], again["redriveDate"]) == ("FAILED", 1, answered)
    bench.put("twice", "")
    last = redriven(bench, execution)
    assert last["output"] == {"first": 0, "now": 2}
    assert (last["redriveCount"], last["redriveStatus"]) == (2, "NOT_REDRIVABLE")
    assert "error" not in last
    listed = client.list_executions(stateMachineArn=last["stateMachineArn"])["executions"]
    assert [(run["redriveCount"], run["redriveDate"]) for run in listed] == [(2, last["redriveDate"])]
    events = client.get_execution_history(executionArn=execution)["events"]
    counts = [event["executionRedrivenEventDetails"]["redriveCount"] for event in events if "Redriven" in event["type"]]
    assert counts == [1, 2]


def test_the_state_machine_of_an_execution(bench: Bench) -> None:
    """It is reported as it was when the execution was started, and that is what is redriven."""
    states = bench.aws.client("stepfunctions")
    machine = bench.machine({"A": needs("of-an-execution")})
    before = states.describe_state_machine(stateMachineArn=machine)
    execution = bench.start(machine)
    assert bench.result(execution)["status"] == "FAILED"
    changed = json.dumps({**json.loads(before["definition"]), "Comment": "Another one."})
    states.update_state_machine(stateMachineArn=machine, definition=changed)
    found = states.describe_state_machine_for_execution(executionArn=execution)
    assert {key: found[key] for key in ("stateMachineArn", "name", "definition", "roleArn")} == {
        key: before[key] for key in ("stateMachineArn", "name", "definition", "roleArn")
    }
    assert states.describe_state_machine(stateMachineArn=machine)["definition"] == changed


def test_what_cannot_be_redriven(bench: Bench) -> None:
    """Executions that run, that succeeded or that do not exist are refused."""
    client = bench.aws.client("stepfunctions")
    running = bench.start(bench.machine({"W": endless()}))
    succeeded = bench.start(bench.machine({"A": passing(1)}))
    assert bench.result(succeeded)["redriveStatusReason"] == "Execution is SUCCEEDED and cannot be redriven"
    for execution, code in (
        (running, "ExecutionNotRedrivable"),
        (succeeded, "ExecutionNotRedrivable"),
        (f"{succeeded}-no", "ExecutionDoesNotExist"),
    ):
        with pytest.raises(ClientError) as refused:
            client.redrive_execution(executionArn=execution)
        assert refused.value.response["Error"]["Code"] == code
    client.stop_execution(executionArn=running)


def test_branches(bench: Bench) -> None:
    """Branches that succeeded keep their outputs; one that failed goes on where it failed."""
    first = {"A": works("par-a", Assign={"x": "a"}, Next="A2"), "A2": passing("{% $x %}")}
    second = {
        "B": works("par-b", Assign={"x": "b"}, Next="B2-after"),
        **after("par-a", "B2"),
        "B2": needs("par-b2", Next="B3"),
        "B3": passing("{% $x %}"),
    }
    branches = [{"StartAt": "A", "States": first}, {"StartAt": "B", "States": second}]
    states = {
        "S": passing({}, Assign={"outer": "o"}, Next="P"),
        "P": {"Type": "Parallel", "Branches": branches, "Next": "E"},
        "E": passing({"in": "{% $states.input %}", "outer": "{% $outer %}"}),
    }
    execution = failed(bench, states)
    bench.put("par-b2", "")
    assert redriven(bench, execution)["output"] == {"in": ["a", "b"], "outer": "o"}
    assert calls(bench, execution) == {"par-a": 1, "par-b": 1, "par-b2": 2}


def test_branches_that_were_stopped(bench: Bench) -> None:
    """A branch that was stopped because another failed runs its state again."""
    bench.put("stopped-a", "")
    first = {
        "N": passing({}, Assign={"n": "{% $states.context.Execution.RedriveCount %}"}, Next="C"),
        "C": {"Type": "Choice", "Choices": [{"Condition": "{% $n = 0 %}", "Next": "W"}], "Default": "A"},
        "W": endless(),
        "A": needs("stopped-a"),
    }
    second = {"B": needs("stopped-b")}
    branches = [{"StartAt": "N", "States": first}, {"StartAt": "B", "States": second}]
    execution = bench.start(bench.machine({"P": {"Type": "Parallel", "Branches": branches, "End": True}}))
    assert bench.result(execution)["status"] == "FAILED"
    bench.put("stopped-b", "")
    client = bench.aws.client("stepfunctions")
    client.redrive_execution(executionArn=execution)
    time.sleep(0.3)
    assert client.describe_execution(executionArn=execution)["status"] == "RUNNING"
    client.stop_execution(executionArn=execution, error="Mine", cause="waits again")
    assert bench.result(execution)["status"] == "ABORTED"
    assert calls(bench, execution) == {"stopped-b": 2}


@pytest.mark.parametrize("mode", ["INLINE", "DISTRIBUTED"])
def test_iterations(bench: Bench, mode: str) -> None:
    """Only the iterations that failed are run again, from the state that failed."""
    item = "{% '" + mode + "' & $string($states.input) %}"
    written = "{% '" + mode + "-ran-' & $string($states.input) %}"
    name = "{% $states.context.Execution.Name %}"
    inner = {
        "I": call("putObject", written, Arguments={"Body": "{% $uuid() %}"}, Output=item, Next="J"),
        "J": needs("{% $states.input %}", Output={"key": "{% $states.input %}", "name": name}),
    }
    config = {"Mode": mode, **({"ExecutionType": "STANDARD"} if mode == "DISTRIBUTED" else {})}
    states = {
        "M": {
            "Type": "Map",
            "Items": [0, 1, 2, 3],
            "MaxConcurrency": 1,
            "ItemProcessor": {"ProcessorConfig": config, "StartAt": "I", "States": inner},
            "End": True,
        }
    }
    for number in (0, 1, 3):
        bench.put(f"{mode}{number}", "")
    execution = failed(bench, states)
    ran = [bench.get(f"{mode}-ran-{number}") for number in range(3)]
    bench.put(f"{mode}2", "")
    output = redriven(bench, execution)["output"]
    assert [part["key"] for part in output] == [f"{mode}{number}" for number in range(4)]
    assert len({part["name"] for part in output}) == (1 if mode == "INLINE" else 4)
    assert [bench.get(f"{mode}-ran-{number}") for number in range(3)] == ran


def test_iterations_that_were_stopped(bench: Bench) -> None:
    """An iteration that was stopped because another failed is not taken for one that came to its end."""
    seconds = "{% $states.context.Execution.RedriveCount = 0 and $states.input = 0 ? 99999 : 0 %}"
    inner = {
        "W": {"Type": "Wait", "Seconds": seconds, "Next": "N"},
        "N": needs("{% 'map-stopped' & $string($states.input) %}", Output="{% $states.input & 'done' %}"),
    }
    bench.put("map-stopped0", "")
    processor = {"StartAt": "W", "States": inner}
    execution = failed(bench, {"M": {"Type": "Map", "Items": [0, 1], "ItemProcessor": processor, "End": True}})
    bench.put("map-stopped1", "")
    assert redriven(bench, execution)["output"] == ["0done", "1done"]
    assert calls(bench, execution) == {"map-stopped0": 1, "map-stopped1": 2}


def test_states_that_are_left_are_left(bench: Bench) -> None:
    """A failure that was caught is over: what comes after it is what is run again."""
    branches = [{"StartAt": "A", "States": {"A": needs("never")}}]
    catch = [{"ErrorEquals": ["States.ALL"], "Assign": {"e": "{% $states.errorOutput.Error %}"}, "Next": "B"}]
    states = {
        "P": {"Type": "Parallel", "Branches": branches, "Catch": catch, "End": True},
        "B": needs("caught-b", Output="{% $e %}"),
    }
    execution = failed(bench, states)
    bench.put("caught-b", "")
    assert redriven(bench, execution)["output"] == "S3.NoSuchKeyException"
    assert calls(bench, execution) == {"never": 1, "caught-b": 2}


def test_retries_begin_anew(bench: Bench) -> None:
    """A redriven state has all its retries again; a retried Parallel runs all its branches again."""
    retry = [{"ErrorEquals": ["States.ALL"], "MaxAttempts": 1, "IntervalSeconds": 30}]
    second = {**after("again-a", "B"), "B": needs("again-b", Retry=retry)}
    branches = [
        {"StartAt": "A", "States": {"A": works("again-a")}},
        {"StartAt": "B-after", "States": second},
    ]
    state = {"Type": "Parallel", "Branches": branches, "Retry": retry, "End": True}
    execution = failed(bench, {"P": state})
    assert calls(bench, execution) == {"again-a": 2, "again-b": 4}
    assert redriven(bench, execution)["status"] == "FAILED"
    # First B alone goes on, twice; then the Parallel is tried again, as a whole.
    assert calls(bench, execution) == {"again-a": 3, "again-b": 8}


def test_loops(bench: Bench) -> None:
    """In a loop it goes on in the round that failed."""
    states = {
        "S": passing({}, Assign={"n": 0}, Next="L"),
        "L": needs("{% 'loop' & $string($n) %}", Assign={"n": "{% $n + 1 %}"}, Next="C"),
        "C": {"Type": "Choice", "Choices": [{"Condition": "{% $n < 4 %}", "Next": "L"}], "Default": "E"},
        "E": passing("{% $n %}"),
    }
    for number in (0, 1, 3):
        bench.put(f"loop{number}", "")
    execution = failed(bench, states)
    bench.put("loop2", "")
    assert redriven(bench, execution)["output"] == 4
    assert calls(bench, execution) == {"loop0": 1, "loop1": 1, "loop2": 2, "loop3": 1}


def test_fail_fails_again(bench: Bench) -> None:
    """A Fail state is entered again."""
    execution = failed(bench, {"A": works("fail-a", Next="F"), "F": {"Type": "Fail", "Error": "Mine"}})
    assert redriven(bench, execution)["error"] == "Mine"
    assert calls(bench, execution) == {"fail-a": 1}


def test_timed_out_execution(bench: Bench) -> None:
    """An execution that timed out goes on, and its time begins anew."""
    states = {
        "A": works("late-a", Next="C"),
        "C": {
            "Type": "Wait",
            "Seconds": "{% $states.context.Execution.RedriveCount = 0 ? 99999 : 0 %}",
            "Next": "E",
        },
        "E": passing("done"),
    }
    execution = bench.start(bench.machine(states, TimeoutSeconds=1))
    assert bench.result(execution)["status"] == "TIMED_OUT"
    assert redriven(bench, execution)["output"] == "done"
    assert calls(bench, execution) == {"late-a": 1}


def test_stopped_execution_waits_with_a_new_token(bench: Bench) -> None:
    """After a stop and a redrive, a task waits with another token; the first is over."""
    wait = call("putObject.waitForTaskToken", "redriven-token", Arguments={"Body": "{% $states.context.Task.Token %}"})
    execution = bench.start(bench.machine({"W": {**wait, "Output": "{% $states.result %}"}}))
    first = token(bench, "")
    client = bench.aws.client("stepfunctions")
    client.stop_execution(executionArn=execution, error="Mine", cause="because")
    stopped = bench.result(execution)
    assert (stopped["status"], stopped["error"], stopped["cause"]) == ("ABORTED", "Mine", "because")
    client.redrive_execution(executionArn=execution)
    second = token(bench, first)
    with pytest.raises(client.exceptions.TaskTimedOut):
        client.send_task_success(taskToken=first, output="1")
    client.send_task_success(taskToken=second, output="2")
    assert bench.result(execution)["output"] == 2


def token(bench: Bench, before: str) -> str:
    """Return the token that was written, once it is another than before."""
    for _ in range(500):
        listed = bench.aws.client("s3").list_objects_v2(Bucket=BUCKET, Prefix="redriven-token")
        found = json.loads(bench.get("redriven-token")) if listed["KeyCount"] else before
        if found != before:
            return str(found)
        time.sleep(0.01)
    raise AssertionError(before)


@pytest.mark.parametrize("named", [False, True])
def test_nested_execution_is_started_again(bench: Bench, named: bool) -> None:  # noqa: FBT001 - a parameter of the test
    """A failed nested execution is not redriven: a new one is started, if its name is not taken."""
    machine = bench.machine({"A": works("nested-a", Next="B"), "B": needs(f"nested-{named}")})
    arguments = {"StateMachineArn": machine, **({"Name": "same"} if named else {})}
    resource = "arn:aws:states:::states:startExecution.sync:2"
    execution = failed(bench, {"S": {"Type": "Task", "Resource": resource, "Arguments": arguments, "End": True}})
    bench.put(f"nested-{named}", "")
    result = redriven(bench, execution)
    assert result.get("error") == ("StepFunctions.ExecutionAlreadyExistsException" if named else None)
    listed = bench.aws.client("stepfunctions").list_executions(stateMachineArn=machine)["executions"]
    assert sorted(run["status"] for run in listed) == (["FAILED"] if named else ["FAILED", "SUCCEEDED"])


def test_jobs(bench: Bench) -> None:
    """A job that succeeded is not run again; one that failed is, and its state sees how often."""
    ran = bench.directory / "redriven-ran"
    text = f"""
import os, sys
with open({str(ran)!r}, "a") as file: file.write(sys.argv[1])
sys.exit(sys.argv[1] == "b" and os.environ["COUNT"] == "0")
"""
    command = bench.program(text)
    count = {"Name": "COUNT", "Value": "{% $string($states.context.Execution.RedriveCount) %}"}
    overrides = {"ContainerOverrides": {"Environment": [count]}}
    states = {
        "A": job(bench.define([*command, "a"]), Assign={"id": "{% $states.result.JobId %}"}, Output={}, Next="B"),
        "B": job(bench.define([*command, "b"]), Arguments=overrides, Output="{% $id %}"),
    }
    execution = failed(bench, states)
    job_id = redriven(bench, execution)["output"]
    assert bench.describe(job_id)["status"] == "SUCCEEDED"
    assert ran.read_text() == "abb"
