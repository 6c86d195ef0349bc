"""The events of EventBridge for executions that ended.

https://docs.aws.amazon.com/step-functions/latest/dg/eventbridge-integration.html
"""

from __future__ import annotations

import functools
import logging
import uuid
from typing import Any

import attrs

from laminar_codegen.rehearsal.asl.real_time import RealClock
from laminar_codegen.rehearsal.aws.event_bus import EventBus
from laminar_codegen.rehearsal.aws.execution_records import Record

__all__ = ["StatusEvents"]

logger = logging.getLogger(__name__)


@attrs.frozen
class StatusEvents:
    """Publishes the ends of executions.

    Args:
        clock: The time.
        bus: The event bus.
    """

    clock: RealClock
    bus: EventBus

    def publish(self, record: Record) -> None:
        """Deliver the end of an execution to the targets of the rules that match it, without waiting for them."""
        if self.bus.has_rules:
            self.clock.begin(functools.partial(self._follow, _event(record)))

    def _follow(self, event: dict[str, Any]) -> None:
        try:
            deliveries = self.bus.deliver(event)
        except Exception:  # a rule that fails does not change the status of the execution
            logger.exception("EventBridge could not handle the end of %s", event["resources"][0])
            return
        for delivery in deliveries:
            if delivery.error:
                logger.error("the rule %s did not reach its target: %s", delivery.rule, delivery.error)


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
