"""A client of deployed flows: find a flow by name, start it, wait for it. boto3 is loaded on use.

For each deployed flow Terraform creates an SSM parameter ``/laminar/<name>`` with the value
``{"state_machine_arn": ..., "datastore_root": ...}``.
"""

from __future__ import annotations

import functools
import itertools
import json
import os
import re
import sys
import time
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

from laminar_runtime import _records
from laminar_runtime.causes.texts import is_unfinished, parse_object
from laminar_runtime.exceptions import (
    AbortedError,
    DeploymentError,
    ExecutionError,
    ExecutionFailedError,
    FlowError,
    LaminarError,
    NotFoundError,
    TimeLimitError,
    WaitTimeoutError,
)
from laminar_runtime.identifiers import LONGEST, LONGEST_DEPLOYED, RESUMED, check_execution_id
from laminar_runtime.storage.layout import STORED

if TYPE_CHECKING:
    from mypy_boto3_stepfunctions.client import SFNClient
    from mypy_boto3_stepfunctions.type_defs import DescribeExecutionOutputTypeDef

    from laminar_runtime.failures.record import Failures

__all__ = ["Deployment", "parameter_name"]

#: Seconds between two polls of an execution: the first, and the longest.
_POLL = (0.1, 10.0)
#: The ARN of a state machine, and the root of a datastore, as the compiler writes them.
_MACHINE = r"arn:[a-z-]+:states:[a-z0-9-]+:[0-9]{12}:stateMachine:[^\s:]+"
_ROOT = r"s3://[a-z0-9][a-z0-9.-]{1,61}[a-z0-9](/\S*)?"
#: How many failures an error has.
_SHOWN = 10
#: The retries of a failed poll.
_RETRIES = 6
#: The errors of an execution that cannot be redriven, because it is too old or its history is too long:
#: https://docs.aws.amazon.com/step-functions/latest/apireference/API_RedriveExecution.html
_NOT_REDRIVABLE = {"ExecutionNotRedrivable", "ExecutionLimitExceeded"}


def parameter_name(deployment: str) -> str:
    """Return the name of the SSM parameter that describes a deployment.

    Args:
        deployment: The name of the deployment.

    Example:
        >>> parameter_name("nightly")
        '/laminar/nightly'
    """
    return f"/laminar/{deployment}"


@_records.frozen
class Deployment:
    """A deployment of a flow.

    Args:
        name: The name of the deployment.
        state_machine_arn: The ARN of its state machine.
        datastore_root: The root of its datastore, ``s3://bucket/prefix``.
        flows: The flows of a chain, in the order in which its state machine runs them; empty for a single flow.

    Example::

        Deployment.find("nightly").start("2026-01-01", parameters={"day": "2026-01-01"})
    """

    name: str
    state_machine_arn: str
    datastore_root: str
    flows: tuple[str, ...] = _records.field(default=(), converter=tuple)

    @classmethod
    def find(cls, name: str) -> Deployment:
        """Find a deployment in the account and region of the environment.

        Args:
            name: The name of the deployment.

        Returns:
            The deployment.

        Raises:
            DeploymentError: If it does not exist, or AWS cannot be called.
        """
        from botocore.exceptions import BotoCoreError, ClientError

        parameter = parameter_name(name)
        try:
            found = _client("ssm").get_parameter(Name=parameter)
        except ClientError as error:
            if error.response.get("Error", {}).get("Code") != "ParameterNotFound":
                raise _explain(f"cannot look up the deployment '{name}'", error, DeploymentError) from error
            msg = (
                f"no flow is deployed as '{name}' in this account and region: the SSM parameter {parameter} does not "
                "exist. Apply the Terraform that laminar-codegen compiled, or use the name of a deployment"
            )
            raise NotFoundError(msg) from None
        except BotoCoreError as error:
            raise DeploymentError(f"cannot look up the deployment '{name}': {error}") from error
        try:
            return cls(name, *_parse_parameter(found["Parameter"]["Value"]))
        except ValueError as error:
            msg = (
                f"the SSM parameter {parameter} does not describe a deployment: {error}. Apply the Terraform that "
                "laminar-codegen compiled again: it writes the parameter"
            )
            raise DeploymentError(msg) from error

    def start(self, execution: str, *, parameters: dict[str, Any] | None = None, stored: bool = False) -> None:
        """Start an execution of the state machine.

        If the flow declares its parameters, the first state of the execution checks them: their declaration is not
        known here. The output ``input_schema`` of the Terraform configuration has it for a check before the start.

        Args:
            execution: The execution's id, which is its name. If it runs already, nothing happens.
            parameters: The flow's parameters, as JSON values, if they are not in the datastore.
            stored: Whether the parameters are in the datastore. Only the state machine of a flow that declares its
                parameters needs it: it refuses an input that lacks them.

        Raises:
            DeploymentError: If the execution cannot be started.
            FlowError: If the id is not valid, or too long for the names of resumes, or the parameters are not JSON.
        """
        from botocore.exceptions import BotoCoreError, ClientError

        check_execution_id(execution, longest=LONGEST_DEPLOYED)
        given: dict[str, Any] = {STORED: True} if stored else {}
        if parameters is not None:
            given["parameters"] = parameters
        try:
            written = json.dumps(given, allow_nan=False)
        except (TypeError, ValueError) as error:
            raise FlowError(f"the parameters of execution {execution} of '{self.name}' are not JSON: {error}") from None
        try:
            self.client().start_execution(stateMachineArn=self.state_machine_arn, name=execution, input=written)
        except (BotoCoreError, ClientError) as error:
            raise _explain(f"{self._title(execution)} cannot be started", error, DeploymentError) from error

    def resume(self, execution: str) -> None:
        """Resume an execution that did not succeed, without the layers and splits that finished.

        If possible, Step Functions redrives the execution. It does so for 14 days, with the state machine of the start:
        https://docs.aws.amazon.com/step-functions/latest/dg/redrive-executions.html

        Otherwise a new execution is started with the same id and the name ``ID@resume-N``. Its tasks end at once if
        their layer or split has finished. This is also done if another version was deployed since, for example with a
        fix, and after an `UnfinishedError`: a redrive starts at the failed state, but the unfinished layer is before
        it.

        Args:
            execution: The execution's id. If the execution runs or has succeeded, nothing happens.

        Raises:
            ExecutionError: If the execution does not exist, or can be neither redriven nor started again.
        """
        from botocore.exceptions import BotoCoreError, ClientError

        client = self.client()
        try:
            number, last = self._last_resume(client, execution)
            if last["status"] in {"RUNNING", "SUCCEEDED", "PENDING_REDRIVE"}:
                return
            if is_unfinished(last.get("error", ""), last.get("cause", "")) or not self._redrive(
                client, last["executionArn"]
            ):
                name = f"{execution}{RESUMED}{number + 1}"
                if len(name) > LONGEST:
                    msg = (
                        f"execution {execution} of '{self.name}' cannot be resumed: the name {name} would have "
                        f"{len(name)} characters, but at most {LONGEST} are allowed. Start it with a shorter id"
                    )
                    raise ExecutionError(msg)
                client.start_execution(stateMachineArn=self.state_machine_arn, name=name, input=last.get("input", "{}"))
        except (BotoCoreError, ClientError) as error:
            raise _explain(f"{self._title(execution)} cannot be resumed", error, ExecutionError) from error

    def _redrive(self, client: SFNClient, arn: str) -> bool:
        """Redrive an execution, and return whether it was possible: not if another version is deployed now."""
        from botocore.exceptions import ClientError

        begun = client.describe_state_machine_for_execution(executionArn=arn)
        if begun["definition"] != client.describe_state_machine(stateMachineArn=self.state_machine_arn)["definition"]:
            return False
        try:
            client.redrive_execution(executionArn=arn)
        except ClientError as error:
            if error.response.get("Error", {}).get("Code") not in _NOT_REDRIVABLE:
                raise
            return False
        return True

    def _last_resume(self, client: SFNClient, execution: str) -> tuple[int, DescribeExecutionOutputTypeDef]:
        """Return the number of resumes of an execution, and the last of them, or the execution itself."""
        described = client.describe_execution(executionArn=self.execution_arn(execution))
        for number in itertools.count(1):
            name = f"{execution}{RESUMED}{number}"
            try:
                described = client.describe_execution(executionArn=self.execution_arn(name))
            except client.exceptions.ExecutionDoesNotExist:
                return number - 1, described
        raise AssertionError

    def wait(self, execution: str, *, timeout: float | None = None, flow: str = "") -> None:
        """Wait for the end of an execution.

        Args:
            execution: The execution's id.
            timeout: The maximum wait in seconds; None for no limit.
            flow: The flow's name. Without it, the failures are looked for in all flows of the datastore.

        Raises:
            WaitTimeoutError: If the execution did not end in time. It continues to run.
            TimeLimitError: If the execution ran longer than its flow may.
            ExecutionFailedError: If the execution did not succeed. It has the failures.
            ExecutionError: If the execution does not exist.
        """
        client, described = self.client(), self._describe(execution)
        end = None if timeout is None else time.monotonic() + timeout
        pause, longest = _POLL
        while described["status"] == "RUNNING":
            if end is not None and time.monotonic() >= end:
                msg = f"execution {execution} of '{self.name}' did not end within {timeout:g} seconds; it still runs"
                raise WaitTimeoutError(msg)
            left = longest if end is None else max(end - time.monotonic(), 0)
            time.sleep(min(pause, left))
            pause = min(pause * 1.5, longest)
            described = self._poll(client, execution, described["executionArn"])
        if described["status"] != "SUCCEEDED":
            raise self._failure(execution, described, flow)

    def failures(self, execution: str, *, flow: str = "", most: int = _SHOWN) -> Failures:
        """Return why an execution did not succeed, in the form that its tasks leave in the datastore.

        Args:
            execution: The execution's id.
            flow: The flow's name. Without it, the failures are looked for in all flows of the datastore.
            most: How many failures are read. All are counted.

        Returns:
            The failures: none if the execution succeeded, or runs.

        Raises:
            ExecutionError: If the execution does not exist, or cannot be described.
        """
        from laminar_runtime.failures.record import Failures

        last = self._describe(execution)
        if last["status"] in {"RUNNING", "SUCCEEDED", "PENDING_REDRIVE"}:
            return Failures()
        return self._read_failures(execution, last, flow, most)

    def _read_failures(
        self, execution: str, described: DescribeExecutionOutputTypeDef, flow: str, most: int = _SHOWN
    ) -> Failures:
        from laminar_runtime.causes.executions import Reader
        from laminar_runtime.causes.objects import S3Objects

        flows = (flow,) if flow and not self.flows else self.flows
        reader = Reader(self._client_of, S3Objects(self._client_of("s3"), self.datastore_root), execution, flows, most)
        error, cause = described.get("error", ""), described.get("cause", "")
        return reader.read(described["executionArn"], described["status"], error, cause)

    def status(self, execution: str) -> str:
        """Return how far an execution is.

        Args:
            execution: The execution's id.

        Returns:
            ``RUNNING``, ``SUCCEEDED``, ``FAILED``, ``TIMED_OUT``, ``ABORTED`` or ``PENDING_REDRIVE``. It is that of the
            last resume, if there is one.

        Raises:
            NotFoundError: If it does not exist.
            ExecutionError: If it cannot be described.
        """
        return str(self._describe(execution)["status"])

    def stop(self, execution: str, reason: str = "it was stopped by Deployment.stop") -> None:
        """Stop an execution, and the jobs that it has submitted.

        Args:
            execution: The execution's id. If it has ended, only jobs that it left are ended.
            reason: Why, for its description and those of its jobs.

        Raises:
            NotFoundError: If it does not exist.
            ExecutionError: If it, or one of its jobs, cannot be stopped.
        """
        from botocore.exceptions import BotoCoreError, ClientError

        from laminar_runtime.causes.stopping import stop_jobs

        described = self._describe(execution)
        try:
            if described["status"] in {"RUNNING", "PENDING_REDRIVE"}:
                self.client().stop_execution(executionArn=described["executionArn"], cause=reason)
            stop_jobs(self._client_of, described["executionArn"], reason)
        except (BotoCoreError, ClientError) as error:
            raise _explain(f"{self._title(execution)} cannot be stopped", error, ExecutionError) from error

    def logs(self, execution: str, layer: str, index: int = 0, *, flow: str = "") -> Iterator[str]:
        """Yield the output of a layer on AWS Batch, or of one split of it, of all attempts, from CloudWatch Logs.

        Args:
            execution: The execution's id.
            layer: The layer's name.
            index: The index of the split, from 0.
            flow: The flow's name, if the deployment is a chain of flows that have a layer of this name.

        Yields:
            The lines. None if the task has not run, or AWS Batch has forgotten its job.

        Raises:
            NotFoundError: If the execution does not exist.
            ExecutionError: If its history, its jobs or its output cannot be read.
        """
        from botocore.exceptions import BotoCoreError, ClientError

        from laminar_runtime.causes import logs
        from laminar_runtime.causes.objects import S3Objects

        arn, objects = self._describe(execution)["executionArn"], S3Objects(self._client_of("s3"), self.datastore_root)
        try:
            for group, stream in logs.find_streams(self._client_of, arn, (flow, layer), index, objects):
                yield from logs.only_split(logs.read_stream(self._client_of("logs"), group, stream), layer, index)
        except (BotoCoreError, ClientError) as error:
            what = f"the output of layer '{layer}' of {self._title(execution)} cannot be read"
            raise _explain(what, error, ExecutionError) from error

    def _describe(self, execution: str) -> DescribeExecutionOutputTypeDef:
        from botocore.exceptions import BotoCoreError, ClientError

        try:
            return self._last_resume(self.client(), execution)[1]
        except (BotoCoreError, ClientError) as error:
            raise _explain(self._title(execution), error, ExecutionError) from error

    def _title(self, execution: str) -> str:
        return f"execution {execution} of '{self.name}'"

    def _client_of(self, service: str) -> Any:
        return self.client() if service == "stepfunctions" else _client(service)

    def _failure(self, execution: str, described: DescribeExecutionOutputTypeDef, flow: str) -> ExecutionError:
        """Return the error of an execution that did not succeed."""
        from laminar_runtime.causes.time_limits import find_time_limit
        from laminar_runtime.failures.console import execution_link

        arn, status = described["executionArn"], described["status"]
        failures, link = self._read_failures(execution, described, flow), execution_link(arn)
        if (limited := find_time_limit(self.client(), arn)) is not None:
            error = TimeLimitError(f"{self._limit_message(execution, *limited)}\n{failures}\n{link}")
            error.failures = failures
            return error
        # The first line is what a log shows: it has the first failure.
        reasons = str(failures) if failures.shown[0].layer else str(failures).partition(": ")[2]
        lines = (
            f"execution {execution} of '{self.name}' ended {status}: {reasons}",
            link,
            f"Resume it with Deployment.find({self.name!r}).resume({execution!r})",
        )
        kind = AbortedError if status == "ABORTED" else ExecutionFailedError
        return kind("\n".join(lines), execution=execution, status=status, failures=failures, link=link)

    def _limit_message(self, execution: str, arn: str, seconds: int | None) -> str:
        within = "in time" if seconds is None else f"within {seconds} seconds, the timeout of the flow"
        return (
            f"execution {execution} of '{self.name}' did not end {within}, and its layers were stopped: {arn} timed "
            "out. If it needs more time, give the flow more, Flow(timeout=...), and deploy it again. Then resume it "
            f"with flow.execution('{execution}').resume(), which has the whole time again"
        )

    def _poll(self, client: SFNClient, execution: str, arn: str) -> DescribeExecutionOutputTypeDef:
        """Return the description of an execution. Transient errors are retried."""
        from botocore.exceptions import BotoCoreError, ClientError

        for left in range(_RETRIES, -1, -1):
            try:
                return client.describe_execution(executionArn=arn)
            except (BotoCoreError, ClientError) as error:
                # Imported here: it is for errors only.
                from laminar_runtime.causes.calls import is_transient

                if not left or not is_transient(error):
                    raise _explain(self._title(execution), error, ExecutionError) from error
                time.sleep(_POLL[0] * 2 ** (_RETRIES - left))
        raise AssertionError

    def execution_arn(self, execution: str) -> str:
        """Return the ARN of an execution.

        Args:
            execution: The execution's id.
        """
        return f"{self.state_machine_arn.replace(':stateMachine:', ':execution:')}:{execution}"

    def client(self) -> SFNClient:
        """Return a client of Step Functions with the credentials and the region of the environment."""
        client: SFNClient = self._client
        return client

    @functools.cached_property
    def _client(self) -> Any:
        return _client("stepfunctions")

    def __getstate__(self) -> dict[str, Any]:
        return {name: value for name, value in vars(self).items() if name != "_client"}


def _parse_parameter(text: str) -> tuple[str, str, tuple[str, ...]]:
    """Return the state machine, the root of the datastore and the flows of a deployment's SSM parameter.

    Raises:
        ValueError: If the value is not valid. A root that is a local path is refused. With it, anyone who can write the
            parameter could make an application write to a folder of its machine, and unpickle files from there.
    """
    value = parse_object(text)
    machine, root, flows = value.get("state_machine_arn"), value.get("datastore_root"), value.get("flows", [])
    if not (isinstance(machine, str) and re.fullmatch(_MACHINE, machine)):
        raise ValueError(f"its state_machine_arn {machine!r} is not the ARN of a state machine")
    if not (isinstance(root, str) and re.fullmatch(_ROOT, root)):
        raise ValueError(f"its datastore_root {root!r} does not have the form s3://bucket or s3://bucket/prefix")
    if not (isinstance(flows, list) and all(isinstance(flow, str) for flow in flows)):
        raise ValueError(f"its flows {flows!r} are not a list of names")
    return machine, root, tuple(flows)


def _client(service: str) -> Any:
    """Return a client of an AWS service, like `boto3.client`.

    It uses boto3's default session if the application has set one. Otherwise all clients share one session: the second
    client of a session takes a tenth of the time of the first one. boto3 itself need not be loaded.
    """
    default = getattr(sys.modules.get("boto3"), "DEFAULT_SESSION", None)
    if default is not None:
        return default.client(service)
    variables = tuple(sorted(item for item in os.environ.items() if item[0].startswith("AWS_")))
    return _session(variables).create_client(service)


@functools.lru_cache(maxsize=1)
def _session(_environment: tuple[tuple[str, str], ...]) -> Any:
    import botocore.session

    return botocore.session.get_session()


def _explain(what: str, error: Exception, default: type[DeploymentError | ExecutionError]) -> LaminarError:
    """Return the error of a failed call of AWS. The module that knows their kinds is loaded on use."""
    from laminar_runtime.causes.calls import explain

    return explain(what, error, default)
