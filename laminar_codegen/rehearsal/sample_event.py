"""The option ``--event``: sends a sample event to the rules of a document, and finds what it started."""

from __future__ import annotations

import json
import time
import uuid
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from laminar_codegen.rehearsal.aws import EmbeddedAws
from laminar_codegen.rehearsal.aws.event_bus import Delivery
from laminar_codegen.rehearsal.document.errors import DocumentError
from laminar_codegen.rehearsal.document.texts import read_file
from laminar_runtime import _records
from laminar_runtime.deployed.deployment import Deployment

__all__ = ["read_event", "start_by_event"]

#: What an event of each source must have.
_REQUIRED = ("source", "detail-type")


def read_event(path: Path) -> dict[str, Any]:
    """Read a sample event.

    Args:
        path: Its file.

    Raises:
        DocumentError: If it is not an event as JSON.
        OSError: If it cannot be read.
    """
    try:
        event = json.loads(read_file(path))
    except ValueError as error:
        raise DocumentError(f"{path}: the event is not JSON: {error}") from None
    missing = [name for name in _REQUIRED if not (isinstance(event, dict) and isinstance(event.get(name), str))]
    if missing:
        raise DocumentError(f"{path}: the event must be an object with the texts {' and '.join(missing)}")
    return dict(event)


def start_by_event(event: Mapping[str, Any], aws: EmbeddedAws, deployment: Deployment) -> tuple[str, ...]:
    """Send an event to the rules of a deployed document, and wait until their targets have started the flow.

    Args:
        event: The event. What it lacks of an event of this account and region is added.
        aws: The embedded AWS.
        deployment: The deployment of the flow.

    Returns:
        The names of the executions of the flow.

    Raises:
        DocumentError: If it starts no execution, with the reason.
        ExecutionError: If an execution of another state machine, such as the starter, fails.
    """
    *_, region, account, _, _ = deployment.state_machine_arn.split(":")
    own = {"version": "0", "id": str(uuid.uuid4()), "account": account, "region": region, "resources": [], "detail": {}}
    complete = {**own, "time": time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime()), **event}
    deliveries = aws.event_bus.deliver({**complete, "region": region})
    if not deliveries:
        raise DocumentError("\n".join(_explain_rules(aws, region)))
    if failed := [delivery for delivery in deliveries if delivery.error]:
        raise DocumentError("\n".join(f"the rule {one.rule} starts nothing: {one.error}" for one in failed))
    for delivery in deliveries:
        _wait(delivery, deployment)
    pages = aws.client("stepfunctions").get_paginator("list_executions")
    found = pages.paginate(stateMachineArn=deployment.state_machine_arn).search("executions[].name")
    names = tuple(name for name in found if name is not None)
    if not names:
        raise DocumentError(f"the event started no execution of '{deployment.name}'")
    return names


def _explain_rules(aws: EmbeddedAws, region: str) -> Iterator[str]:
    rules = [*aws.event_bus.rules(region)]
    yield "no rule matches the event" if rules else "the document has no rule for events"
    for rule in rules:
        yield f"  {rule['Name']}, {rule['State'].lower()}: {rule['EventPattern']}"


def _wait(delivery: Delivery, deployment: Deployment) -> None:
    """Wait for an execution that a rule started, unless it is one of the flow itself."""
    if delivery.target == deployment.state_machine_arn:
        return
    *_, machine, name = delivery.execution.split(":")
    _records.evolve(deployment, name=machine, state_machine_arn=delivery.target).execution(name).wait()
