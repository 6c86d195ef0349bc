"""Resumes executions that did not succeed: by a redrive, or by a new execution with the same id."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from laminar_runtime.causes.texts import is_unfinished, parse_object
from laminar_runtime.deployed.clients import calls
from laminar_runtime.deployed.descriptions import RUNS, last_resume, title
from laminar_runtime.exceptions import ExecutionError
from laminar_runtime.identifiers import LONGEST, RESUMED
from laminar_runtime.storage.layout import STARTED_BY

if TYPE_CHECKING:
    from laminar_runtime.deployed.deployment import Deployment

__all__ = ["resume"]

#: The errors of an execution that cannot be redriven, because it is too old or its history is too long:
#: https://docs.aws.amazon.com/step-functions/latest/apireference/API_RedriveExecution.html
_NOT_REDRIVABLE = {"ExecutionNotRedrivable", "ExecutionLimitExceeded"}


def resume(deployment: Deployment, execution: str) -> None:
    """Resume an execution that did not succeed, without the layers and splits that finished.

    Args:
        deployment: The deployment.
        execution: The execution's id. If the execution runs or has succeeded, nothing happens.

    Raises:
        NotFoundError: If the execution does not exist.
        ExecutionError: If it can be neither redriven nor started again.
    """
    with calls(f"{title(deployment, execution)} cannot be resumed", ExecutionError):
        number, last = last_resume(deployment, execution)
        if last["status"] in {*RUNS, "SUCCEEDED"}:
            return
        unfinished = is_unfinished(last.get("error", ""), last.get("cause", ""))
        if unfinished or not _redrive(deployment, last["executionArn"]):
            start_again(deployment, execution, number + 1, last.get("input", "{}"))


def start_again(deployment: Deployment, execution: str, number: int, given: str) -> None:
    """Start a new execution with the id of one that has ended.

    Args:
        deployment: The deployment.
        execution: The execution's id.
        number: Which resume it is, from 1.
        given: The input of the execution, as JSON.
    """
    name = f"{execution}{RESUMED}{number}"
    if len(name) > LONGEST:
        msg = (
            f"{title(deployment, execution)} cannot be resumed: the name {name} would have {len(name)} characters, but "
            f"at most {LONGEST} are allowed. Start it with a shorter id"
        )
        raise ExecutionError(msg)
    written = json.dumps({**parse_object(given), STARTED_BY: "resume"})
    deployment.client().start_execution(stateMachineArn=deployment.state_machine_arn, name=name, input=written)


def _redrive(deployment: Deployment, arn: str) -> bool:
    """Redrive an execution, and return whether it was possible: not if another version is deployed now."""
    from botocore.exceptions import ClientError

    client: Any = deployment.client()
    begun = client.describe_state_machine_for_execution(executionArn=arn)
    now = client.describe_state_machine(stateMachineArn=deployment.state_machine_arn)
    if begun["definition"] != now["definition"]:
        return False
    try:
        client.redrive_execution(executionArn=arn)
    except ClientError as error:
        if error.response.get("Error", {}).get("Code") not in _NOT_REDRIVABLE:
            raise
        return False
    return True
