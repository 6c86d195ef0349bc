"""Who signed a request, for which region and service: the gate notes it, and what answers reads it.

https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_sigv-authentication-methods.html
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import attrs

if TYPE_CHECKING:
    from wsgiref.types import WSGIEnvironment

__all__ = ["ACCOUNT", "PLACE_HEADER", "Signature", "note_signature", "signature_of"]

#: The account of who has no role.
ACCOUNT = "123456789012"
#: The header in which a state says which one it is, as WSGI names it.
PLACE_HEADER = "HTTP_X_LAMINAR_PLACE"
_NOTED = "laminar.signature"


@attrs.frozen
class Signature:
    """Who signed a request, and for what.

    Args:
        role: The ARN of the role; None is who owns the account.
        region: The region.
        service: The service, as IAM names it.
        place: Where in the flow the request is made; empty if that is not known.
    """

    role: str | None
    region: str
    service: str
    place: str = ""

    @property
    def account(self) -> str:
        """The account: the role's, else the only one there is."""
        return ACCOUNT if self.role is None else self.role.split(":")[4]


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
