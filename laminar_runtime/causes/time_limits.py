"""The execution that ran longer than it may, where state machines run others."""

from __future__ import annotations

from typing import TYPE_CHECKING

from laminar_runtime.causes.texts import parse_object

if TYPE_CHECKING:
    from mypy_boto3_stepfunctions.client import SFNClient

__all__ = ["find_time_limit"]


def find_time_limit(client: SFNClient, arn: str) -> tuple[str, int | None] | None:
    """Return the execution that ran longer than it may, if an execution ended because of that.

    The state machine of a chain, or of executions that take turns, runs those of flows, which have the time limits.

    Args:
        client: The client of Step Functions.
        arn: The ARN of an execution that did not succeed.

    Returns:
        The ARN of that execution, and the seconds that its state machine allows, None if they are not known. None if
        the execution ended for another reason.
    """
    from botocore.exceptions import BotoCoreError, ClientError

    try:
        ended = client.describe_execution(executionArn=arn)
    except (BotoCoreError, ClientError):
        return None
    status, cause = str(ended["status"]), ended.get("cause", "")
    while status != "TIMED_OUT":
        # A state that runs another execution fails with the description of that one.
        nested = parse_object(cause)
        if "ExecutionArn" not in nested:
            return None
        arn, status, cause = str(nested["ExecutionArn"]), str(nested.get("Status")), str(nested.get("Cause", ""))
    try:
        definition = client.describe_state_machine_for_execution(executionArn=arn)["definition"]
    except (BotoCoreError, ClientError):
        return arn, None
    return arn, parse_object(definition).get("TimeoutSeconds")
