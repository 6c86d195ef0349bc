"""Who signed a request, for which region and service.

https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_sigv-authentication-methods.html
"""

from __future__ import annotations

from typing import TYPE_CHECKING
from urllib.parse import parse_qs

import attrs

from laminar_codegen.rehearsal.aws.clients import role_of

if TYPE_CHECKING:
    from wsgiref.types import WSGIEnvironment

__all__ = ["Signature", "signature_of"]

_SCOPE_PARTS = 3


@attrs.frozen
class Signature:
    """Who signed a request, and for what.

    Args:
        role: The ARN of the role; None is who owns the account.
        region: The region.
        service: The service, as IAM names it.
    """

    role: str | None
    region: str
    service: str


def signature_of(environ: WSGIEnvironment) -> Signature | None:
    """Return the signature of a request, None if it has none."""
    _, found, signed = environ.get("HTTP_AUTHORIZATION", "").partition("Credential=")
    if not found:
        signed = parse_qs(environ.get("QUERY_STRING", "")).get("X-Amz-Credential", [""])[0]
    key, _, scope = signed.partition(",")[0].partition("/")
    parts = scope.split("/")
    return None if len(parts) < _SCOPE_PARTS else Signature(role_of(key), parts[1], parts[2])
