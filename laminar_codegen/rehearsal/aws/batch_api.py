"""AWS Batch's API: moto keeps queues, compute environments and definitions; jobs are ours.

moto's own jobs run in Docker, or are only said to have succeeded. Each function here replaces one
of moto's responses; what is refused is refused with Batch's ClientException.
"""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from moto.batch.exceptions import ClientException
from moto.batch.responses import BatchResponse
from moto.logs.models import logs_backends

from laminar_codegen.limits import DESCRIBED_JOBS
from laminar_codegen.rehearsal.aws.api_calls import ApiCall, Calls
from laminar_codegen.rehearsal.aws.batch_containers import check_definition
from laminar_codegen.rehearsal.aws.batch_job import STATES, Job
from laminar_codegen.rehearsal.aws.batch_jobs import BatchJobs
from laminar_codegen.rehearsal.aws.patches import Patches
from laminar_codegen.rehearsal.batch_requests import (
    FARGATE,
    JobRequest,
    Queue,
    RefusedError,
    check_name,
    check_retry,
    check_timeout,
    make_request,
)

_LOG_GROUP = "/aws/batch/job"

_register_of_moto = BatchResponse.registerjobdefinition

Answer = dict[str, Any]


def install(patches: Patches, jobs: BatchJobs) -> None:
    """Have moto's Batch run jobs."""
    operations: dict[str, Callable[[BatchResponse, BatchJobs, Answer], Answer]] = {
        "submitjob": _submit,
        "describejobs": _describe,
        "listjobs": _list,
        "terminatejob": _terminate,
        "canceljob": _cancel,
    }
    for name, operation in operations.items():
        patches.attribute(BatchResponse, name, _responder(operation, jobs))
    patches.attribute(BatchResponse, "registerjobdefinition", _register)


def publish_log(calls: Calls, job: Job, stream: str, log: Path) -> None:
    """Copy an attempt's output to where the awslogs driver puts it, by the role that starts the container.

    A group that does not exist is made; on AWS the container would not start.
    """
    options = (job.request.container.get("logConfiguration") or {}).get("options") or {}
    group = options.get("awslogs-group", _LOG_GROUP)
    region = options.get("awslogs-region", job.request.region)
    backend: Any = logs_backends[job.request.account][region]
    backend.ensure_log_group(group)

    def tell(operation: str) -> None:
        if role := job.request.container.get("executionRoleArn"):
            parameters = {"logGroupName": group, "logStreamName": stream}
            calls.tell(
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
    tell("CreateLogStream")
    lines = log.read_text(errors="replace").splitlines()
    if lines:
        now = round(time.time() * 1000)  # not the clock of the executions: moto drops what is hours ahead
        events = [{"timestamp": now, "message": line or " "} for line in lines]
        backend.put_log_events(group, stream, events)
        tell("PutLogEvents")


def _responder(
    operation: Callable[[BatchResponse, BatchJobs, Answer], Answer], jobs: BatchJobs
) -> Callable[[BatchResponse], str]:
    def respond(self: BatchResponse) -> str:
        try:
            return json.dumps(operation(self, jobs, json.loads(self.body)))
        except RefusedError as error:
            raise ClientException(str(error)) from error

    return respond


def _submit(response: BatchResponse, jobs: BatchJobs, submitted: Answer) -> Answer:
    job = jobs.submit(_request(response, submitted))
    return {"jobArn": job.arn, "jobId": job.id, "jobName": job.request.name}


def _request(response: BatchResponse, submitted: Answer) -> JobRequest:
    backend: Any = response.batch_backend
    definition = backend.get_job_definition(submitted.get("jobDefinition"))
    if definition is None or definition.status != "ACTIVE":
        raise RefusedError(f"Job definition {submitted.get('jobDefinition')} is not active")
    if definition.container_properties is None:
        raise RefusedError("Only container jobs run here")
    queue = backend.get_job_queue(submitted.get("jobQueue"))
    if queue is None or queue.state != "ENABLED":
        raise RefusedError(f"Job queue {submitted.get('jobQueue')} is not enabled")
    described = definition.describe()
    _check_capacity(queue, described.get("platformCapabilities") or [])
    return make_request(
        submitted,
        described,
        Queue(queue.arn, queue.name, queue.environments[0].name),
        account=response.current_account,
        region=response.region,
    )


def _check_capacity(queue: Any, capabilities: Sequence[str]) -> None:
    """On AWS, a job for the other platform would never run. Unmanaged capacity is of no platform."""
    for environment in queue.environments:
        kind = (getattr(environment, "compute_resources", None) or {}).get("type", "")
        if kind and kind.startswith(FARGATE) != (FARGATE in capabilities):
            raise RefusedError(f"The capacity of the queue {queue.name} is {kind}: it does not run this job")


def _describe(_: BatchResponse, jobs: BatchJobs, asked: Answer) -> Answer:
    ids = asked.get("jobs") or []
    if len(ids) > DESCRIBED_JOBS:
        raise RefusedError(f"At most {DESCRIBED_JOBS} jobs can be described at once")
    return {"jobs": [job.describe() for job in jobs.find(ids)]}


def _list(_: BatchResponse, jobs: BatchJobs, asked: Answer) -> Answer:
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


def _terminate(_: BatchResponse, jobs: BatchJobs, asked: Answer) -> Answer:
    jobs.terminate(*_job_and_reason(asked))
    return {}


def _cancel(_: BatchResponse, jobs: BatchJobs, asked: Answer) -> Answer:
    jobs.cancel(*_job_and_reason(asked))
    return {}


def _job_and_reason(asked: Answer) -> tuple[str, str]:
    if not asked.get("jobId") or not asked.get("reason"):
        raise RefusedError("jobId and reason are required")
    return asked["jobId"], asked["reason"]


def _register(self: BatchResponse) -> str:
    """Moto checks neither the name nor the values of variables, retries and timeouts, nor what a platform offers."""
    asked = json.loads(self.body)
    try:
        check_name(asked.get("jobDefinitionName"), "Job definition name")
        check_definition(asked.get("containerProperties") or {}, asked.get("platformCapabilities") or [])
        check_retry(asked.get("retryStrategy") or {})
        check_timeout(asked.get("timeout") or {})
    except RefusedError as error:
        raise ClientException(str(error)) from error
    answer: str = _register_of_moto(self)
    return answer
