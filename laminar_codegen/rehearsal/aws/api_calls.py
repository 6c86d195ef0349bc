"""The calls that roles make: of state machines, of jobs and of functions; who called what, on what, with what answer.

Each role has an access key of its own, which names it; so a request tells by its signature who made it. What the
request asks for is read by botocore's model of the service, the other way round: from HTTP to the operation.
"""

from __future__ import annotations

import functools
from collections.abc import Callable, Iterable, Mapping
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qs

import attrs

from laminar_codegen.rehearsal.aws.announcer import Announcer
from laminar_codegen.rehearsal.aws.api_requests import RequestReader
from laminar_codegen.rehearsal.aws.clients import role_of

if TYPE_CHECKING:
    from wsgiref.types import StartResponse, WSGIApplication, WSGIEnvironment

__all__ = ["ApiCall", "CallObserver", "Calls", "signer"]


@attrs.frozen(kw_only=True)
class ApiCall:
    """One call that a role made.

    principal   the role's ARN
    service     as IAM names it: `s3`, `states`, `batch`
    operation   as the API names it: `GetObject`
    parameters  by the names that the API has for them, without what S3 stores
    status      of HTTP: S3 says 404 only to whom it lets list the bucket
    """

    principal: str
    service: str
    region: str
    operation: str
    parameters: Mapping[str, Any]
    status: int


CallObserver = Callable[[ApiCall], None]


@attrs.frozen
class Calls(Announcer[ApiCall]):
    """Tells an observer, if there is one, of calls as they are answered."""

    _reader: RequestReader = attrs.field(factory=RequestReader, init=False)

    def observed(self, application: WSGIApplication) -> WSGIApplication:
        """Return a server's application whose calls by roles are told."""
        return application if self.observer is None else functools.partial(self._answer, application)

    def _answer(self, application: WSGIApplication, environ: WSGIEnvironment, start: StartResponse) -> Iterable[bytes]:
        signed = signer(environ)
        if signed is None:
            return application(environ, start)
        role, region, service = signed
        request = self._reader.read(environ, service)

        def begin(status: str, *rest: Any) -> Any:
            call = ApiCall(
                principal=role,
                service=service,
                region=region,
                operation=request.operation,
                parameters=request.parameters,
                status=int(status.split(maxsplit=1)[0]),
            )
            self.tell(call)
            return start(status, *rest)

        return application(environ, begin)


def signer(environ: WSGIEnvironment) -> tuple[str, str, str] | None:
    """Which role signed a request, for which region and service; None if no role did.

    https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_sigv-authentication-methods.html
    """
    _, found, signed = environ.get("HTTP_AUTHORIZATION", "").partition("Credential=")
    if not found:
        signed = parse_qs(environ.get("QUERY_STRING", "")).get("X-Amz-Credential", [""])[0]
    key, _, scope = signed.partition(",")[0].partition("/")
    role, parts = role_of(key), scope.split("/")
    return None if role is None else (role, parts[1], parts[2])
