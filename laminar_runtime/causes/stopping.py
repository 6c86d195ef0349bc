"""The jobs that an execution has submitted, to end those that go on after it was stopped."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

from laminar_runtime.causes.histories import History
from laminar_runtime.limits import DESCRIBED_JOBS

__all__ = ["stop_jobs"]

_ENDED = frozenset({"SUCCEEDED", "FAILED"})
#: How deep executions that state machines started are looked into.
_DEPTH = 5


def stop_jobs(client: Callable[[str], Any], arn: str, reason: str) -> list[str]:
    """Terminate the jobs of an execution that have not ended.

    Step Functions ends the jobs that a state waits for. Those that run item by item were submitted before.

    Args:
        client: Returns a client of a service of AWS.
        arn: The ARN of the execution.
        reason: Why they are terminated.

    Returns:
        The ids of the jobs that were terminated.
    """
    batch, ids = client("batch"), list(dict.fromkeys(_jobs(client("stepfunctions"), arn, _DEPTH)))
    found: list[str] = []
    for at in range(0, len(ids), DESCRIBED_JOBS):
        described = batch.describe_jobs(jobs=ids[at : at + DESCRIBED_JOBS])["jobs"]
        found += [job["jobId"] for job in described if job["status"] not in _ENDED]
    for job in found:
        batch.terminate_job(jobId=job, reason=reason)
    return found


def _jobs(states: Any, arn: str, depth: int) -> Iterator[str]:
    """Yield the ids of the jobs of an execution, and of those that it ran, by their histories."""
    for answer in History.read(states, arn).answers():
        if isinstance(answer.get("JobId"), str):
            yield answer["JobId"]
        nested = answer.get("ExecutionArn")
        if isinstance(nested, str) and depth:
            yield from _jobs(states, nested, depth - 1)
