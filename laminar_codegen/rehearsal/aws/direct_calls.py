"""Calls of this process to the embedded AWS: they need no connection, and no other thread.

A call to an API is an HTTP request. Those of other processes come by a socket. Those of this one, such as what states
call, are given to the same application as they are.
"""

from __future__ import annotations

import io
import logging
import sys
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any
from urllib.parse import unquote_to_bytes, urlsplit

import attrs
from botocore.awsrequest import AWSResponse
from botocore.compat import HTTPHeaders

if TYPE_CHECKING:
    from wsgiref.types import WSGIApplication, WSGIEnvironment

    from botocore.awsrequest import AWSPreparedRequest

__all__ = ["DirectCalls"]

_logger = logging.getLogger("moto")


class _Body(io.BytesIO):
    """The body of a response, as botocore reads it."""

    def stream(self, **_: Any) -> Iterator[bytes]:
        yield self.read()


@attrs.frozen
class DirectCalls:
    """Answers requests of botocore's clients before they are sent.

    Args:
        application: What answers all requests.
    """

    application: WSGIApplication

    def answer(self, request: AWSPreparedRequest, **_: Any) -> AWSResponse | None:
        """Answer a request.

        Args:
            request: The request, signed.

        Returns:
            The response; None if the request is to be sent: its body is a stream, or a header has a name that WSGI
            cannot have.
        """
        body = request.body or b""
        if isinstance(body, str):
            body = body.encode()
        if not isinstance(body, bytes | bytearray) or any("_" in name for name in request.headers):
            return None
        status, headers, content = self._call(_environ(request, bytes(body)))
        return AWSResponse(request.url, status, HTTPHeaders.from_pairs(headers), _Body(content))

    def _call(self, environ: WSGIEnvironment) -> tuple[int, list[tuple[str, str]], bytes]:
        begun: list[tuple[str, list[tuple[str, str]]]] = []

        def start(status: str, headers: list[tuple[str, str]], *_: Any) -> Any:
            begun.append((status, headers))
            return lambda _: None

        try:
            content = b"".join(self.application(environ, start))
        except Exception:
            # As the server does with a request by a socket.
            _logger.exception("%s %s failed", environ["REQUEST_METHOD"], environ["PATH_INFO"])
            return 500, [], b""
        status, headers = begun[-1]
        return int(status.partition(" ")[0]), headers, content


def _environ(request: AWSPreparedRequest, body: bytes) -> WSGIEnvironment:
    """Return a request as WSGI has it: see PEP 3333, and ``werkzeug.serving`` for what is more."""
    url = urlsplit(request.url)
    sent = f"{url.path or '/'}{f'?{url.query}' if url.query else ''}"
    environ: WSGIEnvironment = {
        "wsgi.version": (1, 0),
        "wsgi.url_scheme": url.scheme,
        "wsgi.input": io.BytesIO(body),
        "wsgi.errors": sys.stderr,
        "wsgi.multithread": True,
        "wsgi.multiprocess": False,
        "wsgi.run_once": False,
        "REQUEST_METHOD": request.method,
        "SCRIPT_NAME": "",
        "PATH_INFO": unquote_to_bytes(url.path or "/").decode("latin-1"),
        "QUERY_STRING": url.query,
        "REQUEST_URI": sent,
        "RAW_URI": sent,
        "REMOTE_ADDR": url.hostname,
        "SERVER_NAME": url.hostname,
        "SERVER_PORT": str(url.port),
        "SERVER_PROTOCOL": "HTTP/1.1",
        "HTTP_HOST": url.netloc,
    }
    headers: Any = request.headers
    for name, value in headers.items():
        key = name.upper().replace("-", "_")
        text = value.decode("latin-1") if isinstance(value, bytes) else str(value)
        environ[key if key in {"CONTENT_TYPE", "CONTENT_LENGTH"} else f"HTTP_{key}"] = text
    environ["CONTENT_LENGTH"] = str(len(body))
    return environ
