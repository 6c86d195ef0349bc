"""The calls of state machines to AWS Batch: Python functions as jobs, with virtual durations and no limit of capacity.

https://docs.aws.amazon.com/step-functions/latest/dg/connect-batch.html, and for array jobs and their dependencies
https://docs.aws.amazon.com/batch/latest/userguide/array_jobs.html.
"""

from __future__ import annotations

import itertools
import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

import attrs

from laminar_codegen.rehearsal.asl.calls import Call, Handler, nothing, require
from laminar_codegen.rehearsal.asl.clock import AbortedError, Clock, Future
from laminar_codegen.rehearsal.asl.errors import TASK_FAILED, NamedError
from laminar_codegen.rehearsal.batch_requests import Dependency, RefusedError
from laminar_codegen.rehearsal.simulated.jobs import Attempt, Job, JobResult, request_of

__all__ = ["BatchJobs"]

_DEPENDENCY_FAILED = "Dependent Job failed"
_STOPPED = "The task was stopped with its execution"
#: Jobs on a page of a list: https://docs.aws.amazon.com/batch/latest/APIReference/API_ListJobs.html
_PAGE = 100
_TIMED_OUT = JobResult(exit_code=137, status_reason="Job attempt duration exceeded timeout")


def _succeed(_: Attempt) -> None:
    """Succeed, which is the default behaviour of jobs."""


@attrs.define
class BatchJobs:
    """All jobs.

    Args:
        run: Is called when an attempt of a job ends, unless it is terminated or times out before. It returns the
            result, or None for success.
        seconds: Is called when an attempt starts. It returns its duration.
        definitions: Job definitions as Batch describes them, by their names in states. An unknown definition accepts
            any size of a job.
        attempts: The attempts so far, in the order of their starts.
        jobs: The jobs so far by their ids, including children of array jobs.
    """

    run: Callable[[Attempt], JobResult | None] = _succeed
    seconds: Callable[[Attempt], float] = nothing
    definitions: Mapping[str, Mapping[str, Any]] = attrs.field(factory=dict)
    attempts: list[Attempt] = attrs.field(factory=list)
    jobs: dict[str, Job] = attrs.field(factory=dict)
    _numbers: Iterator[int] = attrs.field(factory=lambda: itertools.count(1))

    def handlers(self) -> Mapping[str, Handler]:
        """Return the handlers by integration."""
        return {
            "batch:submitJob": self._submit,
            "batch:submitJob.sync": self._submit_and_wait,
            "aws-sdk:batch:submitJob": self._submit,
            "aws-sdk:batch:describeJobs": self._describe,
            "aws-sdk:batch:listJobs": self._list,
            "aws-sdk:batch:terminateJob": self._terminate,
        }

    def terminate(self, job: Job, reason: str) -> None:
        """End a job in any state, and an array job with all its children."""
        if not job.over.done:
            job.status_reason = reason
        for unit in job.units:
            if unit.process is not None:
                unit.process.abort()
            unit.end(succeeded=False, reason=reason)

    def _submit(self, call: Call) -> Any:
        job = self._take(call)
        return {key: job.detail()[key] for key in ("JobArn", "JobId", "JobName")}

    async def _submit_and_wait(self, call: Call) -> Any:
        job = self._take(call)
        call.submitted()
        try:
            succeeded = await job.over
        except AbortedError:
            self.terminate(job, _STOPPED)
            raise
        if not succeeded:
            raise NamedError(TASK_FAILED, json.dumps(job.detail(), separators=(",", ":")))
        return job.detail()

    def _describe(self, call: Call) -> Any:
        (names,) = require(call, "Jobs")
        return {"Jobs": [self.jobs[name].detail() for name in names if name in self.jobs]}

    def _list(self, call: Call) -> Any:
        """Return a page of the jobs of a queue with a name prefix, newest first, without children of array jobs.

        https://docs.aws.amazon.com/batch/latest/APIReference/API_ListJobs.html
        """
        queue, filters = require(call, "JobQueue", "Filters", known=("NextToken",))
        (wanted,) = (value.removesuffix("*").lower() for item in filters for value in item["Values"])
        found = [
            {name: job.detail()[name] for name in ("JobId", "JobName", "Status", "CreatedAt")}
            for job in reversed(self.jobs.values())
            if job.parent is None and job.request.queue.arn == queue and job.request.name.lower().startswith(wanted)
        ]
        start = int(call.arguments.get("NextToken", 0))
        further = {"NextToken": str(start + _PAGE)} if len(found) > start + _PAGE else {}
        return {"JobSummaryList": found[start : start + _PAGE], **further}

    def _terminate(self, call: Call) -> Any:
        name, reason = require(call, "JobId", "Reason")
        if name in self.jobs:
            self.terminate(self.jobs[name], reason)
        return {}

    def _take(self, call: Call) -> Job:
        try:
            request = request_of(call, self.definitions)
            job = Job(f"job-{next(self._numbers)}", request, call.clock)
            job.children = tuple(
                Job(f"{job.id}:{index}", request, call.clock, index, job) for index in range(request.array_size or 0)
            )
            blockers = [self._blockers(unit) for unit in job.units]
        except RefusedError as error:
            raise NamedError("Batch.ClientException", f"Error executing request, Exception : {error}") from error
        self.jobs.update({unit.id: unit for unit in (job, *job.children)})
        for unit, before in zip(job.units, blockers, strict=True):
            unit.process = call.clock.start(self._live(unit, before))
        return job

    def _blockers(self, unit: Job) -> list[Job]:
        """Return the jobs that must succeed before a job or child may start."""
        found = [self._blocker(unit, dependency) for dependency in unit.request.dependencies]
        return [job for job in found if job is not None]

    def _blocker(self, unit: Job, dependency: Dependency) -> Job | None:
        if dependency.kind == "SEQUENTIAL":
            if unit.parent is None or unit.index is None:
                raise RefusedError("A SEQUENTIAL dependency is for array jobs")
            return unit.parent.children[unit.index - 1] if unit.index else None
        job = self.jobs.get(dependency.job_id or "")
        if job is None:
            raise RefusedError(f"The job {dependency.job_id} to depend on does not exist")
        if dependency.kind != "N_TO_N":
            return job
        if unit.index is None or len(job.children) != unit.request.array_size:
            raise RefusedError("An N_TO_N dependency is between array jobs of the same size")
        return job.children[unit.index]

    async def _live(self, job: Job, blockers: Sequence[Job]) -> None:
        """Run a job or a child from its submission to its end."""
        if not await _all_succeed(job.clock, blockers):
            job.end(succeeded=False, reason=_DEPENDENCY_FAILED)
            return
        job.state = "RUNNING"
        for number in itertools.count(1):
            result = await self._attempt(job, number)
            again = result is not _TIMED_OUT and job.request.retry.retries(
                number, result.exit_code, result.reason, result.status_reason
            )
            if result.succeeded or not again:
                job.end(succeeded=result.succeeded, reason=result.status_reason)
                return

    async def _attempt(self, job: Job, number: int) -> JobResult:
        attempt = Attempt(job, number, job.clock.now)
        self.attempts.append(attempt)
        job.attempts.append(attempt)
        seconds, timeout = self.seconds(attempt), job.request.timeout
        timed_out = timeout is not None and seconds > timeout
        try:
            await job.clock.sleep(timeout if timeout is not None and timed_out else seconds)
        except AbortedError:
            attempt.ended, attempt.outcome = job.clock.now, "TERMINATED"
            raise
        result = _TIMED_OUT if timed_out else self.run(attempt) or JobResult()
        attempt.ended, attempt.result = job.clock.now, result
        attempt.outcome = "TIMED_OUT" if timed_out else "SUCCEEDED" if result.succeeded else "FAILED"
        return result


async def _all_succeed(clock: Clock, jobs: Sequence[Job]) -> bool:
    """Wait until all jobs have succeeded or one has failed, and return whether all succeeded."""
    over: Future[bool] = Future(clock)

    def look() -> None:
        if any(job.state == "FAILED" for job in jobs):
            over.succeed(value=False)
        elif all(job.over.done for job in jobs):
            over.succeed(value=True)

    for job in jobs:
        job.over.add_callback(look)
    return await over if jobs else True
