"""Executions as the API of Step Functions shows them.

https://docs.aws.amazon.com/step-functions/latest/apireference/API_DescribeExecution.html, API_GetExecutionHistory.html
"""

from __future__ import annotations

from typing import Any

import attrs

from laminar_codegen.rehearsal.asl.execution import Execution
from laminar_codegen.rehearsal.asl.history import Event
from laminar_codegen.rehearsal.asl.world import why_not_redrivable
from laminar_codegen.rehearsal.aws.payloads import compact_json

__all__ = ["Definition", "Record"]

_INCLUDED = {"included": True}
#: The values of events that are shown as JSON text.
_TEXTS = ("input", "output", "parameters")


@attrs.frozen
class Definition:
    """A state machine as it was when an execution was started.

    Args:
        arn: Its ARN.
        name: Its name.
        text: What it does.
        role: The ARN of its role.
        updated: When it was last changed, in seconds since the epoch.
    """

    arn: str
    name: str
    text: str
    role: str
    updated: float


@attrs.frozen
class Record:
    """An execution, and what it was started with.

    Args:
        execution: The execution.
        definition: Its state machine.
        input: Its input, as it was given.
    """

    execution: Execution
    definition: Definition
    input: str

    def date(self, seconds: float) -> float:
        """Return a moment as the API shows it, in seconds since the epoch."""
        return round(self.execution.clock.epoch.timestamp() + seconds, 3)

    def describe(self) -> dict[str, Any]:
        """As in DescribeExecution."""
        execution = self.execution
        reason = why_not_redrivable(execution)
        output = compact_json(execution.output) if execution.status == "SUCCEEDED" else None
        return _without_none(
            executionArn=execution.arn,
            **self._common(),
            input=self.input,
            inputDetails=_INCLUDED,
            output=output,
            outputDetails=None if output is None else _INCLUDED,
            error=execution.error and execution.error.name,
            cause=execution.error and execution.error.cause,
            redriveStatus="REDRIVABLE" if reason is None else "NOT_REDRIVABLE",
            redriveStatusReason=reason,
        )

    def describe_short(self) -> dict[str, Any]:
        """As in ListExecutions."""
        return _without_none(executionArn=self.execution.arn, **self._common())

    def _common(self) -> dict[str, Any]:
        execution = self.execution
        return {
            "stateMachineArn": self.definition.arn,
            "name": execution.name,
            "status": execution.status,
            "startDate": self.date(execution.created),
            "stopDate": None if execution.ended is None else self.date(execution.ended),
            "redriveCount": execution.redrives,
            "redriveDate": self.date(execution.started) if execution.redrives else None,
        }

    def describe_machine(self) -> dict[str, Any]:
        """As in DescribeStateMachineForExecution."""
        definition = self.definition
        return {
            "stateMachineArn": definition.arn,
            "name": definition.name,
            "definition": definition.text,
            "roleArn": definition.role,
            "updateDate": definition.updated,
        }

    def events(self) -> list[dict[str, Any]]:
        """Return its history as in GetExecutionHistory."""
        return [self._event(place, event) for place, event in enumerate(self.execution.history.noted, 1)]

    def _event(self, place: int, event: Event) -> dict[str, Any]:
        shown = {
            "id": place,
            "previousEventId": event.previous,
            "timestamp": self.date(event.seconds),
            "type": event.kind,
        }
        details = _details(event)
        return {**shown, _name_of_details(event.kind): details} if details else shown


def _details(event: Event) -> dict[str, Any]:
    details = dict(event.details)
    for name in _TEXTS:
        if name in details:
            details[name] = compact_json(details[name])
            if name != "parameters":
                details[f"{name}Details"] = {"truncated": False}
    if "assignedVariables" in details:
        assigned = details["assignedVariables"].items()
        details["assignedVariables"] = {variable: compact_json(value) for variable, value in assigned}
        details["assignedVariablesDetails"] = {"truncated": False}
    return details


def _name_of_details(kind: str) -> str:
    if kind.endswith(("StateEntered", "StateExited")):
        return "stateEnteredEventDetails" if kind.endswith("Entered") else "stateExitedEventDetails"
    return f"{kind[:1].lower()}{kind[1:]}EventDetails"


def _without_none(**values: Any) -> dict[str, Any]:
    return {name: value for name, value in values.items() if value is not None}
