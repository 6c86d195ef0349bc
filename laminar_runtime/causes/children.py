"""The descriptions of failed jobs: of a job itself, or of the failed children of an array job."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from laminar_runtime.failures.jobs import STOPPED_BY_DEPENDENCY
from laminar_runtime.limits import DESCRIBED_JOBS

__all__ = ["describe", "describe_rest", "in_camel_case"]

Detail = Mapping[str, Any]

#: The statuses of children that have not succeeded, those that may have run first.
_UNFINISHED = ("RUNNING", "FAILED", "STARTING", "RUNNABLE", "PENDING", "SUBMITTED")
#: How many children of a status are looked at.
_LISTED = 1_000


def describe(client: Any, job: str, known: Detail, most: int) -> tuple[list[Detail], int]:
    """Describe what failed of a job: the job itself, or the first of its failed children.

    Children that did not run, because a child of another job failed, are left out for that one.

    Args:
        client: The client of AWS Batch.
        job: The id of the job.
        known: Its description, if AWS Batch has forgotten it.
        most: How many children are described.

    Returns:
        The descriptions, and how many failed.
    """
    described = client.describe_jobs(jobs=[job])["jobs"]
    detail: Detail = described[0] if described else known
    if not (detail.get("arrayProperties") or {}).get("size"):
        return _of_dependencies(client, [detail], 1, detail, most) if detail else ([], 0)
    summary = detail["arrayProperties"].get("statusSummary") or {}
    ids = _failed_children(client, job, most)
    found = sorted(_describe(client, ids), key=lambda child: _number(str(child["jobId"])))
    return _of_dependencies(client, found or [detail], int(summary.get("FAILED", 0)) or 1, detail, most)


def describe_rest(client: Any, job: str, most: int) -> tuple[list[Detail], int]:
    """Describe the first children of an array job that have not succeeded, those that ran before those that did not.

    Args:
        client: The client of AWS Batch.
        job: The id of the job.
        most: How many children are described.

    Returns:
        The descriptions, and how many have not succeeded.
    """
    listed = [child for status in _UNFINISHED for child in _list(client, job, status, max(most, _LISTED))]
    listed.sort(key=lambda child: (not child.get("startedAt"), _number(str(child["jobId"]))))
    ids = [str(child["jobId"]) for child in listed[:most]]
    return sorted(_describe(client, ids), key=lambda child: _number(str(child["jobId"]))), len(listed)


def _of_dependencies(
    client: Any, found: list[Detail], count: int, detail: Detail, most: int
) -> tuple[list[Detail], int]:
    """Return what failed of the jobs that a job depends on, if that is why it did not run."""
    before = [item["jobId"] for item in detail.get("dependsOn") or [] if "jobId" in item]
    if not before or any(one.get("statusReason") != STOPPED_BY_DEPENDENCY for one in found):
        return found, count
    described = [describe(client, job, {}, most) for job in before]
    others = [one for listed, _ in described for one in listed]
    return (others[:most], sum(number for _, number in described)) if others else (found, count)


def _failed_children(client: Any, job: str, most: int) -> list[str]:
    """Return the ids of the first failed children of an array job."""
    listed = _list(client, job, "FAILED", max(most, DESCRIBED_JOBS))
    return sorted((str(child["jobId"]) for child in listed), key=_number)[:most]


def _list(client: Any, job: str, status: str, most: int) -> list[Detail]:
    """Return the summaries of the children of an array job with a status: at least so many, if there are."""
    found: list[Detail] = []
    for page in client.get_paginator("list_jobs").paginate(arrayJobId=job, jobStatus=status):
        found += page["jobSummaryList"]
        if len(found) >= most:
            break
    return found


def _describe(client: Any, ids: list[str]) -> list[Detail]:
    parts = [ids[at : at + DESCRIBED_JOBS] for at in range(0, len(ids), DESCRIBED_JOBS)]
    return [child for part in parts for child in client.describe_jobs(jobs=part)["jobs"]]


def _number(child: str) -> int:
    return int(child.rpartition(":")[2])


def in_camel_case(value: Any) -> Any:
    """Return a description as the API of AWS Batch spells it: a state machine spells it in Pascal case.

    Args:
        value: A JSON value.

    Example:
        >>> in_camel_case({"JobId": "1", "Container": {"ExitCode": 2}})
        {'jobId': '1', 'container': {'exitCode': 2}}
        >>> in_camel_case({"ArrayProperties": {"StatusSummary": {"FAILED": 3}}})
        {'arrayProperties': {'statusSummary': {'FAILED': 3}}}
    """
    match value:
        case dict():
            # The statuses of children are keys, too.
            return {
                name if name.isupper() else f"{name[:1].lower()}{name[1:]}": in_camel_case(item)
                for name, item in value.items()
            }
        case list():
            return [in_camel_case(item) for item in value]
        case _:
            return value
