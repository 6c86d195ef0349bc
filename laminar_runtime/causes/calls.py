"""Errors of calls of AWS: which permission is missing, what does not exist, what passes by itself."""

from __future__ import annotations

import re
from typing import Any

from laminar_runtime.exceptions import (
    AccessDeniedError,
    DeploymentError,
    ExecutionError,
    LaminarError,
    NotFoundError,
    ThrottledError,
)

__all__ = ["explain", "is_of_aws", "is_transient"]

#: The codes of errors of AWS: https://docs.aws.amazon.com/step-functions/latest/apireference/CommonErrors.html
_DENIED = frozenset({"AccessDenied", "AccessDeniedException", "UnauthorizedOperation"})
_ABSENT = frozenset({"ExecutionDoesNotExist", "StateMachineDoesNotExist", "ParameterNotFound"})
_BUSY = frozenset({"ExecutionLimitExceeded", "SlowDown", "TooManyRequestsException"})
#: The HTTP status codes of errors that pass.
_TRANSIENT = frozenset({429, 500, 502, 503, 504})
_ACTION = re.compile(r"not authorized to perform: ([a-z0-9-]+:\w+)")
#: What helps if no call could be made, by the names of botocore's errors.
_FIXES = {
    "NoRegionError": "Set AWS_REGION, or the region of your profile.",
    "NoCredentialsError": "Set AWS_PROFILE, or AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, or use a role.",
}
#: The actions that operations need, where a message may not name them:
#: https://docs.aws.amazon.com/AmazonS3/latest/userguide/using-with-s3-policy-actions.html
_ACTIONS = {
    "DeleteObjects": "s3:DeleteObject",
    "GetObject": "s3:GetObject",
    "HeadObject": "s3:GetObject",
    "ListObjectsV2": "s3:ListBucket",
    "PutObject": "s3:PutObject",
}


def explain(what: str, error: Exception, default: type[DeploymentError | ExecutionError]) -> LaminarError:
    """Return the error of a failed call of AWS.

    Args:
        what: What was tried, for the message.
        error: The error of botocore.
        default: The class of an error of no special kind.
    """
    response = getattr(error, "response", {})
    code = str(response.get("Error", {}).get("Code", ""))
    fix = _FIXES.get(type(error).__name__)
    message = f"{what}: {str(error).removesuffix('.')}. {fix}" if fix else f"{what}: {error}"
    if code in _DENIED:
        found = _ACTION.search(str(error))
        operation = str(getattr(error, "operation_name", ""))
        action = found[1] if found else _ACTIONS.get(operation, operation)
        return AccessDeniedError(f"{message}. Allow {action} to the role of this process", action=action)
    if code in _ABSENT:
        return NotFoundError(message)
    return ThrottledError(message) if "Throttl" in code or code in _BUSY else default(message)


def is_of_aws(error: Exception) -> bool:
    """Return whether an error is one of botocore: a call of AWS was refused, or could not be made.

    Args:
        error: The error.
    """
    from botocore.exceptions import BotoCoreError, ClientError

    return isinstance(error, BotoCoreError | ClientError)


def is_transient(error: Exception) -> bool:
    """Return whether an error of AWS passes: throttling, or a failure of the service or of the network.

    Args:
        error: The error of botocore.
    """
    response: dict[str, Any] = getattr(error, "response", {})
    if not response:
        from botocore.exceptions import HTTPClientError

        return isinstance(error, HTTPClientError)
    status = response.get("ResponseMetadata", {}).get("HTTPStatusCode", 0)
    return "Throttl" in response.get("Error", {}).get("Code", "") or status in _TRANSIENT
