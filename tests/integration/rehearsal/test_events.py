"""A sample event goes through the rules of a document, and runs what they start."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from typing import Any

import pytest

from laminar_codegen.pipeline import compile_flow
from laminar_codegen.rehearsal.aws import EmbeddedAws, Workspace
from laminar_codegen.rehearsal.deploy import deploy
from laminar_codegen.rehearsal.image import lay_out
from laminar_codegen.rehearsal.sample_event import start_by_event
from laminar_runtime.deployed.deployment import Deployment
from tests.support.golden import GOLDEN

FLOW = GOLDEN / "triggers" / "flow.py"
UPLOAD = {
    "source": "aws.s3",
    "detail-type": "Object Created",
    "detail": {"bucket": {"name": "uploads"}, "object": {"key": 'in/a "b" <c>.csv', "sequencer": "0062"}},
}
ENDED = {
    "source": "aws.states",
    "detail-type": "Step Functions Execution Status Change",
    "detail": {
        "executionArn": "arn:aws:states:us-east-1:123456789012:execution:Import:e1@resume-1",
        "stateMachineArn": "arn:aws:states:us-east-1:123456789012:stateMachine:Import",
        "name": "e1@resume-1",
        "status": "FAILED",
        "stopDate": 1767247200000,
    },
}
ORDER = {"source": "shop", "detail-type": "Order", "id": "0a", "detail": {"size": 2, "order": {"items": [1, None]}}}


@pytest.fixture(scope="module")
def aws(tmp_path_factory: pytest.TempPathFactory) -> Iterator[EmbeddedAws]:
    image = tmp_path_factory.mktemp("events")
    with EmbeddedAws(workspace=Workspace(directory=lay_out(FLOW, image)), enforces=True) as opened:
        yield opened


@pytest.fixture(scope="module")
def deployment(aws: EmbeddedAws) -> Deployment:
    return deploy(compile_flow(str(FLOW)), aws)


@pytest.fixture
def deployed(aws: EmbeddedAws, deployment: Deployment, monkeypatch: pytest.MonkeyPatch) -> Deployment:
    """The flow, deployed, where this process looks for it."""
    for name, value in aws.environment.items():
        monkeypatch.setenv(name, value)
    return deployment


def parameters_of(aws: EmbeddedAws, deployment: Deployment, name: str) -> Any:
    """Return the parameters of an execution."""
    found = aws.client("stepfunctions").describe_execution(executionArn=deployment.execution_arn(name))
    return json.loads(found["input"])["parameters"]


@pytest.mark.parametrize(
    ("event", "prefix", "parameters"),
    [
        (UPLOAD, "object_created-", {"what": {"bucket": "uploads", "key": 'in/a "b" <c>.csv'}}),
        (ORDER, "event-0a", {"what": {"items": [1, None]}, "mode": "full"}),
        (ENDED, "after-", {"what": "e1"}),
    ],
    ids=["upload", "order", "end"],
)
def test_an_event_starts_the_flow_once(
    aws: EmbeddedAws, deployed: Deployment, event: Mapping[str, Any], prefix: str, parameters: Any
) -> None:
    """Values of the event are parameters, with their types. A repetition starts nothing."""
    names = [name for name in start_by_event(event, aws, deployed) if name.startswith(prefix)]
    again = [name for name in start_by_event(event, aws, deployed) if name.startswith(prefix)]
    assert len(names) == 1
    assert again == names
    assert parameters_of(aws, deployed, names[0]) == parameters


def test_what_cannot_be_delivered_is_kept(aws: EmbeddedAws, deployed: Deployment) -> None:
    """An event without a value that the template takes goes to the queue of failed starts."""
    event = {**ORDER, "id": "0b", "time": "2026-01-01T00:00:00Z", "region": "us-east-1", "detail": {"size": 1}}
    (delivery,) = aws.event_bus.deliver(event)
    assert "the event has no $.detail.order" in delivery.error
    sqs = aws.client("sqs")
    queue = sqs.get_queue_url(QueueName=f"{deployed.name}-trigger-failures")["QueueUrl"]
    (message,) = sqs.receive_message(QueueUrl=queue)["Messages"]
    assert json.loads(message["Body"])["id"] == "0b"
