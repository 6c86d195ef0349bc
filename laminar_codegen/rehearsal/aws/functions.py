"""Lambda functions from images: an invocation starts a local process that calls the handler.

moto runs functions in Docker, and those from images not at all. What stands in for the image is the
workspace: the handler is the last word of the image configuration's command, `module.function`, whatever
its entry point is; working directory and memory size have no effect.
"""

from __future__ import annotations

import base64
import json
import tempfile
import threading
import uuid
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

import attrs
from moto.awslambda.models import LambdaFunction
from moto.core.exceptions import JsonRESTError

from laminar_codegen.rehearsal.asl.real_time import RealClock
from laminar_codegen.rehearsal.aws.announcer import Announcer
from laminar_codegen.rehearsal.aws.clients import RoleEnvironment
from laminar_codegen.rehearsal.aws.faults import Faults
from laminar_codegen.rehearsal.aws.patches import Patches
from laminar_codegen.rehearsal.aws.process import LocalProcess
from laminar_codegen.rehearsal.aws.workspace import InvocationEvent, InvocationStatus, Workspace

if TYPE_CHECKING:
    from laminar_codegen.rehearsal.aws.role_checks import JobRoles

_RUNTIME = Path(__file__).parent / "lambda_runtime"
_LOG_TAIL = 4096
_MAX_EVENT = 6_291_456  # moto itself refuses answers of more than 6,000,000 bytes (AWS: 6,291,556)

InvocationObserver = Callable[[InvocationEvent], None]

_invoke_of_moto = LambdaFunction.invoke


class RequestTooLargeError(JsonRESTError):
    """An event that Lambda does not take."""

    code = 413

    def __init__(self, event: str) -> None:
        super().__init__(
            "RequestTooLargeException",
            f"{len(event.encode())} byte payload is too large for the RequestResponse invocation type "
            f"(limit {_MAX_EVENT} bytes)",
        )


class RefusedInvocationError(JsonRESTError):
    """An invocation that Lambda does not begin."""

    code = 503

    def __init__(self, exception: str) -> None:
        super().__init__(exception, "The function cannot be invoked now")


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
    _places: threading.Semaphore = attrs.field(init=False)

    def __attrs_post_init__(self) -> None:
        self._places = threading.Semaphore(self.concurrency)

    def invoke(self, function: LambdaFunction, event: str) -> Invocation:
        """Run a function's handler with an event (JSON text)."""
        self.clock.hold()
        try:
            return self._invoke(function, event)
        finally:
            self.clock.release()

    def _invoke(self, function: LambdaFunction, event: str) -> Invocation:
        request_id = str(uuid.uuid4())
        log = self.logs / function.function_name / f"{request_id}.log"
        told = InvocationEvent(
            request_id=request_id, function_name=function.function_name, event=event, status="RUNNING", log=log
        )
        with self._places:
            self.events.tell(told)
            invocation = self._run(function, event, request_id, log)
        status: InvocationStatus = "SUCCEEDED" if invocation.error is None else "FAILED"
        reason = None if invocation.error is None else json.loads(invocation.payload)["errorMessage"]
        self.events.tell(attrs.evolve(told, status=status, reason=reason))
        return invocation

    def _run(self, function: LambdaFunction, event: str, request_id: str, log: Path) -> Invocation:
        roles = self.roles()
        if roles is not None:
            roles.invocation(function.role, function.function_name, function.region, request_id)
        words = [*function.image_config.entry_point, *function.image_config.cmd]
        if not words:
            message = f"RequestId: {request_id} Error: the function's image configuration names no handler"
            return _failed("Runtime.InvalidEntrypoint", message, log)
        with tempfile.TemporaryDirectory() as exchange:
            event_file, result_file = Path(exchange, "event"), Path(exchange, "result")
            event_file.write_text(event)
            process = LocalProcess.start(
                self.workspace.command(["python", str(_RUNTIME), words[-1], str(event_file), str(result_file)]),
                directory=self.workspace.directory,
                environment=self._environment(function, request_id),
                log=log,
            )
            code = process.wait(function.timeout, grace=0)
            if process.timed_out:
                return _failed("Sandbox.Timedout", _timeout_message(function, request_id), log)
            if not result_file.exists():
                message = f"RequestId: {request_id} Error: Runtime exited with status {code}"
                return _failed("Runtime.ExitError", message, log)
            answer = json.loads(result_file.read_text())
        return Invocation(json.dumps(answer["payload"]), answer["error"], log)

    def _environment(self, function: LambdaFunction, request_id: str) -> dict[str, str]:
        return self.workspace.process_environment(
            function.environment_vars,
            self.aws_environment(function.role, f"function {function.function_name}"),
            {
                "AWS_LAMBDA_FUNCTION_NAME": function.function_name,
                "AWS_LAMBDA_FUNCTION_MEMORY_SIZE": str(function.memory_size),
                "AWS_LAMBDA_FUNCTION_VERSION": str(function.version),
                "AWS_LAMBDA_FUNCTION_TIMEOUT": str(function.timeout),
                "AWS_LAMBDA_FUNCTION_ARN": function.function_arn,
                "AWS_LAMBDA_LOG_GROUP_NAME": f"/aws/lambda/{function.function_name}",
                "AWS_LAMBDA_LOG_STREAM_NAME": request_id,
                "AWS_LAMBDA_REQUEST_ID": request_id,
            },
        )


def install(patches: Patches, functions: Functions) -> None:
    """Have moto's Lambda run functions from images."""

    def invoke(self: LambdaFunction, body: Any, headers: Any, answered: dict[str, str]) -> Any:
        if self.package_type != "Image":
            return _invoke_of_moto(self, body, headers, answered)
        kind = headers.get("x-amz-invocation-type", "RequestResponse")
        if kind == "DryRun":
            return b""
        refusal = functions.faults.invoke(self.function_name)
        if refusal is not None:
            raise RefusedInvocationError(refusal)
        event = body.decode() if isinstance(body, bytes) else body or "{}"
        if len(event.encode()) > _MAX_EVENT:
            raise RequestTooLargeError(event)
        if kind == "Event":
            threading.Thread(target=functions.invoke, args=(self, event), daemon=True).start()
            return b""
        invocation = functions.invoke(self, event)
        if invocation.error is not None:
            answered["x-amz-function-error"] = invocation.error
        tail = invocation.log.read_bytes()[-_LOG_TAIL:] if invocation.log.exists() else b""
        answered["x-amz-log-result"] = base64.b64encode(tail).decode()
        return invocation.payload.encode()

    patches.attribute(LambdaFunction, "invoke", invoke)


def _timeout_message(function: LambdaFunction, request_id: str) -> str:
    return f"RequestId: {request_id} Error: Task timed out after {function.timeout:.2f} seconds"


def _failed(kind: str, message: str, log: Path) -> Invocation:
    payload = json.dumps({"errorType": kind, "errorMessage": message})
    return Invocation(payload, "Unhandled", log)
