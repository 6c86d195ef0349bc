"""The descriptions of failed jobs: of a job itself, or of the failed children of an array job."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from laminar_runtime.failures.jobs import STOPPED_BY_DEPENDENCY
from laminar_runtime.limits import DESCRIBED_JOBS

__all__ = ["describe", "in_camel_case"]

Detail = Mapping[str, Any]


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
    parts = [ids[at : at + DESCRIBED_JOBS] for at in range(0, len(ids), DESCRIBED_JOBS)]
    found = [child for part in parts for child in client.describe_jobs(jobs=part)["jobs"]]
    found = sorted(found, key=lambda child: int(str(child["jobId"]).rpartition(":")[2]))
    return _of_dependencies(client, found or [detail], int(summary.get("FAILED", 0)) or 1, detail, most)


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
    found: list[str] = []
    for page in client.get_paginator("list_jobs").paginate(arrayJobId=job, jobStatus="FAILED"):
        found += [child["jobId"] for child in page["jobSummaryList"]]
        if len(found) >= max(most, DESCRIBED_JOBS):
            break
    found.sort(key=lambda child: int(child.rpartition(":")[2]))
    return found[:most]


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
