"""The default event bus of EventBridge: matches events with the rules, and starts the state machines of their targets.

moto keeps the rules and their targets, but does not deliver to state machines.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator, Mapping
from typing import Any

import attrs

from laminar_codegen.rehearsal.aws.clients import Clients
from laminar_codegen.rehearsal.aws.target_input import make_input
from laminar_codegen.triggers.patterns import matches

__all__ = ["Delivery", "EventBus"]


@attrs.frozen
class Delivery:
    """The delivery of an event to a target.

    Args:
        rule: The name of the rule.
        target: The ARN of the target.
        execution: The ARN of the execution that it started, empty if it started none.
        error: Why it started none.
    """

    rule: str
    target: str
    execution: str = ""
    error: str = ""


@attrs.frozen
class EventBus:
    """The default event bus.

    Args:
        clients: The clients of the embedded AWS.
    """

    clients: Clients

    @property
    def has_rules(self) -> bool:
        """Whether there may be rules. Without any, nothing has asked moto's EventBridge.

        Its models are loaded by those of AWS Lambda, too.
        """
        return "moto.events.responses" in sys.modules

    def rules(self, region: str) -> Iterator[dict[str, Any]]:
        """Yield the rules for events, those that are switched off, too.

        Args:
            region: The region.
        """
        events = self.clients.get("events", region)
        for page in events.get_paginator("list_rules").paginate():
            yield from (rule for rule in page["Rules"] if "EventPattern" in rule)

    def deliver(self, event: Mapping[str, Any]) -> tuple[Delivery, ...]:
        """Deliver an event to the targets of all rules that match it, as their roles may.

        Args:
            event: The event, complete.

        Returns:
            What became of each target.
        """
        region = event["region"]
        matching = [
            rule
            for rule in self.rules(region)
            if rule["State"] == "ENABLED" and matches(json.loads(rule["EventPattern"]), event)
        ]
        events = self.clients.get("events", region)
        return tuple(
            self._send(target, event, rule)
            for rule in matching
            for target in events.list_targets_by_rule(Rule=rule["Name"])["Targets"]
        )

    def _send(self, target: Mapping[str, Any], event: Mapping[str, Any], rule: Mapping[str, Any]) -> Delivery:
        from botocore.exceptions import ClientError

        name, arn = rule["Name"], target["Arn"]
        if ":stateMachine:" not in arn:
            return Delivery(name, arn, error="a rehearsal delivers to state machines only")
        try:
            states = self.clients.get("stepfunctions", event["region"], role=target["RoleArn"])
            found = states.start_execution(stateMachineArn=arn, input=make_input(target, event, rule))
        except (ClientError, ValueError) as error:
            self._keep(target, event, rule, str(error))
            return Delivery(name, arn, error=str(error))
        return Delivery(name, arn, execution=found["executionArn"])

    def _keep(self, target: Mapping[str, Any], event: Mapping[str, Any], rule: Mapping[str, Any], error: str) -> None:
        """Send an event that was not delivered to the queue of its target, if there is one."""
        queue = target.get("DeadLetterConfig", {}).get("Arn")
        if queue is None:
            return
        *_, region, account, name = queue.split(":")
        sqs = self.clients.get("sqs", region)
        attributes = {"RULE_ARN": rule["Arn"], "TARGET_ARN": target["Arn"], "ERROR_MESSAGE": error}
        sqs.send_message(
            QueueUrl=sqs.get_queue_url(QueueName=name, QueueOwnerAWSAccountId=account)["QueueUrl"],
            MessageBody=json.dumps(event),
            MessageAttributes={
                name: {"DataType": "String", "StringValue": value[:256]} for name, value in attributes.items()
            },
        )
