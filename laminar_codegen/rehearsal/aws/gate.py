"""Who gets in: the outermost layer of the embedded AWS. Each request is checked before anything looks at it.

In this order: a request comes from this machine and from no web page; credentials of this rehearsal signed it; its
parameters are what the API's model takes; and the policies of the role that signed it allow it, if they are enforced.
"""

from __future__ import annotations

import io
from collections.abc import Callable, Iterable, Mapping
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qsl, unquote

from laminar_codegen.rehearsal.aws.api_requests import RequestReader
from laminar_codegen.rehearsal.aws.signatures import ACCOUNT, PLACE_HEADER, Signature, note_signature
from laminar_codegen.rehearsal.constraints import broken_constraints
from laminar_codegen.rehearsal.credentials import Keyring, SignatureError
from laminar_codegen.rehearsal.permissions import Call, Guard, Need
from laminar_codegen.rehearsal.permissions.refusals import Response, answer, refuse_access

if TYPE_CHECKING:
    from wsgiref.types import StartResponse, WSGIApplication, WSGIEnvironment

__all__ = ["Gate", "RoleCheck"]

#: Says why a request may not give a role to a service, None if it may. It is asked with the request's call.
RoleCheck = Callable[[Call], "tuple[str, str] | None"]

#: Where moto has what nobody may do here, such as forgetting everything.
_MOTO = "/moto-api"
_LOOPBACK = ("127.0.0.1", "localhost")
#: Services whose requests are JSON in whole: the parameters of others are partly read.
_CHECKED = frozenset({"batch", "events", "logs", "scheduler", "secretsmanager", "ssm", "states"})
_FORBIDDEN = "403 Forbidden"
_MISSING = ("GetObject", "HeadObject")
_OWNER = f"arn:aws:iam::{ACCOUNT}:root"


class Gate:
    """An application in front of all others.

    Args:
        application: What answers the requests that get in.
        keyring: The credentials of this rehearsal.
        guard: Decides what roles may do; None if all of them may do everything.
        roles: Says why a request may not give a role to a service.
    """

    def __init__(
        self, application: WSGIApplication, keyring: Keyring, guard: Callable[[], Guard] | None, roles: RoleCheck | None
    ) -> None:
        self._application = application
        self._keyring = keyring
        self._guard = guard
        self._roles = roles
        self._reader = RequestReader()

    def __call__(self, environ: WSGIEnvironment, start: StartResponse) -> Iterable[bytes]:
        """Answer a request."""
        if not _is_local(environ):
            return _respond(Response(_FORBIDDEN, (("Content-Type", "text/plain"),), b"not for you\n"), start)
        try:
            issued, signed = self._keyring.verify(environ)
        except SignatureError as error:
            service = _service_of(environ)
            return _respond(answer(service, error.code, str(error), _FORBIDDEN), start)
        place = issued.place or unquote(environ.get(PLACE_HEADER, ""))
        request = self._reader.read(environ, signed.service)
        call = Call(
            principal=issued.role or _OWNER,
            service=signed.service,
            region=signed.region,
            operation=request.operation,
            parameters=request.parameters,
            place=place,
        )
        note_signature(environ, Signature(issued.role, call))
        refused = _check_constraints(call) or self._check_permission(call, issued.role) or self._check_roles(call)
        if refused is not None:
            return _respond(refused, start)
        if self._guard is not None and issued.role is not None and call.service == "s3" and call.operation in _MISSING:
            return self._answer_reading(call, environ, start)
        if self._guard is not None and call.service == "iam" and _changes_roles(environ):
            answered = self._application(environ, start)
            self._guard().forget()
            return answered
        return self._application(environ, start)

    def _check_permission(self, call: Call, role: str | None) -> Response | None:
        if self._guard is None or role is None:
            return None
        refusal = self._guard().decide(call)
        return None if refusal is None else refuse_access(call.service, refusal.message)

    def _check_roles(self, call: Call) -> Response | None:
        refused = None if self._roles is None else self._roles(call)
        return None if refused is None else answer(call.service, *refused, "400 Bad Request")

    def _answer_reading(self, call: Call, environ: WSGIEnvironment, start: StartResponse) -> Iterable[bytes]:
        """Answer who reads an object: that it is missing is for those only who may list the bucket.

        https://docs.aws.amazon.com/AmazonS3/latest/API/API_GetObject.html
        """
        refusals: list[Response] = []

        def begin(status: str, headers: list[tuple[str, str]], *rest: Any) -> Any:
            refused = self._check_listing(call) if status.startswith("404") else None
            if refused is None:
                return start(status, headers, *rest)
            refusals.append(refused)
            return lambda _: None

        body = self._application(environ, begin)
        return _respond(refusals[0], start) if refusals else body

    def _check_listing(self, call: Call) -> Response | None:
        if self._guard is None:
            return None
        bucket = f"arn:{call.partition}:s3:::{call.parameters.get('Bucket', '')}"
        refusal = self._guard().check(call, [Need("s3:ListBucket", bucket)])
        return None if refusal is None else refuse_access("s3", refusal.message)


def _check_constraints(call: Call) -> Response | None:
    if call.service not in _CHECKED:
        return None
    broken = broken_constraints(call.service, call.operation, call.parameters)
    if not broken:
        return None
    code = "ClientException" if call.service == "batch" else "ValidationException"
    message = f"{len(broken)} validation error{'s' if len(broken) > 1 else ''} detected: {'; '.join(broken)}"
    return answer(call.service, code, message, "400 Bad Request")


def _changes_roles(environ: WSGIEnvironment) -> bool:
    """Return whether a request to IAM may change something: all but those that get or list."""
    content = environ["wsgi.input"].read(int(environ.get("CONTENT_LENGTH") or 0))
    environ["wsgi.input"] = io.BytesIO(content)
    action = dict(parse_qsl(content.decode("utf-8", "replace"))).get("Action", "")
    return not action.startswith(("Get", "List"))


def _is_local(environ: Mapping[str, Any]) -> bool:
    """Return whether a request is for AWS at this address, by its own name, and from no page of a browser."""
    if environ.get("PATH_INFO", "").startswith(_MOTO):
        return False
    host, _, port = environ.get("HTTP_HOST", "").rpartition(":")
    return host in _LOOPBACK and port == str(environ.get("SERVER_PORT", "")) and "HTTP_ORIGIN" not in environ


def _service_of(environ: Mapping[str, Any]) -> str:
    """Return the service that a request is for, as far as that can be seen without a signature that holds."""
    _, _, scope = environ.get("HTTP_AUTHORIZATION", "").partition("Credential=")
    parts = scope.partition(",")[0].split("/")
    return parts[3] if len(parts) > 4 else "s3"  # noqa: PLR2004 - key, date, region, service, end


def _respond(response: Response, start: StartResponse) -> Iterable[bytes]:
    start(response.status, [*response.headers, ("Content-Length", str(len(response.body)))])
    return [response.body]
