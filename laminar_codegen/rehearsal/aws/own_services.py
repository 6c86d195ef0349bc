"""Services of which the embedded AWS answers operations itself, before moto sees the requests.

Most services are tables of operations. An operation is given what is asked for, and gives the answer; None has moto
answer, which keeps the records.
"""

from __future__ import annotations

import io
import json
import uuid
from collections.abc import Callable, Iterable, Mapping
from typing import TYPE_CHECKING, Any, Protocol

import attrs

from laminar_codegen.rehearsal.aws.signatures import Signature, signature_of

if TYPE_CHECKING:
    from wsgiref.types import StartResponse, WSGIApplication, WSGIEnvironment

__all__ = ["Answer", "Asked", "Operation", "Operations", "OwnServices", "Service", "ServiceError", "answer_json"]


@attrs.frozen
class Asked:
    """What is asked for.

    Args:
        parameters: By the names that the API has for them.
        signature: Who asks, and where.
        environ: The request. Its body can be read again.
    """

    parameters: Mapping[str, Any]
    signature: Signature
    environ: WSGIEnvironment = attrs.field(repr=False)

    @property
    def body(self) -> bytes:
        """The body of the request."""
        content: bytes = self.environ["wsgi.input"].read(int(self.environ.get("CONTENT_LENGTH") or 0))
        self.environ["wsgi.input"] = io.BytesIO(content)
        return content


@attrs.frozen
class Answer:
    """An answer.

    Args:
        body: Its body.
        status: Of HTTP.
        headers: Its headers besides those that each answer has.
    """

    body: bytes
    status: int = 200
    headers: tuple[tuple[str, str], ...] = ()


class ServiceError(Exception):
    """What a service refuses.

    Args:
        code: The code of its error.
        message: What is wrong.
        status: Of HTTP.
    """

    def __init__(self, code: str, message: str, status: int = 400) -> None:
        super().__init__(message)
        self.code = code
        self.status = status


Operation = Callable[[Asked], Answer | None]


class Service(Protocol):
    """A service."""

    def concerns(self, environ: WSGIEnvironment) -> bool:
        """Whether a request may be one that it answers."""

    def find(self, operation: str) -> Operation | None:
        """Return what answers an operation, None if moto does."""


class Operations:
    """A service that is a table of operations."""

    operations: Mapping[str, Operation]

    def concerns(self, environ: WSGIEnvironment) -> bool:
        """Whether a request may be one that it answers."""
        del environ
        return True

    def find(self, operation: str) -> Operation | None:
        """Return what answers an operation, None if moto does."""
        return self.operations.get(operation)


def answer_json(value: Any) -> Answer:
    """Return an answer with JSON."""
    return Answer(json.dumps(value).encode())


class OwnServices:
    """An application in front of moto's.

    Args:
        application: moto's.
        services: Make the services by their names in signatures, when they are first called.
    """

    def __init__(self, application: WSGIApplication, services: Mapping[str, Callable[[], Service]]) -> None:
        self._application = application
        self._services = services

    def __call__(self, environ: WSGIEnvironment, start: StartResponse) -> Iterable[bytes]:
        """Answer a request."""
        signature = signature_of(environ)
        if signature is None or signature.service not in self._services:
            return self._application(environ, start)
        service = self._services[signature.service]()
        if not service.concerns(environ):
            return self._application(environ, start)
        operation = service.find(signature.call.operation)
        if operation is None:
            return self._application(environ, start)
        try:
            answer = operation(Asked(signature.call.parameters, signature, environ))
        except ServiceError as error:
            answer = _refusal(error)
        return self._application(environ, start) if answer is None else _respond(answer, start)


def _refusal(error: ServiceError) -> Answer:
    body = {"__type": error.code, "message": str(error), "Message": str(error)}
    return Answer(json.dumps(body).encode(), error.status, (("x-amzn-ErrorType", error.code),))


def _respond(answer: Answer, start: StartResponse) -> Iterable[bytes]:
    headers = {
        "Content-Type": "application/x-amz-json-1.0",
        "Content-Length": str(len(answer.body)),
        "x-amzn-RequestId": str(uuid.uuid4()),
        **dict(answer.headers),
    }
    start(f"{answer.status} {'OK' if answer.status < 400 else 'Error'}", list(headers.items()))  # noqa: PLR2004 - errors of HTTP
    return [answer.body]
