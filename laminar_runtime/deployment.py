"""Deployed flows: found by name, started, waited for. boto3 is loaded on use.

Terraform leaves a parameter in the SSM Parameter Store for each deployed flow, named ``/laminar/<name>``, which holds
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
from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Any

from laminar_runtime import _records, task_environment
from laminar_runtime.exceptions import DeploymentError, ExecutionError, UnfinishedError, WaitTimeoutError
from laminar_runtime.identifiers import LONGEST, LONGEST_DEPLOYED, RESUMED, check_execution_id

if TYPE_CHECKING:
    from mypy_boto3_stepfunctions.client import SFNClient
    from mypy_boto3_stepfunctions.type_defs import DescribeExecutionOutputTypeDef, HistoryEventTypeDef

__all__ = ["Deployment", "parameter_name"]

#: Seconds between two looks at an execution: at first, and at most.
_POLL = (0.1, 10.0)
#: The state machine and the datastore of a deployment, as what is compiled has them.
_MACHINE = r"arn:[a-z-]+:states:[a-z0-9-]+:[0-9]{12}:stateMachine:[^\s:]+"
_ROOT = r"s3://[a-z0-9][a-z0-9.-]{1,61}[a-z0-9](/\S*)?"
#: How often an execution is looked at again where that fails, and the HTTP status codes of troubles that pass.
_ASKED, _PASSING = 6, {429, 500, 502, 503, 504}
#: How Step Functions says that an execution cannot be redriven: it is too old, or has too long a history.
_NOT_REDRIVABLE = {"ExecutionNotRedrivable", "ExecutionLimitExceeded"}


def parameter_name(deployment: str) -> str:
    """The name of the SSM parameter that describes a deployment.

    Args:
        deployment: The name that the flow was deployed under.
    """
    return f"/laminar/{deployment}"


@_records.frozen
class Deployment:
    """One deployment of a flow.

    Args:
        name: The name that it was deployed under.
        state_machine_arn: Its state machine.
        datastore_root: Where its artifacts are, ``s3://bucket/prefix``.
        flows: The flows that its state machine runs one after the other, if they are several.
    """

    name: str
    state_machine_arn: str
    datastore_root: str
    flows: tuple[str, ...] = _records.field(default=(), converter=tuple)

    @classmethod
    def find(cls, name: str) -> Deployment:
        """Find a deployment in the account and region of the environment.

        Args:
            name: The name that the flow was deployed under.

        Raises:
            DeploymentError: If there is none, or it cannot be asked for.
        """
        from botocore.exceptions import BotoCoreError, ClientError

        parameter = parameter_name(name)
        try:
            found = _client("ssm").get_parameter(Name=parameter)
        except ClientError as error:
            if error.response.get("Error", {}).get("Code") != "ParameterNotFound":
                raise DeploymentError(f"the deployment '{name}' cannot be looked up: {error}") from error
            msg = (
                f"no flow is deployed as '{name}' in this account and region: there is no SSM parameter {parameter}. "
                "Apply what laminar-codegen compiled, or give the name it was deployed under"
            )
            raise DeploymentError(msg) from None
        except BotoCoreError as error:
            raise DeploymentError(f"the deployment '{name}' cannot be looked up: {error}") from error
        try:
            return cls(name, *_described(found["Parameter"]["Value"]))
        except ValueError as error:
            msg = (
                f"the SSM parameter {parameter} does not describe a deployment: {error}. Apply again what "
                "laminar-codegen compiled, which writes it"
            )
            raise DeploymentError(msg) from error

    def start(self, execution: str, *, parameters: dict[str, Any] | None = None) -> None:
        """Start an execution of the state machine.

        Args:
            execution: The execution's id, which becomes its name. While it runs, starting it again does nothing.
            parameters: The flow's parameters, if they are not in the datastore: plain JSON values.

        Raises:
            DeploymentError: If it cannot be started.
            FlowError: If the id is none, or so long that resumes of it could not be named.
        """
        from botocore.exceptions import BotoCoreError, ClientError

        check_execution_id(execution, longest=LONGEST_DEPLOYED)
        given = {} if parameters is None else {"parameters": parameters}
        try:
            self.client().start_execution(
                stateMachineArn=self.state_machine_arn, name=execution, input=json.dumps(given)
            )
        except (BotoCoreError, ClientError) as error:
            raise DeploymentError(f"execution {execution} of '{self.name}' cannot be started: {error}") from error

    def resume(self, execution: str) -> None:
        """Have an execution that ended without success go on, without the layers and splits that finished.

        Step Functions redrives it, if it can: for 14 days, with the state machine that it was started with
        (https://docs.aws.amazon.com/step-functions/latest/dg/redrive-executions.html). Else, and if another version was
        deployed since, such as one that is mended, a new execution is started under the same id, with a mark and a
        number behind its name, in whose tasks what finished ends at once. So it is after an `UnfinishedError`: what is
        to run again is before the state that failed, where a redrive would begin.

        Args:
            execution: The execution's id. If it runs, or succeeded, nothing is done.

        Raises:
            ExecutionError: If nothing is known of it, or it can be neither redriven nor started again.
        """
        from botocore.exceptions import BotoCoreError, ClientError

        client = self.client()
        try:
            number, last = self._last(client, execution)
            if last["status"] in {"RUNNING", "SUCCEEDED", "PENDING_REDRIVE"}:
                return
            if _unfinished(last.get("error", ""), last.get("cause", "")) or not self._redriven(
                client, last["executionArn"]
            ):
                name = f"{execution}{RESUMED}{number + 1}"
                if len(name) > LONGEST:
                    msg = (
                        f"execution {execution} of '{self.name}' cannot be resumed: its id is too long, as "
                        f"{name} would have {len(name)} characters and may have {LONGEST}. Start it under another id"
                    )
                    raise ExecutionError(msg)
                client.start_execution(stateMachineArn=self.state_machine_arn, name=name, input=last.get("input", "{}"))
        except (BotoCoreError, ClientError) as error:
            raise ExecutionError(f"execution {execution} of '{self.name}' cannot be resumed: {error}") from error

    def _redriven(self, client: SFNClient, arn: str) -> bool:
        """Whether an execution goes on as it is: as the version that is deployed, and Step Functions can redrive it."""
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

    def _last(self, client: SFNClient, execution: str) -> tuple[int, DescribeExecutionOutputTypeDef]:
        """The last of an execution and those that went on with it, and how many went on."""
        described = client.describe_execution(executionArn=self.execution_arn(execution))
        for number in itertools.count(1):
            name = f"{execution}{RESUMED}{number}"
            try:
                described = client.describe_execution(executionArn=self.execution_arn(name))
            except client.exceptions.ExecutionDoesNotExist:
                return number - 1, described
        raise AssertionError

    def wait(self, execution: str, *, timeout: float | None = None) -> None:
        """Wait until an execution ended.

        Args:
            execution: The execution's id.
            timeout: Seconds to wait at most; without end if None.

        Raises:
            WaitTimeoutError: If it has not ended in time. It runs on.
            ExecutionError: If it failed, or is not known.
        """
        from botocore.exceptions import BotoCoreError, ClientError

        client = self.client()
        try:
            arn = self._last(client, execution)[1]["executionArn"]
        except (BotoCoreError, ClientError) as error:
            raise ExecutionError(f"execution {execution} of '{self.name}': {error}") from error
        end = None if timeout is None else time.monotonic() + timeout
        pause, longest = _POLL
        while (status := self._status(client, execution, arn)) == "RUNNING":
            if end is not None and time.monotonic() >= end:
                msg = f"execution {execution} of '{self.name}' has not ended within {timeout:g} seconds; it runs on"
                raise WaitTimeoutError(msg)
            left = longest if end is None else max(end - time.monotonic(), 0)
            time.sleep(min(pause, left))
            pause = min(pause * 1.5, longest)
        if status != "SUCCEEDED":
            raise ExecutionError(f"execution {execution} of '{self.name}' ended {status}{_why(client, arn)}")

    def _status(self, client: SFNClient, execution: str, arn: str) -> str:
        """The status of an execution, asked for again where that fails for a reason that passes."""
        from botocore.exceptions import BotoCoreError, ClientError

        for left in range(_ASKED, -1, -1):
            try:
                return str(client.describe_execution(executionArn=arn)["status"])
            except (BotoCoreError, ClientError) as error:
                if not left or not _passes(error):
                    raise ExecutionError(f"execution {execution} of '{self.name}': {error}") from error
                time.sleep(_POLL[0] * 2 ** (_ASKED - left))
        raise AssertionError

    def execution_arn(self, execution: str) -> str:
        """The ARN of an execution.

        Args:
            execution: The execution's id.
        """
        return f"{self.state_machine_arn.replace(':stateMachine:', ':execution:')}:{execution}"

    def client(self) -> SFNClient:
        """A client of Step Functions, by the credentials and region of the environment."""
        client: SFNClient = self._client
        return client

    @functools.cached_property
    def _client(self) -> Any:
        return _client("stepfunctions")

    def __getstate__(self) -> dict[str, Any]:
        return {name: value for name, value in vars(self).items() if name != "_client"}


def _described(text: str) -> tuple[str, str, tuple[str, ...]]:
    """The state machine, the root of the datastore and the flows that a parameter describes.

    Raises:
        ValueError: If it describes none. A root on this machine is refused: by it whoever may write the parameter would
            have an application write to a folder of its own, and read from there what it unpickles.
    """
    value = _parsed(text)
    machine, root, flows = value.get("state_machine_arn"), value.get("datastore_root"), value.get("flows", [])
    if not (isinstance(machine, str) and re.fullmatch(_MACHINE, machine)):
        raise ValueError(f"its state_machine_arn is {machine!r}, which is no ARN of a state machine")
    if not (isinstance(root, str) and re.fullmatch(_ROOT, root)):
        raise ValueError(f"its datastore_root is {root!r}, and artifacts are kept in s3://bucket or s3://bucket/prefix")
    if not (isinstance(flows, list) and all(isinstance(flow, str) for flow in flows)):
        raise ValueError(f"its flows are {flows!r}, which is no list of names")
    return machine, root, tuple(flows)


def _client(service: str) -> Any:
    """A client of an AWS service, as `boto3.client` gives it.

    It is of the session that the application gave boto3, if it did, else of one for all clients here: a further client
    of a session takes a tenth of the first one's time. boto3 itself need not be loaded.
    """
    default = getattr(sys.modules.get("boto3"), "DEFAULT_SESSION", None)
    if default is not None:
        return default.client(service)
    told = tuple(sorted(item for item in os.environ.items() if item[0].startswith("AWS_")))
    return _session(told).create_client(service)


@functools.lru_cache(maxsize=1)
def _session(_environment: tuple[tuple[str, str], ...]) -> Any:
    import botocore.session

    return botocore.session.get_session()


def _passes(error: Exception) -> bool:
    """Whether an error of AWS passes: throttling, trouble of the service, or of the way to it."""
    response: dict[str, Any] = getattr(error, "response", {})
    if not response:
        from botocore.exceptions import HTTPClientError

        return isinstance(error, HTTPClientError)
    status = response.get("ResponseMetadata", {}).get("HTTPStatusCode", 0)
    return "Throttl" in response.get("Error", {}).get("Code", "") or status in _PASSING


def _why(client: SFNClient, arn: str) -> str:
    """What the end of an execution's history says of its failure: in which state, and why."""
    from botocore.exceptions import BotoCoreError, ClientError

    try:
        history = client.get_execution_history(executionArn=arn, reverseOrder=True, maxResults=1000)["events"]
    except (BotoCoreError, ClientError) as error:
        return f"; why, its history would say, which cannot be read: {error}"
    events = {event["id"]: event for event in history}
    failures = [event for number, event in sorted(events.items(), reverse=True) if _failure(event)]
    # What led to the end of the execution tells of the culprit; others may have failed since, as they were stopped.
    end = next((event for event in failures if event["type"].startswith("Execution")), None)
    led = [event for event in _chain(end, events) if _failure(event)] or failures
    # A task's own failure tells more than those of what it is in.
    own = (event for event in led if not event["type"].startswith(("Execution", "Map", "Parallel")))
    failed = next(own, led[0] if led else None)
    if failed is None:
        return ""
    details, state = _failure(failed) or {}, _state(failed, events)
    where, cause = f" in state '{state}'" if state else "", details.get("cause", "")
    told = _why_nested(client, cause) or f": {details.get('error', 'an error')}: {_readable(cause)}"
    return f"{where}{told}"


def _why_nested(client: SFNClient, cause: str) -> str:
    """What the history of the execution says that a failed state had started, if it had and we may look into it."""
    from botocore.exceptions import BotoCoreError, ClientError

    arn = _parsed(cause).get("ExecutionArn")
    try:
        return "" if arn is None else _why(client, arn)
    except (BotoCoreError, ClientError):
        return ""


def _unfinished(error: str, cause: str) -> bool:
    """Whether an execution failed as jobs had ended well without their layers having finished.

    Args:
        error: Its error: of a function it is the name of the class, of jobs and nested executions one for all.
        cause: What Step Functions says of that: of a job and of an execution the description, as JSON.
    """
    if error == UnfinishedError.__name__:
        return True
    found = _parsed(cause)
    if "ExecutionArn" in found:
        return _unfinished(str(found.get("Error", "")), str(found.get("Cause", "")))
    container = found.get("Container")
    return isinstance(container, dict) and container.get("ExitCode") == task_environment.UNFINISHED


def _state(event: HistoryEventTypeDef, events: Mapping[int, HistoryEventTypeDef]) -> str | None:
    """The state that an event belongs to: the one entered last among the events that led to it."""
    entered = (cause.get("stateEnteredEventDetails") for cause in _chain(event, events))
    return next((details["name"] for details in entered if details), None)


def _chain(
    event: HistoryEventTypeDef | None, events: Mapping[int, HistoryEventTypeDef]
) -> Iterator[HistoryEventTypeDef]:
    """An event, and those that led to it, from the last to the first."""
    while event is not None:
        yield event
        event = events.get(event.get("previousEventId", 0))


def _failure(event: HistoryEventTypeDef) -> dict[str, Any] | None:
    found = (value for key, value in event.items() if key.endswith("EventDetails") and isinstance(value, dict))
    return next((value for value in found if "error" in value or "cause" in value), None)


def _readable(cause: str) -> str:
    """The cause of a failure: of a job, a function or an execution, which give more, the few words that matter."""
    job = _parsed(cause)
    if "errorMessage" in job:
        return str(job["errorMessage"])
    if "ExecutionArn" in job:
        ended = f"execution {job['ExecutionArn']} ended {job.get('Status')}"
        return f"{ended}: {job.get('Error', 'an error')}: {_readable(str(job.get('Cause', '')))}"
    if "JobName" not in job:
        return cause
    container = job.get("Container") or {}
    parts = {
        "job": job.get("JobId"),
        "status": job.get("StatusReason"),
        "exit code": container.get("ExitCode"),
        "reason": container.get("Reason"),
        "log stream": container.get("LogStreamName"),
    }
    return ", ".join(f"{name} {value}" for name, value in parts.items() if value is not None)


def _parsed(cause: str) -> dict[str, Any]:
    """A cause that is a JSON object, an empty one if it is none."""
    try:
        found = json.loads(cause)
    except ValueError:
        return {}
    return found if isinstance(found, dict) else {}
