"""One attempt of a Batch job: its command as a local process.

The process has the environment, and ends as the container would have ended.
"""

from __future__ import annotations

import json
import logging
import uuid
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any, Self

import attrs

from laminar_codegen.limits import OVERRIDES_LENGTH
from laminar_codegen.rehearsal.aws.announcer import Announcer
from laminar_codegen.rehearsal.aws.batch_job import Attempt, Job
from laminar_codegen.rehearsal.aws.clients import RoleEnvironment
from laminar_codegen.rehearsal.aws.faults import Faults
from laminar_codegen.rehearsal.aws.job_secrets import JobSecrets, SecretError
from laminar_codegen.rehearsal.aws.process import LocalProcess
from laminar_codegen.rehearsal.aws.task_volumes import TaskVolumes
from laminar_codegen.rehearsal.aws.workspace import JobEvent, JobStatus, Workspace

if TYPE_CHECKING:
    from laminar_codegen.rehearsal.aws.role_checks import JobRoles

Observer = Callable[[JobEvent], None]
PublishLog = Callable[[Job, str, Path], None]
Begin = Callable[[Job, int], None]

_logger = logging.getLogger("moto")
_CREDENTIALS = frozenset({"AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_SESSION_TOKEN"})
_EXITED = "Essential container in task exited"
_NOT_STARTED = "Task failed to start"
_TIMED_OUT = "Job attempt duration exceeded timeout"


class OverridesError(Exception):
    """Overrides that are too long: the container does not start."""


class LogError(Exception):
    """A log that cannot be written: the container does not start."""


@attrs.frozen
class AttemptEnd:
    """How an attempt ended, and whether that ends the job whatever its retry strategy says."""

    attempt: Attempt
    succeeded: bool
    is_final: bool

    def terminate(self, reason: str) -> Self:
        """Return the same end, of a job that somebody terminated."""
        attempt = attrs.evolve(self.attempt, status_reason=reason)
        return attrs.evolve(self, attempt=attempt, succeeded=False, is_final=True)


@attrs.define
class AttemptRunner:
    """Runs attempts in a workspace.

    publish_log  takes the job, the log stream's name and the file once an attempt has ended
    faults       what goes wrong before a container starts
    roles        says why a container does not start for its roles' sake, if roles are limited
    now          the time in milliseconds since the epoch
    check_log    raises LogError if the log of a container cannot be written
    """

    workspace: Workspace
    logs: Path
    aws_environment: RoleEnvironment
    publish_log: PublishLog
    secrets: JobSecrets
    volumes: TaskVolumes
    events: Announcer[JobEvent]
    now: Callable[[], int]
    faults: Faults = attrs.field(factory=Faults)
    roles: Callable[[], JobRoles | None] = lambda: None
    check_log: Callable[[Job], None] = lambda _: None

    def run(self, job: Job, attempt: int, begin: Begin) -> AttemptEnd:
        """Run an attempt to its end; `begin` is called when its process runs."""
        started = self.now()
        try:
            return self._run(job, attempt, begin)
        except Exception as error:
            # The job ends, whatever is wrong here: nobody waits for it forever.
            _logger.exception("an attempt of %s", job.request.name)
            reason = f"the embedded AWS failed, which is not the flow's fault: {type(error).__name__}: {error}"
            return self._end(None, started, None, _NOT_STARTED, reason)

    def _run(self, job: Job, attempt: int, begin: Begin) -> AttemptEnd:
        log = job.log_path(self.logs, attempt)
        stream = _stream(job)
        self._announce(job, attempt, "STARTING", log)
        started = self.now()
        failure = self.faults.start(job.request.name, job.index, attempt)
        if failure is not None:
            return self._end(failure.exit_code, started, None, failure.status_reason, failure.reason)
        roles = self.roles()
        if roles is not None:
            failure = roles.refusal(job.request.container, job.request.region, stream, _place(job))
            if failure is not None:
                return self._end(None, started, None, failure.status_reason, failure.reason)
        try:
            if stream is not None:
                self.check_log(job)
            process = self._start(job, attempt, log)
        except OSError as error:
            return self._end(None, started, stream, _NOT_STARTED, f"CannotStartContainerError: {error}")
        except (LogError, OverridesError, SecretError) as error:
            return self._end(None, started, stream, _NOT_STARTED, str(error))
        job.process = process
        begin(job, started)
        self._announce(job, attempt, "RUNNING", log)
        code = process.wait(job.request.timeout)
        if stream is not None:
            self.publish_log(job, stream, log)
        return self._end(code, started, stream, _TIMED_OUT if process.timed_out else _EXITED)

    def announce_end(self, job: Job, attempt: int, end: AttemptEnd) -> None:
        """Announce how an attempt ended."""
        self._announce(
            job,
            attempt,
            "SUCCEEDED" if end.succeeded else "FAILED",
            job.log_path(self.logs, attempt),
            end.attempt,
        )

    def _start(self, job: Job, attempt: int, log: Path) -> LocalProcess:
        _check_overrides(job.request.overrides)
        secrets = self.secrets.values(job.request.container, job.request.region)
        command = self.workspace.command(job.request.command)
        if not command:
            raise FileNotFoundError("the job has no command, and there is no image to have one")
        role = job.request.container.get("jobRoleArn")
        return LocalProcess.start(
            command,
            directory=self.workspace.directory,
            environment=self.workspace.process_environment(
                job.request.environment,
                self.volumes.variables(job.request.container, job.request.environment),
                secrets,
                self._credentials(role, job),
                _batch_environment(job, attempt),
            ),
            log=log,
        )

    def _credentials(self, role: str | None, job: Job) -> Mapping[str, str]:
        """Return how a job finds the embedded AWS: without a role it has no credentials, where roles are held."""
        found = self.aws_environment(role, _place(job))
        if role or self.roles() is None:
            return found
        return {name: value for name, value in found.items() if name not in _CREDENTIALS}

    def _end(
        self, code: int | None, started: int, stream: str | None, status_reason: str, reason: str | None = None
    ) -> AttemptEnd:
        attempt = Attempt(
            exit_code=code,
            status_reason=status_reason,
            reason=reason,
            started=started,
            stopped=self.now(),
            log_stream=stream,
        )
        timed_out = status_reason == _TIMED_OUT
        return AttemptEnd(attempt, succeeded=code == 0 and not timed_out, is_final=timed_out)

    def _announce(self, job: Job, attempt: int, status: JobStatus, log: Path, end: Attempt | None = None) -> None:
        event = JobEvent(
            job_id=job.id,
            job_name=job.request.name,
            index=job.index,
            attempt=attempt,
            status=status,
            exit_code=None if end is None else end.exit_code,
            reason=None if end is None else end.reason or end.status_reason,
            log=log,
            variables=job.request.environment,
        )
        self.events.announce(event)


def _stream(job: Job) -> str | None:
    """Where the output goes in CloudWatch, if it goes there."""
    configuration = job.request.container.get("logConfiguration") or {}
    if configuration.get("logDriver", "awslogs") != "awslogs":
        return None
    prefix = (configuration.get("options") or {}).get("awslogs-stream-prefix", job.request.definition)
    return f"{prefix}/default/{uuid.uuid4().hex}"


def _place(job: Job) -> str:
    return f"job {job.request.name}" if job.index is None else f"job {job.request.name}[{job.index}]"


def _check_overrides(overrides: Mapping[str, Any]) -> None:
    """ECS takes no more; Batch finds out when it starts the task."""
    if len(json.dumps(overrides, separators=(",", ":"))) > OVERRIDES_LENGTH:
        raise OverridesError(f"Container Overrides length must be at most {OVERRIDES_LENGTH}")


def _batch_environment(job: Job, attempt: int) -> dict[str, str]:
    environment = {
        "AWS_BATCH_JOB_ID": job.id,
        "AWS_BATCH_JOB_ATTEMPT": str(attempt),
        "AWS_BATCH_JQ_NAME": job.request.queue.name,
        "AWS_BATCH_CE_NAME": job.request.queue.compute_environment,
    }
    if job.index is not None:
        environment["AWS_BATCH_JOB_ARRAY_INDEX"] = str(job.index)
    return environment
