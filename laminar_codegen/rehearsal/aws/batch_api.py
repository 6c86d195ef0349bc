"""AWS Batch's API. What is refused is refused with Batch's ClientException.

https://docs.aws.amazon.com/batch/latest/APIReference/API_Operations.html
"""

from __future__ import annotations

import functools
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs

from laminar_codegen.limits import DESCRIBED_JOBS
from laminar_codegen.rehearsal.aws.api_calls import ApiCall, Calls
from laminar_codegen.rehearsal.aws.batch_attempts import LogError
from laminar_codegen.rehearsal.aws.batch_job import STATES, Job
from laminar_codegen.rehearsal.aws.batch_jobs import BatchJobs
from laminar_codegen.rehearsal.aws.batch_records import BatchRecords
from laminar_codegen.rehearsal.aws.own_services import Answer, Asked, Operation, Operations, ServiceError, answer_json
from laminar_codegen.rehearsal.batch_requests import FARGATE, JobRequest, RefusedError, make_request

__all__ = ["BatchApi", "publish_log"]

_LOG_GROUP = "/aws/batch/job"

Json = Mapping[str, Any]
_Operation = Callable[[BatchRecords, BatchJobs, Json], Any]


class BatchApi(Operations):
    """The operations of AWS Batch.

    Args:
        jobs: The jobs.
    """

    def __init__(self, jobs: BatchJobs) -> None:
        self._jobs = jobs
        self._lock = threading.Lock()
        self._records: dict[tuple[str, str], BatchRecords] = {}
        self.operations: Mapping[str, Operation] = {
            **{name: functools.partial(self._answer, operation) for name, operation in _OPERATIONS.items()},
            "UntagResource": self._untag,
        }

    def forget(self) -> None:
        """Forget everything but jobs."""
        with self._lock:
            self._records.clear()

    def _of(self, asked: Asked) -> BatchRecords:
        place = (asked.signature.account, asked.signature.region)
        with self._lock:
            return self._records.setdefault(place, BatchRecords(*place))

    def _answer(self, operation: _Operation, asked: Asked) -> Answer:
        try:
            return answer_json(operation(self._of(asked), self._jobs, asked.parameters) or {})
        except RefusedError as error:
            raise ServiceError("ClientException", str(error)) from error

    def _untag(self, asked: Asked) -> Answer:
        keys = parse_qs(asked.environ.get("QUERY_STRING", "")).get("tagKeys", [])

        def untag(records: BatchRecords, _: BatchJobs, given: Json) -> None:
            for key in keys:
                records.tags(given["resourceArn"]).pop(key, None)

        return self._answer(untag, asked)


def check_log(job: Job) -> None:
    """Check where an attempt's output is to go. Raises LogError."""
    from moto.logs.models import logs_backends

    _, region = _log_of(job)
    try:
        logs_backends[job.request.account][region]
    except KeyError:
        raise LogError(
            "CannotStartContainerError: failed to initialize logging driver: the option awslogs-region is "
            f"'{region}', which is not a region"
        ) from None


def _log_of(job: Job) -> tuple[str, str]:
    """Return the log group of a job's output, and its region."""
    options = (job.request.container.get("logConfiguration") or {}).get("options") or {}
    return options.get("awslogs-group", _LOG_GROUP), options.get("awslogs-region", job.request.region)


def publish_log(calls: Calls, job: Job, stream: str, log: Path) -> None:
    """Copy an attempt's output to where the awslogs driver puts it, by the role that starts the container.

    A group that does not exist is made; on AWS the container would not start.
    """
    from moto.logs.models import logs_backends

    group, region = _log_of(job)
    backend: Any = logs_backends[job.request.account][region]
    backend.ensure_log_group(group)

    def announce(operation: str) -> None:
        if role := job.request.container.get("executionRoleArn"):
            parameters = {"logGroupName": group, "logStreamName": stream}
            calls.announce(
                ApiCall(
                    principal=role,
                    service="logs",
                    region=region,
                    operation=operation,
                    parameters=parameters,
                    status=200,
                )
            )

    # Not through the API: requests would take longer than jobs that do little.
    backend.create_log_stream(group, stream)
    announce("CreateLogStream")
    lines = log.read_text(errors="replace").splitlines()
    if lines:
        now = round(time.time() * 1000)  # not the clock of the executions: moto drops what is hours ahead
        events = [{"timestamp": now, "message": line or " "} for line in lines]
        backend.put_log_events(group, stream, events)
        announce("PutLogEvents")


def _submit(records: BatchRecords, jobs: BatchJobs, given: Json) -> Json:
    job = jobs.submit(_request(records, given))
    return {"jobArn": job.arn, "jobId": job.id, "jobName": job.request.name}


def _request(records: BatchRecords, given: Json) -> JobRequest:
    named = given.get("jobDefinition", "")
    definition = records.definition(named)
    if definition is None or definition["status"] != "ACTIVE":
        raise RefusedError(f"Job definition {named} is not active")
    if "containerProperties" not in definition:
        raise RefusedError("Only container jobs run here")
    queue, environments = records.queue(given.get("jobQueue", ""), shared="shareIdentifier" in given)
    _check_capacity(queue.name, environments, definition.get("platformCapabilities") or [])
    return make_request(given, definition, queue, account=records.account, region=records.region)


def _check_capacity(queue: str, environments: Sequence[Json], capabilities: Sequence[str]) -> None:
    """On AWS, a job for the other platform would never run. Unmanaged capacity is of no platform."""
    for environment in environments:
        kind = environment.get("computeResources", {}).get("type", "")
        if kind and kind.startswith(FARGATE) != (FARGATE in capabilities):
            raise RefusedError(f"The capacity of the queue {queue} is {kind}: it does not run this job")


def _describe(_: BatchRecords, jobs: BatchJobs, asked: Json) -> Json:
    ids = asked.get("jobs") or []
    if len(ids) > DESCRIBED_JOBS:
        raise RefusedError(f"At most {DESCRIBED_JOBS} jobs can be described at once")
    return {"jobs": [job.describe() for job in jobs.find(ids)]}


def _list(_: BatchRecords, jobs: BatchJobs, asked: Json) -> Json:
    if parent := asked.get("arrayJobId"):
        listed = [child for job in jobs.find([parent]) for child in job.children]
    else:
        queue = asked.get("jobQueue")
        listed = [job for job in jobs.all() if queue in (job.request.queue.name, job.request.queue.arn)]
    status = asked.get("jobStatus")
    if status is not None and status not in STATES:
        raise RefusedError(f"Job status is not one of {', '.join(STATES)}")
    names = [
        name.rstrip("*")
        for wanted in asked.get("filters") or []
        if wanted.get("name") == "JOB_NAME"
        for name in wanted["values"]
    ]
    shown = [
        job.describe_short()
        for job in listed
        if (status is None or names or job.state == status) and (not names or job.request.name.startswith(tuple(names)))
    ]
    return {"jobSummaryList": shown}


def _terminate(_: BatchRecords, jobs: BatchJobs, asked: Json) -> Json:
    jobs.terminate(*_job_and_reason(asked))
    return {}


def _cancel(_: BatchRecords, jobs: BatchJobs, asked: Json) -> Json:
    jobs.cancel(*_job_and_reason(asked))
    return {}


def _job_and_reason(asked: Json) -> tuple[str, str]:
    if not asked.get("jobId") or not asked.get("reason"):
        raise RefusedError("jobId and reason are required")
    return asked["jobId"], asked["reason"]


def _tag(records: BatchRecords, _: BatchJobs, given: Json) -> None:
    records.tags(given["resourceArn"]).update(given["tags"])


#: The operations by their names.
_OPERATIONS: Mapping[str, _Operation] = {
    "SubmitJob": _submit,
    "DescribeJobs": _describe,
    "ListJobs": _list,
    "TerminateJob": _terminate,
    "CancelJob": _cancel,
    "RegisterJobDefinition": lambda records, _, given: records.register_definition(given),
    "DescribeJobDefinitions": lambda records, _, given: {"jobDefinitions": records.describe_definitions(given)},
    "DeregisterJobDefinition": lambda records, _, given: records.deregister_definition(given["jobDefinition"]),
    "CreateComputeEnvironment": lambda records, _, given: records.create_environment(given),
    "DescribeComputeEnvironments": lambda records, _, given: {
        "computeEnvironments": records.describe_environments(given)
    },
    "UpdateComputeEnvironment": lambda records, _, given: records.update_environment(given),
    "DeleteComputeEnvironment": lambda records, _, given: records.delete_environment(given),
    "CreateJobQueue": lambda records, _, given: records.create_queue(given),
    "DescribeJobQueues": lambda records, _, given: {"jobQueues": records.describe_queues(given)},
    "UpdateJobQueue": lambda records, _, given: records.update_queue(given),
    "DeleteJobQueue": lambda records, _, given: records.delete_queue(given),
    "CreateSchedulingPolicy": lambda records, _, given: records.create_policy(given),
    "DescribeSchedulingPolicies": lambda records, _, given: {"schedulingPolicies": records.policies(given["arns"])},
    "ListSchedulingPolicies": lambda records, _, __: {
        "schedulingPolicies": [{"arn": policy["arn"]} for policy in records.policies()]
    },
    "UpdateSchedulingPolicy": lambda records, _, given: records.update_policy(given),
    "DeleteSchedulingPolicy": lambda records, _, given: records.delete_policy(given["arn"]),
    "TagResource": _tag,
    "ListTagsForResource": lambda records, _, given: {"tags": records.tags(given["resourceArn"])},
}
