"""Calls one Lambda handler once: `python lambda_runtime HANDLER EVENT_FILE RESULT_FILE`.

It runs in the workspace's interpreter, so it uses only the standard library. The answer is written to a file, because
the output of the handler is its log.
"""

from __future__ import annotations

import importlib
import json
import os
import sys
import time
import traceback
from collections.abc import Callable
from pathlib import Path
from typing import Any


class Context:
    """The context of an invocation, which a handler gets as its second argument."""

    def __init__(self) -> None:
        self.function_name = os.environ["AWS_LAMBDA_FUNCTION_NAME"]
        self.function_version = os.environ["AWS_LAMBDA_FUNCTION_VERSION"]
        self.invoked_function_arn = os.environ["AWS_LAMBDA_FUNCTION_ARN"]
        self.memory_limit_in_mb = os.environ["AWS_LAMBDA_FUNCTION_MEMORY_SIZE"]
        self.log_group_name = os.environ["AWS_LAMBDA_LOG_GROUP_NAME"]
        self.log_stream_name = os.environ["AWS_LAMBDA_LOG_STREAM_NAME"]
        self.aws_request_id = os.environ["AWS_LAMBDA_REQUEST_ID"]
        self.client_context = None
        self.identity = None
        self._deadline = time.monotonic() + float(os.environ["AWS_LAMBDA_FUNCTION_TIMEOUT"])

    def get_remaining_time_in_millis(self) -> int:
        """Return the milliseconds that the handler may still run."""
        return max(0, int(1000 * (self._deadline - time.monotonic())))


def main(handler: str, event_file: str, result_file: str) -> None:
    """Call the handler, and write its result or its error."""
    sys.path[0] = str(Path.cwd())
    try:
        payload = call(find(handler), json.loads(Path(event_file).read_text()))
        answer = json.dumps({"payload": payload, "error": None})
    except RuntimeFaultError as error:
        fault = {"errorType": error.kind, "errorMessage": str(error)}
        print(f"[ERROR] {error.kind}: {error}")
        answer = json.dumps({"payload": fault, "error": "Unhandled"})
    except Exception as error:  # noqa: BLE001 - a handler's exception is the invocation's answer
        traceback.print_exc()
        answer = json.dumps({"payload": describe(error), "error": "Unhandled"})
    written = Path(result_file + ".part")
    written.write_text(answer)
    written.rename(result_file)


class RuntimeFaultError(Exception):
    """An error that Lambda's Python runtime itself reports."""

    def __init__(self, kind: str, message: str) -> None:
        super().__init__(message)
        self.kind = f"Runtime.{kind}"


def find(handler: str) -> Callable[[Any, Context], Any]:
    """Import `package/module.function` (or with dots)."""
    module, _, function = handler.rpartition(".")
    if not module:
        raise RuntimeFaultError("MalformedHandlerName", f"Bad handler '{handler}': it has no dot")
    try:
        imported = importlib.import_module(module.replace("/", "."))
    except ImportError as error:
        raise RuntimeFaultError("ImportModuleError", f"Unable to import module '{module}': {error}") from error
    except SyntaxError as error:
        raise RuntimeFaultError("UserCodeSyntaxError", f"Syntax error in module '{module}': {error}") from error
    found: Callable[[Any, Context], Any] | None = getattr(imported, function, None)
    if found is None:
        raise RuntimeFaultError("HandlerNotFound", f"Handler '{function}' missing on module '{module}'")
    return found


def call(handler: Callable[[Any, Context], Any], event: Any) -> Any:
    """Call a handler, and check that its result is JSON."""
    payload = handler(event, Context())
    try:
        json.dumps(payload)
    except (TypeError, ValueError) as error:
        raise RuntimeFaultError("MarshalError", f"Unable to marshal response: {error}") from error
    return payload


def describe(error: Exception) -> dict[str, Any]:
    """Return an exception in the form of Lambda's Python runtime."""
    return {
        "errorMessage": str(error),
        "errorType": type(error).__name__,
        "requestId": os.environ["AWS_LAMBDA_REQUEST_ID"],
        "stackTrace": traceback.format_list(traceback.extract_tb(error.__traceback__)),
    }


if __name__ == "__main__":
    main(*sys.argv[1:])
