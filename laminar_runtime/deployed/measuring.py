"""When the attempts of an execution of a deployed flow ran, and what they cost."""

from __future__ import annotations

from typing import TYPE_CHECKING

from laminar_runtime.causes.attempts import Attempts
from laminar_runtime.costs import Cost, price
from laminar_runtime.deployed.clients import calls
from laminar_runtime.deployed.descriptions import last_resume, starts
from laminar_runtime.exceptions import ExecutionError
from laminar_runtime.timings import Timings

if TYPE_CHECKING:
    from laminar_runtime.deployed.execution import DeployedExecution

__all__ = ["measure"]


def measure(execution: DeployedExecution) -> tuple[Timings, Cost]:
    """Read the times of an execution, of its start and of its resumes, and what it cost.

    Args:
        execution: The execution.

    Raises:
        NotFoundError: If it does not exist.
        ExecutionError: If its history or its jobs cannot be read.
    """
    timings, transitions = _read(execution)
    return timings, price(timings, transitions)


def _read(execution: DeployedExecution) -> tuple[Timings, int]:
    """Return the times of an execution, and its state transitions."""
    deployment = execution.deployment
    with calls(f"the times of {execution.title} cannot be read", ExecutionError):
        resumes, last = last_resume(deployment, execution.id)
        first = deployment.client().describe_execution(executionArn=execution.arn) if resumes else last
        region = deployment.state_machine_arn.split(":")[3]
        reader = Attempts(deployment.clients, execution.objects, region, execution.known_flow)
        attempts = reader.read(starts(deployment, execution.id))
    stopped = last.get("stopDate")
    timings = Timings(
        flow=_flow_of(execution, {one.flow for one in attempts}),
        execution=execution.id,
        status=execution.status_of(last),
        created=round(first["startDate"].timestamp() * 1000),
        stopped=None if stopped is None else round(stopped.timestamp() * 1000),
        attempts=attempts,
        notes=reader.notes,
    )
    return timings, reader.transitions


def _flow_of(execution: DeployedExecution, found: set[str]) -> str:
    """Return the flow's name: that of the code, or of the only flow that tasks name; else that of the deployment."""
    named = found - {""}
    return execution.known_flow or (named.pop() if len(named) == 1 else execution.flow_name)
