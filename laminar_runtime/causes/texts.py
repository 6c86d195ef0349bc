"""The texts of causes: of a job, a function or a nested execution they are JSON."""

from __future__ import annotations

import json
from typing import Any

from laminar_runtime import task_environment
from laminar_runtime.exceptions import FlowError, UnfinishedError

__all__ = ["REFUSES", "is_refused", "is_unfinished", "parse_object"]

#: What the cause says of an execution whose state machine refuses its parameters.
REFUSES = "cannot have these parameters: "


def is_refused(error: str, cause: str) -> bool:
    """Return whether an execution failed because its parameters were refused, so that no resume can succeed.

    Args:
        error: The error of the execution.
        cause: Its cause.

    Example:
        >>> is_refused("FlowError", "flow 'Report' cannot have these parameters: parameter 'dai' is unknown")
        True
    """
    return FlowError.__name__ in f"{error} {cause}" and REFUSES in cause


def is_unfinished(error: str, cause: str) -> bool:
    """Return whether an execution failed because jobs succeeded without finishing their layers.

    Args:
        error: The error of the execution. For a Lambda function it is the name of the error's class.
        cause: The cause of the execution. For a job or a nested execution it is its description, as JSON.
    """
    if error == UnfinishedError.__name__:
        return True
    found = parse_object(cause)
    if "ExecutionArn" in found:
        return is_unfinished(str(found.get("Error", "")), str(found.get("Cause", "")))
    container = found.get("Container")
    return isinstance(container, dict) and container.get("ExitCode") == task_environment.UNFINISHED


def parse_object(cause: str) -> dict[str, Any]:
    """Parse a JSON object; return an empty one if the text is not a JSON object.

    Args:
        cause: The text.
    """
    try:
        found = json.loads(cause)
    except ValueError:
        return {}
    return found if isinstance(found, dict) else {}
