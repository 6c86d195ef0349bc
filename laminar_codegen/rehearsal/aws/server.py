"""The embedded AWS itself: moto's server on a free port, and what makes it run things.

What is in front of moto is made when a service is first called: importing one takes long.
"""

from __future__ import annotations

import atexit
import functools
import tempfile
import threading
from collections.abc import Callable, Mapping
from contextlib import ExitStack
from pathlib import Path
from typing import TYPE_CHECKING, Any, Self

from laminar_codegen.rehearsal.asl.real_time import RealClock
from laminar_codegen.rehearsal.aws.announcer import Announcer
from laminar_codegen.rehearsal.aws.api_calls import CallObserver, Calls
from laminar_codegen.rehearsal.aws.batch_attempts import AttemptRunner, Observer
from laminar_codegen.rehearsal.aws.batch_job import Job
from laminar_codegen.rehearsal.aws.batch_jobs import BatchJobs
from laminar_codegen.rehearsal.aws.clients import Clients, ignoring_configuration
from laminar_codegen.rehearsal.aws.clients import environment as sdk_environment
from laminar_codegen.rehearsal.aws.faults import Faults
from laminar_codegen.rehearsal.aws.job_secrets import JobSecrets
from laminar_codegen.rehearsal.aws.signatures import ACCOUNT
from laminar_codegen.rehearsal.aws.task_volumes import TaskVolumes
from laminar_codegen.rehearsal.aws.workspace import InvocationEvent, Workspace
from laminar_codegen.rehearsal.collection import collect_rarely
from laminar_codegen.rehearsal.credentials import Keyring
from laminar_codegen.rehearsal.permissions import Call, Facts, Guard, Roles
from laminar_runtime.process import processors

if TYPE_CHECKING:
    from wsgiref.types import WSGIApplication

    from laminar_codegen.rehearsal.aws.batch_api import BatchApi
    from laminar_codegen.rehearsal.aws.bucket_policies import S3Api
    from laminar_codegen.rehearsal.aws.event_bus import EventBus
    from laminar_codegen.rehearsal.aws.lambda_api import LambdaApi
    from laminar_codegen.rehearsal.aws.log_queries import LogQueries
    from laminar_codegen.rehearsal.aws.own_services import Service
    from laminar_codegen.rehearsal.aws.parameters import ParametersApi
    from laminar_codegen.rehearsal.aws.role_checks import JobRoles
    from laminar_codegen.rehearsal.aws.step_functions import StepFunctions
    from laminar_codegen.rehearsal.aws.topics import TopicsApi

_FUNCTIONS_PER_JOB = 4  # functions are short, and mostly wait

_entered = threading.Lock()


class EmbeddedAws:
    """AWS in this process, between entering and leaving it.

    workspace     what jobs and functions run in
    concurrency   how many jobs run at a time (the CPUs that this process may use), and four times as many functions
    directory     where logs are kept (a temporary one, removed at the end)
    observer      gets every change of every job's attempt, one at a time
    invocations   gets the begin and the end of every invocation of a function, one at a time
    calls         gets every call that the role of a state machine, job or function makes, one at a time
    faults        what goes wrong in AWS itself
    region        the default region
    enforces      whether roles may do only what their policies allow
    real_time     whether Wait states and the intervals of Retry take their time also while nothing else runs

    moto keeps one set of AWS accounts per process: there can be one of these at a time.
    """

    def __init__(  # noqa: PLR0913 - options of a public class, by keyword
        self,
        *,
        workspace: Workspace,
        concurrency: int | None = None,
        directory: Path | None = None,
        observer: Observer | None = None,
        invocations: Callable[[InvocationEvent], None] | None = None,
        calls: CallObserver | None = None,
        faults: Faults | None = None,
        region: str = "us-east-1",
        real_time: bool = False,
        enforces: bool = False,
    ) -> None:
        self.workspace = workspace
        self.region = region
        self._concurrency = concurrency or processors.available()
        self._directory = directory
        self._observer = observer
        self._invocations = invocations
        self._calls = Calls(calls)
        self._faults = faults or Faults()
        self._real_time = real_time
        self._enforces = enforces
        self._guard: Guard | None = None
        self._open = ExitStack()
        self._making = threading.Lock()
        self._serving = threading.Lock()

    endpoint_url: str
    """Where the AWS APIs are; set when entered."""

    logs: Path
    """The directory with the logs of jobs, functions and moto; set when entered."""

    environment: Mapping[str, str]
    """By which SDKs in other processes find the embedded AWS; set when entered."""

    def __enter__(self) -> Self:
        if not _entered.acquire(blocking=False):
            raise RuntimeError("an EmbeddedAws is already entered in this process")
        with ExitStack() as opening:
            opening.callback(_entered.release)
            opening.enter_context(collect_rarely())
            atexit.register(self.close)
            opening.callback(atexit.unregister, self.close)
            self._enter(opening)
            self._open = opening.pop_all()
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """Stop everything that runs and leave moto and this process as they were found."""
        self._open.close()

    def client(self, service: str) -> Any:
        """Return a botocore client of the embedded AWS."""
        return self._clients.get(service)

    @property
    def event_bus(self) -> EventBus:
        """The default event bus of the account."""
        from laminar_codegen.rehearsal.aws.event_bus import EventBus

        return EventBus(self._clients)

    def environment_of(self, role: str | None, place: str = "") -> Mapping[str, str]:
        """Return the variables by which SDKs in other processes find the embedded AWS, as a role.

        Args:
            role: The role's ARN, None for the owner of the account.
            place: Where in the flow they are used, for messages.
        """
        return sdk_environment(self.endpoint_url, self.region, self._keyring.issue(role, place).credentials)

    @property
    def guard(self) -> Guard:
        """What decides calls by the roles of the account."""
        with self._making:
            if self._guard is None:
                self._guard = Guard(Roles(self._clients.get("iam")), self._facts())
            return self._guard

    def _facts(self) -> Facts:
        return Facts(
            machine_of=lambda token: None if self._executions is None else self._executions.machine_of(token),
            key_of=functools.cache(self._key_of),
        )

    def _key_of(self, bucket: str) -> str | None:
        """Return the customer's key of a bucket, None if it has none."""
        client = self.client("s3")
        try:
            found = client.get_bucket_encryption(Bucket=bucket)
        except client.exceptions.ClientError:
            return None
        (rule,) = found["ServerSideEncryptionConfiguration"]["Rules"][:1]
        key: str | None = rule.get("ApplyServerSideEncryptionByDefault", {}).get("KMSMasterKeyID")
        return key

    def _role_checks(self, call: Call) -> tuple[str, str] | None:
        from laminar_codegen.rehearsal.aws.role_checks import RoleChecks

        return RoleChecks(self.guard)(call)

    def _job_roles(self) -> JobRoles | None:
        from laminar_codegen.rehearsal.aws.role_checks import JobRoles

        return JobRoles(self.guard, ACCOUNT) if self._enforces else None

    def await_execution(self, arn: str) -> None:
        """Wait for the end of an execution of a state machine, without asking for it again and again.

        Args:
            arn: The execution's ARN. If there is no such execution, or it has ended, this returns at once.
        """
        self._own_executions().await_end(arn)

    def reset(self) -> None:
        """Stop everything that runs and forget everything that was made."""
        from laminar_codegen.rehearsal.aws import http_server

        self._stop()
        for service in (self._batch, self._s3, self._parameters, self._log_queries):
            if service is not None:
                service.forget()
        http_server.forget()

    def _enter(self, opening: ExitStack) -> None:
        from laminar_codegen.rehearsal.aws import http_server

        self.logs = self._directory or Path(opening.enter_context(tempfile.TemporaryDirectory(prefix="embedded-aws-")))
        self.logs.mkdir(parents=True, exist_ok=True)
        opening.enter_context(http_server.logging_to(self.logs / "moto.log"))
        opening.enter_context(ignoring_configuration())
        self._clock = RealClock(skips=not self._real_time)
        self._clock.start_thread()
        opening.callback(self._clock.close)
        self._executions: StepFunctions | None = None
        self._batch: BatchApi | None = None
        self._lambda: LambdaApi | None = None
        self._s3: S3Api | None = None
        self._parameters: ParametersApi | None = None
        self._log_queries: LogQueries | None = None
        services: dict[str, Callable[[], Service]] = {
            "batch": self._own_batch,
            "lambda": self._own_lambda,
            "logs": self._own_log_queries,
            "s3": self._own_s3,
            "sns": self._own_topics,
            "ssm": self._own_parameters,
            "states": self._own_executions,
        }
        self._keyring = Keyring()
        serving = http_server.serving(services, self._calls, self._gate)
        self.endpoint_url, application = opening.enter_context(serving)
        self.environment = self.environment_of(None)
        self._clients = Clients(self.endpoint_url, self.region, self._keyring, application)
        self._jobs = self._make_jobs()
        opening.callback(self._jobs.close)
        opening.callback(self._stop)

    def _make_jobs(self) -> BatchJobs:
        runner = AttemptRunner(
            workspace=self.workspace,
            logs=self.logs / "jobs",
            aws_environment=self.environment_of,
            publish_log=self._publish_log,
            secrets=JobSecrets(self._clients),
            volumes=TaskVolumes(self.logs / "volumes", self.workspace.volumes),
            events=Announcer(self._observer),
            now=lambda: self._clock.milliseconds,
            faults=self._faults,
            roles=self._job_roles,
            check_log=self._check_log,
        )
        return BatchJobs(runner, self._clock, concurrency=self._concurrency)

    def _own_batch(self) -> BatchApi:
        from laminar_codegen.rehearsal.aws.batch_api import BatchApi

        with self._serving:
            if self._batch is None:
                self._batch = BatchApi(self._jobs)
            return self._batch

    def _own_lambda(self) -> LambdaApi:
        from laminar_codegen.rehearsal.aws.functions import Functions
        from laminar_codegen.rehearsal.aws.lambda_api import LambdaApi

        with self._serving:
            if self._lambda is None:
                runner = Functions(
                    workspace=self.workspace,
                    logs=self.logs / "functions",
                    aws_environment=self.environment_of,
                    concurrency=_FUNCTIONS_PER_JOB * self._concurrency,
                    events=Announcer(self._invocations),
                    clock=self._clock,
                    faults=self._faults,
                    roles=self._job_roles,
                    volumes=TaskVolumes(self.logs / "volumes", self.workspace.volumes),
                )
                self._lambda = LambdaApi(self._clients, runner)
            return self._lambda

    def _own_s3(self) -> S3Api:
        from laminar_codegen.rehearsal.aws.bucket_policies import S3Api

        with self._serving:
            if self._s3 is None:
                self._s3 = S3Api(self._clients)
            return self._s3

    def _own_parameters(self) -> ParametersApi:
        from laminar_codegen.rehearsal.aws.parameters import ParametersApi

        with self._serving:
            if self._parameters is None:
                self._parameters = ParametersApi()
            return self._parameters

    def _own_log_queries(self) -> LogQueries:
        from laminar_codegen.rehearsal.aws.log_queries import LogQueries

        with self._serving:
            if self._log_queries is None:
                self._log_queries = LogQueries()
            return self._log_queries

    def _own_topics(self) -> TopicsApi:
        from laminar_codegen.rehearsal.aws.topics import TopicsApi

        return TopicsApi(self._clients)

    def _own_executions(self) -> StepFunctions:
        from laminar_codegen.rehearsal.aws.step_functions import StepFunctions

        with self._serving:
            if self._executions is None:
                self._executions = StepFunctions(self._clock, self._clients, self._jobs)
            return self._executions

    def _gate(self, application: WSGIApplication) -> WSGIApplication:
        from laminar_codegen.rehearsal.aws.gate import Gate

        if not self._enforces:
            return Gate(application, self._keyring, None, None)
        return Gate(application, self._keyring, lambda: self.guard, self._role_checks)

    def _stop(self) -> None:
        if self._executions is not None:
            self._executions.stop_all()
        self._jobs.clear()

    def _check_log(self, job: Job) -> None:
        from laminar_codegen.rehearsal.aws import batch_api

        batch_api.check_log(job)

    def _publish_log(self, job: Job, stream: str, log: Path) -> None:
        from laminar_codegen.rehearsal.aws import batch_api

        batch_api.publish_log(self._calls, job, stream, log)
