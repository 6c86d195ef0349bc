"""Lambda functions from images: an invocation starts a local process that calls the handler.

What stands in for the image is the
workspace: the handler is the last word of the image configuration's command, `module.function`, whatever
its entry point is; working directory and memory size have no effect.
"""

from __future__ import annotations

import json
import tempfile
import threading
import time
import uuid
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, Self

import attrs

from laminar_codegen.rehearsal.asl.real_time import RealClock
from laminar_codegen.rehearsal.aws.announcer import Announcer
from laminar_codegen.rehearsal.aws.clients import RoleEnvironment
from laminar_codegen.rehearsal.aws.faults import Faults
from laminar_codegen.rehearsal.aws.process import LocalProcess
from laminar_codegen.rehearsal.aws.task_volumes import TaskVolumes
from laminar_codegen.rehearsal.aws.workspace import InvocationEvent, InvocationStatus, Workspace
from laminar_runtime import task_environment

if TYPE_CHECKING:
    from laminar_codegen.rehearsal.aws.role_checks import JobRoles

_RUNTIME = Path(__file__).parent / "lambda_runtime"


@attrs.frozen
class Function:
    """A function, as it is to be invoked.

    Args:
        name: Its name.
        arn: Its ARN, with a version if one is asked for.
        version: Its version.
        role: The role that it has.
        handler: What its image configuration calls: the words of its entry point and its command.
        memory: In MiB.
        timeout: In seconds.
        variables: Its environment.
    """

    name: str
    arn: str
    version: str
    role: str
    handler: tuple[str, ...]
    memory: int
    timeout: int
    variables: Mapping[str, str]

    @classmethod
    def of(cls, configuration: Mapping[str, Any]) -> Self:
        """Return the function that has a configuration, as GetFunctionConfiguration gives it."""
        image = configuration.get("ImageConfigResponse", {}).get("ImageConfig", {})
        return cls(
            name=configuration["FunctionName"],
            arn=configuration["FunctionArn"],
            version=configuration["Version"],
            role=configuration["Role"],
            handler=(*image.get("EntryPoint", ()), *image.get("Command", ())),
            memory=configuration["MemorySize"],
            timeout=configuration["Timeout"],
            variables=configuration.get("Environment", {}).get("Variables", {}),
        )


@attrs.frozen
class Invocation:
    """What an invocation answered, with the error's kind, and what it printed."""

    payload: str
    error: str | None
    log: Path


@attrs.define
class Functions:
    """Invokes functions in a workspace.

    concurrency  how many run at a time; others wait, and their time does not begin. (On AWS a thousand
                 run at a time; here each is a process, and a function that invokes functions holds its place.)
    faults       what goes wrong before an invocation begins
    roles        what AWS Lambda does in the name of a function's role, if roles are limited
    volumes      the folders of file systems
    file_systems what functions mount, by the name of the function, as CreateFunction has it
    clock        the time, which is not skipped while one runs
    """

    workspace: Workspace
    logs: Path
    aws_environment: RoleEnvironment
    concurrency: int
    events: Announcer[InvocationEvent]
    clock: RealClock
    faults: Faults = attrs.field(factory=Faults)
    roles: Callable[[], JobRoles | None] = lambda: None
    volumes: TaskVolumes | None = None
    file_systems: dict[str, Sequence[Mapping[str, Any]]] = attrs.field(factory=dict)
    _places: threading.Semaphore = attrs.field(init=False)

    def __attrs_post_init__(self) -> None:
        self._places = threading.Semaphore(self.concurrency)

    def invoke(self, function: Function, event: str) -> Invocation:
        """Run a function's handler with an event (JSON text)."""
        self.clock.hold()
        try:
            return self._invoke(function, event)
        finally:
            self.clock.release()

    def mount_refusal(self, function: Function) -> str | None:
        """Return why AWS Lambda cannot mount the file systems of a function, None if it can.

        Args:
            function: The function.
        """
        roles = self.roles()
        points = [one["Arn"] for one in self.file_systems.get(function.name, ())]
        if roles is None or not points:
            return None
        return roles.function_mount_refusal(function.role, function.name, function.arn.split(":")[3], points)

    def _folders(self, function: Function) -> dict[str, str]:
        """Return the variables of a function that name mount points, with folders of this machine for values."""
        systems = {one["LocalMountPath"]: one["Arn"] for one in self.file_systems.get(function.name, ())}
        if self.volumes is None or not systems:
            return {}
        names = {
            value: name.removeprefix(task_environment.VOLUME)
            for name, value in function.variables.items()
            if name.startswith(task_environment.VOLUME) and value in systems
        }
        container = {
            "mountPoints": [{"containerPath": path, "sourceVolume": name} for path, name in names.items()],
            "volumes": [
                {
                    "name": name,
                    "efsVolumeConfiguration": {
                        "authorizationConfig": {"accessPointId": systems[path].rpartition("/")[2]}
                    },
                }
                for path, name in names.items()
            ],
        }
        return self.volumes.variables(container, function.variables)

    def _invoke(self, function: Function, event: str) -> Invocation:
        request_id = str(uuid.uuid4())
        log = self.logs / function.name / f"{request_id}.log"
        begun = InvocationEvent(
            request_id=request_id, function_name=function.name, event=event, status="RUNNING", log=log
        )
        with self._places:
            self.events.announce(begun)
            invocation = self._run(function, event, request_id, log)
            _publish_log(function, request_id, invocation)
        status: InvocationStatus = "SUCCEEDED" if invocation.error is None else "FAILED"
        reason = None if invocation.error is None else json.loads(invocation.payload)["errorMessage"]
        self.events.announce(attrs.evolve(begun, status=status, reason=reason))
        return invocation

    def _run(self, function: Function, event: str, request_id: str, log: Path) -> Invocation:
        roles = self.roles()
        if roles is not None:
            roles.invocation(function.role, function.name, function.arn.split(":")[3], request_id)
        if not function.handler:
            message = f"RequestId: {request_id} Error: the function's image configuration names no handler"
            return _failure("Runtime.InvalidEntrypoint", message, log)
        self.logs.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(prefix="exchange-", dir=self.logs) as exchange:
            event_file, result_file = Path(exchange, "event"), Path(exchange, "result")
            event_file.write_text(event)
            process = LocalProcess.start(
                self.workspace.command(
                    ["python", str(_RUNTIME), function.handler[-1], str(event_file), str(result_file)]
                ),
                directory=self.workspace.directory,
                environment=self._environment(function, request_id),
                log=log,
            )
            code = process.wait(function.timeout, grace=0)
            if process.timed_out:
                return _failure("Sandbox.Timedout", _timeout_message(function, request_id), log)
            if not result_file.exists():
                message = f"RequestId: {request_id} Error: Runtime exited with status {code}"
                return _failure("Runtime.ExitError", message, log)
            answer = json.loads(result_file.read_text())
        return Invocation(json.dumps(answer["payload"]), answer["error"], log)

    def _environment(self, function: Function, request_id: str) -> dict[str, str]:
        return self.workspace.process_environment(
            {**function.variables, **self._folders(function)},
            self.aws_environment(function.role, f"function {function.name}"),
            {
                "AWS_LAMBDA_FUNCTION_NAME": function.name,
                "AWS_LAMBDA_FUNCTION_MEMORY_SIZE": str(function.memory),
                "AWS_LAMBDA_FUNCTION_VERSION": function.version,
                "AWS_LAMBDA_FUNCTION_TIMEOUT": str(function.timeout),
                "AWS_LAMBDA_FUNCTION_ARN": function.arn,
                "AWS_LAMBDA_LOG_GROUP_NAME": f"/aws/lambda/{function.name}",
                "AWS_LAMBDA_LOG_STREAM_NAME": request_id,
                "AWS_LAMBDA_REQUEST_ID": request_id,
            },
        )


def _publish_log(function: Function, request_id: str, invocation: Invocation) -> None:
    """Copy the output of an invocation to where AWS Lambda puts it, with the lines that it adds.

    https://docs.aws.amazon.com/lambda/latest/dg/monitoring-cloudwatchlogs-view.html
    """
    from moto.logs.models import logs_backends

    _, _, _, region, account, *_ = function.arn.split(":")
    backend: Any = logs_backends[account][region]
    group = f"/aws/lambda/{function.name}"
    backend.ensure_log_group(group)
    printed = invocation.log.read_text(errors="replace").splitlines() if invocation.log.exists() else []
    late = [_timeout_message(function, request_id)] if "Task timed out after" in invocation.payload else []
    lines = [
        f"START RequestId: {request_id} Version: {function.version}",
        *printed,
        *late,
        f"END RequestId: {request_id}",
    ]
    now = round(time.time() * 1000)  # not the clock of the executions: moto drops what is hours ahead
    # Not through the API: requests would take longer than functions that do little.
    backend.create_log_stream(group, request_id)
    backend.put_log_events(group, request_id, [{"timestamp": now, "message": line or " "} for line in lines])


def _timeout_message(function: Function, request_id: str) -> str:
    return f"RequestId: {request_id} Error: Task timed out after {function.timeout:.2f} seconds"


def _failure(kind: str, message: str, log: Path) -> Invocation:
    payload = json.dumps({"errorType": kind, "errorMessage": message})
    return Invocation(payload, "Unhandled", log)
