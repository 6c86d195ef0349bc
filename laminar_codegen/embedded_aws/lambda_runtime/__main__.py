"""Calls one Lambda handler once: `python lambda_runtime HANDLER EVENT_FILE RESULT_FILE`.

Runs in the workspace's interpreter, so it uses nothing but the standard library. The answer goes
to a file: what the handler prints is its log.
"""

from __future__ import annotations

import importlib
import json
import os
import sys
import time
import traceback
from pathlib import Path
from typing import Any


class Context:
    """What Lambda tells a handler about its invocation."""

    def __init__(self) -> None:
        self.function_name = os.environ["AWS_LAMBDA_FUNCTION_NAME"]
        self.function_version = os.environ["AWS_LAMBDA_FUNCTION_VERSION"]
        self.invoked_function_arn = os.environ["AWS_LAMBDA_FUNCTION_ARN"]
        self.memory_limit_in_mb = os.environ["AWS_LAMBDA_FUNCTION_MEMORY_SIZE"]
        self.aws_request_id = os.environ["AWS_LAMBDA_REQUEST_ID"]
        self._deadline = time.monotonic() + float(os.environ["AWS_LAMBDA_FUNCTION_TIMEOUT"])

    def get_remaining_time_in_millis(self) -> int:
        """How long the handler may still take."""
        return max(0, int(1000 * (self._deadline - time.monotonic())))


def main(handler: str, event_file: str, result_file: str) -> None:
    """Call the handler and write what came of it."""
    sys.path[0] = str(Path.cwd())
    try:
        payload = call(handler, json.loads(Path(event_file).read_text()))
        answer = json.dumps({"payload": payload, "error": None})
    except Exception as error:  # noqa: BLE001 - a handler's exception is the invocation's answer
        traceback.print_exc()
        answer = json.dumps({"payload": describe(error), "error": "Unhandled"})
    written = Path(result_file + ".part")
    written.write_text(answer)
    written.rename(result_file)


def call(handler: str, event: Any) -> Any:
    """Import `package/module.function` (or with dots) and call it."""
    module, _, function = handler.rpartition(".")
    return getattr(importlib.import_module(module.replace("/", ".")), function)(event, Context())


def describe(error: Exception) -> dict[str, Any]:
    """An exception as Lambda's Python runtime answers it."""
    return {
        "errorMessage": str(error),
        "errorType": type(error).__name__,
        "stackTrace": traceback.format_list(traceback.extract_tb(error.__traceback__)),
    }


if __name__ == "__main__":
    main(*sys.argv[1:])
