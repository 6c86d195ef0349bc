"""Who signed a request, and what it asks for: the gate reads both once, and what answers finds them in the request.

https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_sigv-authentication-methods.html
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import attrs

from laminar_codegen.rehearsal.permissions import Call

if TYPE_CHECKING:
    from wsgiref.types import WSGIEnvironment

__all__ = ["ACCOUNT", "PLACE_HEADER", "Signature", "note_signature", "signature_of"]

#: The one account that there is, as in moto by default.
ACCOUNT = "123456789012"
#: The header in which a state says which one it is, as WSGI names it.
PLACE_HEADER = "HTTP_X_LAMINAR_PLACE"
_NOTED = "laminar.signature"


@attrs.frozen
class Signature:
    """Who signed a request, and for what.

    Args:
        role: The ARN of the role; None is who owns the account.
        call: What is asked for.
    """

    role: str | None
    call: Call

    @property
    def region(self) -> str:
        """The region."""
        return self.call.region

    @property
    def account(self) -> str:
        """The account."""
        return self.call.account

    @property
    def service(self) -> str:
        """The service, as IAM names it."""
        return self.call.service


def note_signature(environ: WSGIEnvironment, signature: Signature) -> None:
    """Note the signature of a request, which was verified.

    Args:
        environ: The request.
        signature: Its signature.
    """
    environ[_NOTED] = signature


def signature_of(environ: WSGIEnvironment) -> Signature | None:
    """Return the signature of a request, None if none was noted.

    Args:
        environ: The request.
    """
    found: Signature | None = environ.get(_NOTED)
    return found
