"""AWS Lambda's API: moto keeps the records of functions; those from images are invoked here.

https://docs.aws.amazon.com/lambda/latest/api/API_Invoke.html
"""

from __future__ import annotations

import base64
import threading
from collections.abc import Mapping
from typing import Any

from botocore.exceptions import ClientError

from laminar_codegen.rehearsal.aws.clients import Clients
from laminar_codegen.rehearsal.aws.functions import Function, Functions, Invocation
from laminar_codegen.rehearsal.aws.own_services import Answer, Asked, Operation, Operations, ServiceError

__all__ = ["LambdaApi"]

_LOG_TAIL = 4096
#: Bytes: https://docs.aws.amazon.com/lambda/latest/dg/gettingstarted-limits.html
_MAX_EVENT, _MAX_ANSWER = 6_291_456, 6_291_556


class LambdaApi(Operations):
    """The operations of AWS Lambda that moto does not answer.

    Args:
        clients: The clients of the embedded AWS.
        functions: Runs functions.
    """

    def __init__(self, clients: Clients, functions: Functions) -> None:
        self._clients = clients
        self._functions = functions
        self.operations: Mapping[str, Operation] = {
            "CreateFunction": self._note_file_systems,
            "Invoke": self._invoke,
            "UpdateFunctionConfiguration": self._note_file_systems,
        }

    def _note_file_systems(self, asked: Asked) -> None:
        """Note the file systems of a function, which moto forgets."""
        given = asked.parameters.get("FileSystemConfigs")
        if given is not None:
            name = asked.parameters["FunctionName"].rpartition(":")[2]
            self._functions.file_systems[name] = given

    def _invoke(self, asked: Asked) -> Answer | None:
        configuration = self._configuration(asked)
        if configuration.get("PackageType") != "Image":
            return None
        function, event = Function.of(configuration), asked.body.decode() or "{}"
        kind = asked.parameters.get("InvocationType", "RequestResponse")
        if kind == "DryRun":
            return Answer(b"", 204)
        refusal = self._functions.faults.invoke(function.name)
        if refusal is not None:
            raise ServiceError(refusal, "The function cannot be invoked now", 503)
        unreachable = self._functions.mount_refusal(function)
        if unreachable is not None:
            raise ServiceError("EFSMountFailureException", unreachable, 403)
        size = len(event.encode())
        if size > _MAX_EVENT:
            problem = f"{size} byte payload is too large for the {kind} invocation type (limit {_MAX_EVENT} bytes)"
            raise ServiceError("RequestTooLargeException", problem, 413)
        if kind == "Event":
            threading.Thread(target=self._functions.invoke, args=(function, event), daemon=True).start()
            return Answer(b"", 202)
        wants_log = asked.parameters.get("LogType") == "Tail"
        return _answer(function, self._functions.invoke(function, event), wants_log=wants_log)

    def _configuration(self, asked: Asked) -> Mapping[str, Any]:
        qualifier = asked.parameters.get("Qualifier")
        named = {"FunctionName": asked.parameters["FunctionName"], **({"Qualifier": qualifier} if qualifier else {})}
        try:
            found: Mapping[str, Any] = self._clients.get("lambda", asked.signature.region).get_function_configuration(
                **named
            )
        except ClientError as error:
            refused: Any = error.response
            status = refused["ResponseMetadata"]["HTTPStatusCode"]
            raise ServiceError(refused["Error"]["Code"], refused["Error"]["Message"], status) from error
        return found


def _answer(function: Function, invocation: Invocation, *, wants_log: bool) -> Answer:
    payload, error = invocation.payload, invocation.error
    if len(payload.encode()) > _MAX_ANSWER:
        error = "Unhandled"
        payload = (
            f'{{"errorType":"Function.ResponseSizeTooLarge","errorMessage":"Response payload size exceeded maximum '
            f'allowed payload size ({_MAX_ANSWER} bytes)."}}'
        )
    headers = [("X-Amz-Executed-Version", function.version)]
    if error is not None:
        headers.append(("X-Amz-Function-Error", error))
    if wants_log:
        tail = invocation.log.read_bytes()[-_LOG_TAIL:] if invocation.log.exists() else b""
        headers.append(("X-Amz-Log-Result", base64.b64encode(tail).decode()))
    return Answer(payload.encode(), headers=tuple(headers))
