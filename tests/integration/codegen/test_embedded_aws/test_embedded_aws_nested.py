"""States that start executions of other state machines."""

from __future__ import annotations

import json
import time
from typing import TYPE_CHECKING, Any

import pytest
from embedded_aws_bench import endless, job

if TYPE_CHECKING:
    from embedded_aws_bench import Bench

START = "arn:aws:states:::states:startExecution"
ENDLESS = {"W": endless()}
FAILING = {"F": {"Type": "Fail", "Error": "Mine", "Cause": "because"}}


def starting(machine: str, how: str = ".sync:2", **fields: Any) -> dict[str, Any]:
    """Return a state that starts an execution."""
    arguments = {"StateMachineArn": machine, "Input": {}, **fields.pop("Arguments", {})}
    state = {"Type": "Task", "Resource": START + how, "Arguments": arguments, **fields}
    return state if "Next" in state else {**state, "End": True}


def echoing(bench: Bench) -> str:
    """Return a machine that puts out its input and its name."""
    output = {"got": "{% $states.input %}", "name": "{% $states.context.Execution.Name %}"}
    return bench.machine({"E": {"Type": "Pass", "Output": output, "End": True}})


@pytest.mark.parametrize("how", [".sync", ".sync:2"])
def test_input_name_and_output(bench: Bench, how: str) -> None:
    """The input is passed on as JSON, also the id of the execution that starts it; so is the output."""
    given = {
        "list": [1, "ü"],
        "none": None,
        "AWS_STEP_FUNCTIONS_STARTED_BY_EXECUTION_ID": "{% $states.context.Execution.Id %}",
    }
    arguments = {"Input": given, "Name": "{% $states.context.Execution.Name & '-child' %}"}
    execution = bench.start(bench.machine({"S": starting(echoing(bench), how, Arguments=arguments)}))
    result = bench.result(execution)["output"]
    output = result["Output"] if how == ".sync:2" else json.loads(result["Output"])
    starter = {"AWS_STEP_FUNCTIONS_STARTED_BY_EXECUTION_ID": execution}
    assert output["got"] == {**given, **starter}
    assert output["name"] == result["Name"] == execution.rpartition(":")[2] + "-child"
    assert (result["Status"], result["ExecutionArn"].rpartition(":")[2]) == ("SUCCEEDED", output["name"])


def test_no_input(bench: Bench) -> None:
    """Without an input the execution gets an empty object."""
    state = {"Type": "Task", "Resource": START + ".sync:2", "Arguments": {}, "End": True}
    state["Arguments"] = {"StateMachineArn": echoing(bench)}
    assert bench.output({"S": state})["Output"]["got"] == {}


@pytest.mark.parametrize("how", [".sync", ".sync:2"])
def test_failure(bench: Bench, how: str) -> None:
    """A failed execution fails the state, with its description as the cause."""
    result = bench.run({"S": starting(bench.machine(FAILING), how)})
    assert result["error"] == "States.TaskFailed"
    cause = json.loads(result["cause"])
    assert (cause["Status"], cause["Error"], cause["Cause"]) == ("FAILED", "Mine", "because")
    assert ":execution:" in cause["ExecutionArn"]
    assert '"Status":"FAILED"' in result["cause"]


def test_failure_is_caught_and_retried(bench: Bench) -> None:
    """Each attempt starts an execution; a Catch sees the error of the last."""
    fails = bench.machine(FAILING)
    retry = [{"ErrorEquals": ["States.TaskFailed"], "MaxAttempts": 2}]
    catch = [{"ErrorEquals": ["States.TaskFailed"], "Output": "{% $parse($states.errorOutput.Cause).Error %}"}]
    state = starting(fails, Retry=retry, Catch=[{**catch[0], "Next": "C"}])
    assert bench.output({"S": state, "C": {"Type": "Pass", "End": True}}) == "Mine"
    assert len(executions(bench, fails)) == 3


def executions(bench: Bench, machine: str) -> list[dict[str, Any]]:
    """Return what is listed of a machine's executions."""
    listed: list[dict[str, Any]]
    listed = bench.aws.client("stepfunctions").list_executions(stateMachineArn=machine)["executions"]
    return listed


def test_timeout_of_the_nested_one(bench: Bench) -> None:
    """A nested execution that times out is a failed task."""
    late = bench.machine(ENDLESS, TimeoutSeconds=1)
    result = bench.run({"S": starting(late)})
    assert (result["error"], json.loads(result["cause"])["Status"]) == ("States.TaskFailed", "TIMED_OUT")


def test_starting_without_waiting(bench: Bench) -> None:
    """The state goes on; the execution that it started outlives the one that started it."""
    machine = bench.machine(ENDLESS)
    output = bench.output({"S": starting(machine, "")})
    assert set(output) == {"ExecutionArn", "StartDate"}
    client = bench.aws.client("stepfunctions")
    assert client.describe_execution(executionArn=output["ExecutionArn"])["status"] == "RUNNING"
    client.stop_execution(executionArn=output["ExecutionArn"])


def test_one_name_for_executions_of_many_machines(bench: Bench) -> None:
    """A name is taken once per machine: parts of a flow may all be named like the flow's execution."""
    name = {"Name": "{% $states.context.Execution.Name %}"}
    machines = [echoing(bench) for _ in range(3)]
    branches = [
        {"StartAt": f"S{number}", "States": {f"S{number}": starting(machine, Arguments=name)}}
        for number, machine in enumerate(machines)
    ]
    output = bench.output({"P": {"Type": "Parallel", "Branches": branches, "End": True}})
    assert len({result["Name"] for result in output}) == 1
    assert [result["StateMachineArn"] for result in output] == machines


def test_name_that_is_taken(bench: Bench) -> None:
    """An ended execution's name cannot be used again, and the error can be caught."""
    machine = echoing(bench)
    catch = [{"ErrorEquals": ["StepFunctions.ExecutionAlreadyExistsException"], "Output": "taken", "Next": "C"}]
    again = starting(machine, Arguments={"Name": "same"}, Catch=catch)
    states = {"S": starting(machine, Arguments={"Name": "same"}, Next="T"), "T": again}
    assert bench.output({**states, "C": {"Type": "Pass", "End": True}}) == "taken"


@pytest.mark.parametrize("end", ["stop", "timeout", "branch"])
def test_nested_execution_ends_with_the_state(bench: Bench, end: str) -> None:
    """When the state ends early, so do the executions below it and their jobs."""
    sleeper = job(bench.define(["sleep", "60"]), Arguments={"JobName": f"nested-{end}"})
    inner = bench.machine({"J": sleeper})
    middle = bench.machine({"S": starting(inner)})
    if end == "branch":
        fails = {"StartAt": "F", "States": {"F": job(bench.define(["sh", "-c", "sleep 1; exit 1"]))}}
        waits = {"StartAt": "S", "States": {"S": starting(middle)}}
        states = {"P": {"Type": "Parallel", "Branches": [waits, fails], "End": True}}
    else:
        states = {"S": starting(middle, **({"TimeoutSeconds": 1} if end == "timeout" else {}))}
    execution = bench.start(bench.machine(states))
    if end == "stop":
        wait_for_job(bench, f"nested-{end}")
        bench.aws.client("stepfunctions").stop_execution(executionArn=execution)
    assert bench.result(execution)["status"] == ("ABORTED" if end == "stop" else "FAILED")
    for machine in (middle, inner):
        assert [ended(bench, machine)] == ["ABORTED"]
    assert bench.named(f"nested-{end}")["status"] == "FAILED"


def wait_for_job(bench: Bench, name: str) -> None:
    """Wait until a job with a name runs."""
    deadline = time.monotonic() + 10
    while not any(event.job_name == name and event.status == "RUNNING" for event in bench.events):
        assert time.monotonic() < deadline
        time.sleep(0.01)


def ended(bench: Bench, machine: str) -> str:
    """Return how a machine's only execution ended."""
    (execution,) = executions(bench, machine)
    return str(bench.result(execution["executionArn"])["status"])
