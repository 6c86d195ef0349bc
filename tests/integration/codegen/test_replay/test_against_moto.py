"""The interpreter and that of moto, as it comes, do the same and count the same: moto's is an opinion of others.

What moto does otherwise is listed, each with the deviation.
"""

from __future__ import annotations

import json
import time
from collections.abc import Iterator
from typing import Any

import pytest

from laminar_codegen.rehearsal.asl import query_language
from laminar_codegen.rehearsal.simulated import Objects, Services
from tests.integration.codegen.test_replay.test_against_embedded_aws import MACHINES
from tests.support.machines import State, run

#: Machines of which moto makes something else than Step Functions.
OTHERWISE = {
    "expression": "an expression that fails is States.Runtime, and no event reports it",
    "arguments": "the same",
    "objects": "an object for a Body is not written as JSON",
    "caught": "errors are named after s3, and not after S3",
    "retried": "the same",
    "unknown token": "parameters of SDK integrations keep the case that states write, which the API does not know",
}


@pytest.fixture(scope="module")
def account() -> Iterator[Any]:
    """A client factory of an account of moto that executes state machines, with a bucket."""
    import boto3
    from moto import mock_aws
    from moto.stepfunctions.parser.asl.jsonata import jsonata

    with pytest.MonkeyPatch.context() as patch:
        # moto has no interpreter of expressions but one in Java: the expressions are ours, the states moto's.
        patch.setattr(jsonata, "_eval_jsonata", lambda text: query_language.evaluate(text, {}))
        for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
            patch.setenv(name, "testing")
        patch.setenv("AWS_DEFAULT_REGION", "us-east-1")
        with mock_aws(config={"stepfunctions": {"execute_state_machine": True}}):
            boto3.client("s3").create_bucket(Bucket="bucket")
            yield boto3.client


def executed(states: Any, name: str, machine: dict[str, State]) -> tuple[Any, str | None, list[str]]:
    """Return what moto makes of a machine: its output, its error, and its events."""
    definition = {"QueryLanguage": "JSONata", "StartAt": next(iter(machine)), "States": machine}
    role = "arn:aws:iam::123456789012:role/any"
    made = states.create_state_machine(name=name, definition=json.dumps(definition), roleArn=role)
    started = states.start_execution(stateMachineArn=made["stateMachineArn"], name=name, input='{"n": 2}')
    arn, deadline = started["executionArn"], time.monotonic() + 30
    while (described := states.describe_execution(executionArn=arn))["status"] == "RUNNING":
        assert time.monotonic() < deadline
        time.sleep(0.01)
    events = states.get_execution_history(executionArn=arn, maxResults=1000)["events"]
    output = _value(described["output"]) if "output" in described else None
    return output, described.get("error"), [event["type"] for event in events]


def _value(output: str) -> Any:
    """Return the value of an output: moto shows one that is text without its quotes."""
    try:
        return json.loads(output)
    except ValueError:
        return output


@pytest.mark.parametrize("name", [name for name in MACHINES if name not in OTHERWISE])
def test_the_same_happens(account: Any, name: str) -> None:
    """Output, error and the number of events are the same."""
    services = Services(objects=Objects(buckets=frozenset({"bucket"})))
    replayed = run(MACHINES[name], services, input={"n": 2})
    output, error, events = executed(account("stepfunctions"), name.replace(" ", "-"), MACHINES[name])
    wanted = replayed.error and replayed.error.replace("S3.", "s3.")
    assert (replayed.output, wanted, replayed.events) == (output, error, len(events))
