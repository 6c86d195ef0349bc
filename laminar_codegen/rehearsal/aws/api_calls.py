"""The API calls of roles: the caller, the operation, its parameters and its status.

The gate has read each request, and noted who signed it.
"""

from __future__ import annotations

import functools
from collections.abc import Callable, Iterable
from typing import TYPE_CHECKING, Any

import attrs

from laminar_codegen.rehearsal.aws.announcer import Announcer
from laminar_codegen.rehearsal.aws.signatures import signature_of
from laminar_codegen.rehearsal.permissions import Call

if TYPE_CHECKING:
    from wsgiref.types import StartResponse, WSGIApplication, WSGIEnvironment

__all__ = ["ApiCall", "CallObserver", "Calls"]


@attrs.frozen(kw_only=True)
class ApiCall(Call):
    """One call that a role made, and how it was answered.

    Args:
        status: The status of HTTP. S3 says 404 only to whom it lets list the bucket.
    """

    status: int


CallObserver = Callable[[ApiCall], None]


@attrs.frozen
class Calls(Announcer[ApiCall]):
    """Reports calls to an observer, if there is one, when they are answered."""

    def observe_calls(self, application: WSGIApplication) -> WSGIApplication:
        """Return a server's application that reports the calls of roles."""
        return application if self.observer is None else functools.partial(self._answer, application)

    def _answer(self, application: WSGIApplication, environ: WSGIEnvironment, start: StartResponse) -> Iterable[bytes]:
        signature = signature_of(environ)
        if signature is None or signature.role is None:
            return application(environ, start)
        asked = attrs.asdict(signature.call, recurse=False)

        def begin(status: str, *rest: Any) -> Any:
            call = ApiCall(**asked, status=int(status.split(maxsplit=1)[0]))
            self.announce(call)
            return start(status, *rest)

        return application(environ, begin)
