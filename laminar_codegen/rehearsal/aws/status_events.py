"""The events by which EventBridge tells of executions that ended, and the state machines that its rules start for them.

moto's Step Functions tells EventBridge of nothing, and its rules do not start state machines.
https://docs.aws.amazon.com/step-functions/latest/dg/eventbridge-integration.html
"""

from __future__ import annotations

import datetime as dt
import json
import logging
import sys
import uuid
from collections.abc import Iterator
from typing import Any

from moto.stepfunctions.parser.backend.execution import BaseExecutionWorkerCommunication, Execution

from laminar_codegen.rehearsal.aws.clients import Clients
from laminar_codegen.rehearsal.aws.patches import Patches

logger = logging.getLogger(__name__)


def install(patches: Patches, clients: Clients) -> None:
    """Have executions that end be told to EventBridge. What is told of their ends otherwise is told first."""
    note_end: Any = BaseExecutionWorkerCommunication.terminated

    def terminated(self: BaseExecutionWorkerCommunication) -> None:
        note_end(self)
        try:
            _publish(self.execution, clients)
        except Exception:  # a rule that cannot be followed does not change how an execution ended
            logger.exception("EventBridge could not be told of the end of %s", self.execution.exec_arn)

    patches.attribute(BaseExecutionWorkerCommunication, "terminated", terminated)


def _publish(execution: Execution, clients: Clients) -> None:
    event = _event(execution)
    for target in _targets(event):
        content = event["detail"] if target.get("InputPath") == "$.detail" else event
        states = clients.get("stepfunctions", event["region"], role=target["RoleArn"])
        states.start_execution(stateMachineArn=target["Arn"], input=json.dumps(content))


def _event(execution: Execution) -> dict[str, Any]:
    now = dt.datetime.now(tz=dt.UTC)
    _, _, _, region, account, *_ = execution.exec_arn.split(":")
    return {
        "version": "0",
        "id": str(uuid.uuid4()),
        "detail-type": "Step Functions Execution Status Change",
        "source": "aws.states",
        "account": account,
        "time": now.strftime("%Y-%m-%dT%H:%M:%SZ"),
        "region": region,
        "resources": [execution.exec_arn],
        "detail": {
            "executionArn": execution.exec_arn,
            "stateMachineArn": execution.state_machine.arn,
            "name": execution.name,
            "status": execution.status,
            "startDate": _milliseconds(execution.start_date),
            "stopDate": _milliseconds(execution.stop_date or now),
            "input": execution.execution_input,
            "output": None,
        },
    }


def _milliseconds(date: Any) -> int:
    return round((dt.datetime.fromisoformat(date) if isinstance(date, str) else date).timestamp() * 1000)


def _targets(event: dict[str, Any]) -> Iterator[dict[str, Any]]:
    """Yield the targets of the rules that match an event. Without a rule, moto's EventBridge is not loaded."""
    events = sys.modules.get("moto.events.models")
    if events is None:
        return
    backend = events.events_backends[event["account"]][event["region"]]
    for rule in backend.event_buses["default"].rules.values():
        if rule.state == "ENABLED" and rule.event_pattern.matches_event(event):
            yield from (target for target in rule.targets if ":stateMachine:" in target["Arn"])
