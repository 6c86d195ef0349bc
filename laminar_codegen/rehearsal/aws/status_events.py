"""The events of EventBridge for executions that ended, and the state machines that its rules start.

moto's EventBridge stores the rules, but does not apply them to executions.
https://docs.aws.amazon.com/step-functions/latest/dg/eventbridge-integration.html
"""

from __future__ import annotations

import functools
import json
import logging
import sys
import uuid
from collections.abc import Iterator
from typing import Any

import attrs

from laminar_codegen.rehearsal.asl.real_time import RealClock
from laminar_codegen.rehearsal.aws.clients import Clients
from laminar_codegen.rehearsal.aws.execution_records import Record

__all__ = ["StatusEvents"]

logger = logging.getLogger(__name__)


@attrs.frozen
class StatusEvents:
    """Publishes the ends of executions.

    Args:
        clock: The time.
        clients: The clients of the embedded AWS.
    """

    clock: RealClock
    clients: Clients

    def publish(self, record: Record) -> None:
        """Start the targets of the rules that match the end of an execution, without waiting for them."""
        if _backends() is not None:
            self.clock.begin(functools.partial(self._follow, _event(record)))

    def _follow(self, event: dict[str, Any]) -> None:
        try:
            for target in _targets(event):
                content = event["detail"] if target.get("InputPath") == "$.detail" else event
                states = self.clients.get("stepfunctions", event["region"], role=target["RoleArn"])
                states.start_execution(stateMachineArn=target["Arn"], input=json.dumps(content))
        except Exception:  # a rule that fails does not change the status of the execution
            logger.exception("EventBridge could not handle the end of %s", event["resources"][0])


def _event(record: Record) -> dict[str, Any]:
    execution = record.execution
    _, _, _, region, account, *_ = execution.arn.split(":")
    return {
        "version": "0",
        "id": str(uuid.uuid4()),
        "detail-type": "Step Functions Execution Status Change",
        "source": "aws.states",
        "account": account,
        "time": execution.clock.time.strftime("%Y-%m-%dT%H:%M:%SZ"),
        "region": region,
        "resources": [execution.arn],
        "detail": {
            "executionArn": execution.arn,
            "stateMachineArn": execution.machine_arn,
            "name": execution.name,
            "status": execution.status,
            "startDate": round(record.date(execution.created) * 1000),
            "stopDate": execution.clock.milliseconds,
            "input": record.input,
            "output": record.describe().get("output"),
        },
    }


def _backends() -> Any:
    """Return the rules that moto keeps, None without any: then its EventBridge is not loaded."""
    module = sys.modules.get("moto.events.models")
    return None if module is None else module.events_backends


def _targets(event: dict[str, Any]) -> Iterator[dict[str, Any]]:
    """Yield the targets of the rules that match an event."""
    backend = _backends()[event["account"]][event["region"]]
    for rule in backend.event_buses["default"].rules.values():
        if rule.state == "ENABLED" and rule.event_pattern.matches_event(event):
            yield from (target for target in rule.targets if ":stateMachine:" in target["Arn"])
