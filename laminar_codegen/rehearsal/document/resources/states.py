"""AWS Step Functions: state machines."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from laminar_codegen.rehearsal.document.kinds import Kind, Making

__all__ = ["KINDS"]


def _machine(making: Making) -> Mapping[str, Any]:
    request = making.request("stepfunctions", "CreateStateMachine", omit=("logging_configuration",))
    logging = making.block("logging_configuration")
    if logging:
        destination = logging.get("log_destination")
        request["loggingConfiguration"] = {
            "level": logging.get("level") or "OFF",
            "includeExecutionData": bool(logging.get("include_execution_data")),
            "destinations": [{"cloudWatchLogsLogGroup": {"logGroupArn": destination}}] if destination else [],
        }
    name = making.name()
    made = making.client("stepfunctions").create_state_machine(**{**request, "name": name})
    arn = made["stateMachineArn"]
    return {"id": arn, "arn": arn, "name": name, "status": "ACTIVE"}


KINDS: Mapping[str, Kind] = {"aws_sfn_state_machine": Kind(_machine)}
