"""Invocations of functions of AWS Lambda by state machines: their ids, and where their output is."""

from __future__ import annotations

import re
from typing import Any

from laminar_runtime.causes.histories import StateTask
from laminar_runtime.causes.texts import parse_object

__all__ = ["OfRequest", "find_stream", "log_group", "request_of", "runs_layer"]

_ID = r"[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}"
#: How AWS Lambda names the request in the message of an error, and in its own lines of a log.
_NAMED = re.compile(rf"RequestId: ({_ID})|({_ID}) Task timed out")
_LINE = re.compile(rf"(?P<what>START|END|REPORT) RequestId: (?P<id>{_ID})")
#: Seconds before the end of a task in which its output may be: the longest invocation, and as clocks differ.
#: https://docs.aws.amazon.com/lambda/latest/dg/gettingstarted-limits.html
_EARLIER = 900 + 60


def request_of(task: StateTask) -> str:
    """Return the id of the request of an invocation; empty if the state machine does not name it.

    https://docs.aws.amazon.com/step-functions/latest/dg/connect-lambda.html

    Args:
        task: The task of the state machine.
    """
    answered = task.output.get("SdkResponseMetadata") or {}
    given = parse_object(task.cause).get("requestId") or answered.get("RequestId")
    if isinstance(given, str) and given:
        return given
    found = _NAMED.search(task.cause)
    return (found[1] or found[2]) if found else ""


def log_group(task: StateTask) -> str:
    """Return the log group of the function that a task invoked; empty if it is unknown.

    Args:
        task: The task of the state machine.
    """
    _, _, named = str(task.request.get("FunctionName", "")).rpartition("function:")
    name = named.partition(":")[0]
    return f"/aws/lambda/{name}" if name else ""


def runs_layer(task: StateTask) -> bool:
    """Return whether a task invoked the function of a layer, and not a planner.

    Args:
        task: The task of the state machine.
    """
    # The name ends with the label of the function: see `laminar_codegen.ir.labels`.
    return "run_" in log_group(task).rpartition("-")[2]


def find_stream(client: Any, group: str, request: str, seconds: float) -> str:
    """Return the log stream with the output of an invocation; empty if there is none.

    Args:
        client: A client of CloudWatch Logs.
        group: The log group of the function.
        request: The id of the request.
        seconds: When it ended, in seconds since the epoch.
    """
    begin = int((seconds - _EARLIER) * 1000)
    pages = client.get_paginator("filter_log_events").paginate(
        logGroupName=group, filterPattern=f'"{request}"', startTime=max(begin, 0), PaginationConfig={"PageSize": 100}
    )
    return next((str(event["logStreamName"]) for page in pages for event in page["events"]), "")


class OfRequest:
    """Says which lines of the output of a function are of one invocation: it serves one after the other.

    Args:
        request: The id of the request.

    Example:
        >>> one, two = "00000000-0000-0000-0000-000000000001", "00000000-0000-0000-0000-000000000002"
        >>> output = [f"START RequestId: {one}", "a", f"END RequestId: {one}", f"START RequestId: {two}", "b"]
        >>> [*filter(OfRequest(two), output)]
        ['b']
    """

    def __init__(self, request: str) -> None:
        self._request, self._shown = request, False

    def __call__(self, line: str) -> bool:
        """Return whether a line, which is the next one, is of the invocation."""
        found = _LINE.match(line)
        if found is not None:
            self._shown = found["what"] == "START" and found["id"] == self._request
        return self._shown and found is None
