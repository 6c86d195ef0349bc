"""The API calls of roles: the caller, the operation, its parameters and its status.

Each role has its own access key, so the signature of a request identifies the caller. botocore's model of the service
is used in reverse to read the operation and its parameters from the HTTP request.
"""

from __future__ import annotations

import functools
from collections.abc import Callable, Iterable, Mapping
from typing import TYPE_CHECKING, Any

import attrs

from laminar_codegen.rehearsal.aws.announcer import Announcer
from laminar_codegen.rehearsal.aws.api_requests import RequestReader
from laminar_codegen.rehearsal.aws.signatures import signature_of

if TYPE_CHECKING:
    from wsgiref.types import StartResponse, WSGIApplication, WSGIEnvironment

__all__ = ["ApiCall", "CallObserver", "Calls"]


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
    """Reports calls to an observer, if there is one, when they are answered."""

    _reader: RequestReader = attrs.field(factory=RequestReader, init=False)

    def observe_calls(self, application: WSGIApplication) -> WSGIApplication:
        """Return a server's application that reports the calls of roles."""
        return application if self.observer is None else functools.partial(self._answer, application)

    def _answer(self, application: WSGIApplication, environ: WSGIEnvironment, start: StartResponse) -> Iterable[bytes]:
        signature = signature_of(environ)
        if signature is None or signature.role is None:
            return application(environ, start)
        role, region, service = signature.role, signature.region, signature.service
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
            self.announce(call)
            return start(status, *rest)

        return application(environ, begin)
