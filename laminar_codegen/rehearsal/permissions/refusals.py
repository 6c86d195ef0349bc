"""How services answer a call that is not allowed: each by its protocol.

https://docs.aws.amazon.com/IAM/latest/UserGuide/troubleshoot_access-denied.html
"""

from __future__ import annotations

import json
from xml.sax.saxutils import escape

import attrs

__all__ = ["Response", "answer", "refuse_access"]

_ID = "00000000-0000-4000-8000-000000000000"
#: Services that speak XML by the query protocol, by the names that signatures have.
_QUERY = frozenset({"ec2", "iam", "monitoring", "sns", "sts"})
#: Services of the REST protocols that answer in JSON.
_REST_JSON = frozenset({"batch", "lambda", "scheduler", "xray"})


@attrs.frozen
class Response:
    """An answer over HTTP.

    Args:
        status: The status line, such as ``403 Forbidden``.
        headers: The headers.
        body: The body.
    """

    status: str
    headers: tuple[tuple[str, str], ...]
    body: bytes


def refuse_access(service: str, message: str) -> Response:
    """Return the answer of a service to a call that its caller may not make.

    Args:
        service: The service, as signatures name it.
        message: The message.

    Example:
        >>> refuse_access("states", "no").body
        b'{"__type": "AccessDeniedException", "message": "no"}'
    """
    xml = service == "s3" or service in _QUERY
    return answer(service, "AccessDenied" if xml else "AccessDeniedException", message, "403 Forbidden")


def answer(service: str, code: str, message: str, status: str) -> Response:
    """Return an error as a service answers it.

    Args:
        service: The service, as signatures name it.
        code: The code of the error.
        message: The message.
        status: The status, such as ``403 Forbidden``. Services of the JSON protocol answer 400 for each error.
    """
    if service == "s3":
        text = f"<Error><Code>{code}</Code><Message>{escape(message)}</Message><RequestId>{_ID}</RequestId></Error>"
        return Response(status, (("Content-Type", "application/xml"),), _xml(text))
    if service in _QUERY:
        error = f"<Error><Type>Sender</Type><Code>{code}</Code><Message>{escape(message)}</Message></Error>"
        text = f"<ErrorResponse>{error}<RequestId>{_ID}</RequestId></ErrorResponse>"
        return Response(status, (("Content-Type", "text/xml"),), _xml(text))
    if service in _REST_JSON:
        headers = (("Content-Type", "application/json"), ("x-amzn-ErrorType", code))
        return Response(status, headers, json.dumps({"message": message}).encode())
    headers = (("Content-Type", "application/x-amz-json-1.1"), ("x-amzn-ErrorType", code))
    return Response("400 Bad Request", headers, json.dumps({"__type": code, "message": message}).encode())


def _xml(text: str) -> bytes:
    return f'<?xml version="1.0" encoding="UTF-8"?>\n{text}'.encode()
