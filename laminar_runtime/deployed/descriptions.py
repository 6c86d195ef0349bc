"""What Step Functions knows of an execution: of its last resume, or of itself if it was not resumed."""

from __future__ import annotations

import itertools
from typing import TYPE_CHECKING, Any

from laminar_runtime.deployed.clients import calls
from laminar_runtime.exceptions import ExecutionError
from laminar_runtime.identifiers import RESUMED

if TYPE_CHECKING:
    from mypy_boto3_stepfunctions.type_defs import DescribeExecutionOutputTypeDef

    from laminar_runtime.deployed.deployment import Deployment

__all__ = ["RUNS", "describe", "is_running", "last_resume", "starts", "title"]

#: The statuses of executions that have not ended: https://docs.aws.amazon.com/step-functions/latest/apireference/API_DescribeExecution.html
RUNS = frozenset({"RUNNING", "PENDING_REDRIVE"})


def title(deployment: Deployment, execution: str) -> str:
    """Return what an execution is called in messages.

    Args:
        deployment: The deployment.
        execution: The execution's id.
    """
    return f"execution {execution} of '{deployment.name}'"


def last_resume(deployment: Deployment, execution: str) -> tuple[int, DescribeExecutionOutputTypeDef]:
    """Return the number of resumes of an execution, and the last of them, or the execution itself.

    Args:
        deployment: The deployment.
        execution: The execution's id.
    """
    client = deployment.client()
    described = client.describe_execution(executionArn=deployment.execution_arn(execution))
    for number in itertools.count(1):
        arn = deployment.execution_arn(f"{execution}{RESUMED}{number}")
        try:
            described = client.describe_execution(executionArn=arn)
        except client.exceptions.ExecutionDoesNotExist:
            return number - 1, described
    raise AssertionError


def starts(deployment: Deployment, execution: str) -> list[str]:
    """Return the ARNs of the start of an execution and of its resumes, the first one first.

    Args:
        deployment: The deployment.
        execution: The execution's id.
    """
    resumes, _ = last_resume(deployment, execution)
    names = [execution, *(f"{execution}{RESUMED}{number}" for number in range(1, resumes + 1))]
    return [*map(deployment.execution_arn, names)]


def describe(deployment: Deployment, execution: str) -> DescribeExecutionOutputTypeDef:
    """Describe an execution by its last resume.

    Args:
        deployment: The deployment.
        execution: The execution's id.

    Raises:
        NotFoundError: If it does not exist.
        AccessDeniedError: If a permission is missing.
        ExecutionError: If it cannot be described otherwise.
    """
    with calls(title(deployment, execution), ExecutionError):
        return last_resume(deployment, execution)[1]


def is_running(described: Any) -> bool:
    """Return whether an execution has not ended.

    Args:
        described: Its description.
    """
    return described["status"] in RUNS
