"""Rules of EventBridge about executions that ended."""

from __future__ import annotations

import json
import time
from typing import TYPE_CHECKING, Any

import pytest
from embedded_aws_bench import endless

if TYPE_CHECKING:
    from embedded_aws_bench import Bench

ROLE = "arn:aws:iam::123456789012:role/rule"
ENDLESS = {"W": endless()}
FAILING = {"F": {"Type": "Fail", "Error": "Mine", "Cause": "because"}}
PASSING = {"E": {"Type": "Pass", "End": True}}


def follow(bench: Bench, machine: str, statuses: list[str], **target: Any) -> str:
    """Have a rule start a state machine when executions of a machine end so; gives that machine."""
    started, events = bench.machine(PASSING), bench.aws.client("events")
    pattern = {"source": ["aws.states"], "detail": {"status": statuses, "stateMachineArn": [machine]}}
    name = started.rpartition(":")[2]
    events.put_rule(Name=name, EventPattern=json.dumps(pattern))
    events.put_targets(Rule=name, Targets=[{"Id": "it", "Arn": started, "RoleArn": ROLE, **target}])
    return started


def inputs(bench: Bench, machine: str, count: int) -> list[Any]:
    """Return what the executions of a machine were started with, once there are so many."""
    states, deadline = bench.aws.client("stepfunctions"), time.monotonic() + 10
    while len(found := states.list_executions(stateMachineArn=machine)["executions"]) < count:
        assert time.monotonic() < deadline
        time.sleep(0.01)
    return [json.loads(bench.result(execution["executionArn"])["input"]) for execution in found]


@pytest.mark.parametrize(("states", "status"), [(ENDLESS, "ABORTED"), (FAILING, "FAILED"), (ENDLESS, "TIMED_OUT")])
def test_a_rule_starts_a_state_machine(bench: Bench, states: dict[str, Any], status: str) -> None:
    """What it is started with is the detail of the event: the execution, and how it ended."""
    machine = bench.machine(states, **({"TimeoutSeconds": 1} if status == "TIMED_OUT" else {}))
    started = follow(bench, machine, [status], InputPath="$.detail")
    execution = bench.start(machine, {"a": 1})
    if status == "ABORTED":
        bench.aws.client("stepfunctions").stop_execution(executionArn=execution)
    (detail,) = inputs(bench, started, 1)
    assert (detail["executionArn"], detail["stateMachineArn"], detail["status"]) == (execution, machine, status)
    assert (detail["name"], json.loads(detail["input"])) == (execution.rpartition(":")[2], {"a": 1})
    assert detail["startDate"] <= detail["stopDate"] <= time.time() * 1000


def test_other_ends_and_other_machines(bench: Bench) -> None:
    """A rule is about what its pattern says; without an InputPath the machine gets the whole event."""
    machine = bench.machine(PASSING)
    failed, succeeded = follow(bench, machine, ["FAILED"]), follow(bench, machine, ["SUCCEEDED"])
    bench.result(bench.start(bench.machine(PASSING)))
    execution = bench.start(machine)
    (event,) = inputs(bench, succeeded, 1)
    assert (event["resources"], event["detail-type"]) == ([execution], "Step Functions Execution Status Change")
    assert inputs(bench, failed, 0) == []
