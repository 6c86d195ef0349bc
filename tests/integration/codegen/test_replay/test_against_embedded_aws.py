"""The replay and the embedded AWS do the same and count the same: by another clock, and with other services."""

from __future__ import annotations

import json
import sys
import time
from collections.abc import Iterator
from typing import Any

import pytest

from laminar_codegen.rehearsal.aws import EmbeddedAws, Workspace
from laminar_codegen.rehearsal.simulated import Objects, Replayed, Services
from tests.support.machines import State, mapping, parallel, passing, run, task, waiting

pytestmark = pytest.mark.e2e

S3 = "aws-sdk:s3:"
MISSING = {"Bucket": "bucket", "Key": "none"}
CATCH = [
    {"ErrorEquals": ["S3.NoSuchKeyException"], "Next": "Caught", "Assign": {"e": "{% $states.errorOutput.Error %}"}}
]
RETRY = [{"ErrorEquals": ["States.TaskFailed"], "IntervalSeconds": 1, "MaxAttempts": 2, "BackoffRate": 1}]
FAIL = {"Type": "Fail", "Error": "Bad", "Cause": "because"}
CHOICE = {
    "Type": "Choice",
    "Choices": [{"Condition": "{% $states.input.n > 1 %}", "Next": "Many", "Output": "many"}],
    "Default": "Few",
}


@pytest.fixture(scope="module")
def aws(tmp_path_factory: pytest.TempPathFactory) -> Iterator[EmbeddedAws]:
    """An embedded AWS with a bucket."""
    workspace = Workspace(tmp_path_factory.mktemp("workspace"), python=sys.executable)
    with EmbeddedAws(workspace=workspace) as embedded:
        embedded.client("s3").create_bucket(Bucket="bucket")
        yield embedded


def executed(aws: EmbeddedAws, name: str, states: dict[str, State], given: Any) -> tuple[Any, str | None, list[str]]:
    """Return what the embedded AWS makes of a machine: its output, its error, and its events."""
    client = aws.client("stepfunctions")
    definition = {"QueryLanguage": "JSONata", "StartAt": next(iter(states)), "States": states}
    role = "arn:aws:iam::123456789012:role/any"
    machine = client.create_state_machine(name=name, definition=json.dumps(definition), roleArn=role)
    arn = client.start_execution(stateMachineArn=machine["stateMachineArn"], name=name, input=json.dumps(given))[
        "executionArn"
    ]
    while (described := client.describe_execution(executionArn=arn))["status"] == "RUNNING":
        time.sleep(0.01)
    events = client.get_execution_history(executionArn=arn, maxResults=1000)["events"]
    output = json.loads(described["output"]) if "output" in described else None
    return output, described.get("error"), [event["type"] for event in events]


MACHINES: dict[str, dict[str, State]] = {
    "sequence": {
        "A": passing({"n": "{% $states.input.n + 1 %}"}, Assign={"v": [1]}, Next="W"),
        "W": waiting(1, Next="B"),
        "B": passing(["{% $v %}", "{% $states.input %}"], Next="S"),
        "S": {"Type": "Succeed"},
    },
    "choice": {"C": CHOICE, "Many": passing("{% $states.input %}"), "Few": passing("few")},
    "fail": {"A": passing(1, Next="F"), "F": FAIL},
    "expression": {"A": passing("{% $states.input.none %}")},
    "parallel": {
        "P": parallel({"A": passing(1, Next="B"), "B": passing(2)}, {"C": parallel({"D": passing(3)})}, Next="E"),
        "E": passing("{% $states.input %}"),
    },
    "map": {"M": mapping("{% [1..3] %}", {"I": passing("{% $states.input * 2 %}")}, MaxConcurrency=1)},
    "objects": {
        "Put": task(f"{S3}putObject", {"Bucket": "bucket", "Key": "objects", "Body": {"a": 1}}, Output={}, Next="Get"),
        "Get": task(f"{S3}getObject", {"Bucket": "bucket", "Key": "objects"}, Output="{% $states.result.Body %}"),
    },
    "caught": {"Get": task(f"{S3}getObject", MISSING, Catch=CATCH), "Caught": passing("{% $e %}")},
    "retried": {"Get": task(f"{S3}getObject", MISSING, Retry=RETRY, Catch=CATCH), "Caught": passing("{% $e %}")},
    "failed": {"Get": task(f"{S3}getObject", MISSING, Retry=RETRY)},
    "arguments": {"Get": task(f"{S3}getObject", {"Bucket": "{% $none %}"})},
    "unknown token": {"Send": task("aws-sdk:sfn:sendTaskSuccess", {"TaskToken": "none", "Output": "{}"})},
    "map failed": {"M": mapping([1], {"F": FAIL}, Catch=[{"ErrorEquals": ["Bad"], "Next": "End"}]), "End": passing(1)},
    "parallel failed": {
        "P": parallel(
            {"F": FAIL}, Retry=[{**RETRY[0], "ErrorEquals": ["Bad"]}], Catch=[{"ErrorEquals": ["Bad"], "Next": "E"}]
        ),
        "E": passing("{% $states.input %}"),
    },
}


@pytest.mark.parametrize("name", MACHINES)
def test_the_same_happens(aws: EmbeddedAws, name: str) -> None:
    """Output, error, and the number of events are the same."""
    states = MACHINES[name]
    replayed: Replayed = run(states, Services(objects=Objects(buckets=frozenset({"bucket"}))), input={"n": 2})
    output, error, events = executed(aws, name.replace(" ", "-"), states, {"n": 2})
    assert (replayed.output, replayed.error) == (output, error)
    assert replayed.events == len(events), events
