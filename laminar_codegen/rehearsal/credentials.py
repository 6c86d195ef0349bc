"""Credentials that are made at random for one rehearsal, and the signatures that requests have by them.

Nobody else on this machine knows them: a request without one of their signatures is refused, as AWS refuses it.
https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_sigv.html
"""

from __future__ import annotations

import datetime as dt
import hashlib
import hmac
import io
import re
import secrets
import string
import threading
from typing import TYPE_CHECKING
from urllib.parse import parse_qsl, quote

import attrs

if TYPE_CHECKING:
    from wsgiref.types import WSGIEnvironment

__all__ = ["Credentials", "Issued", "Keyring", "SignatureError"]

_DIGEST = re.compile("[0-9a-f]{64}")
_ALPHABET = string.ascii_uppercase + string.digits
#: How far the clock of a caller may be from this one: https://docs.aws.amazon.com/AmazonS3/latest/API/sigv4-query-string-auth.html
_SKEW = dt.timedelta(minutes=15)
#: How many seconds a signature in an address is good for, at most.
_LONGEST = 604_800


class SignatureError(Exception):
    """A request that is not signed by credentials of this rehearsal.

    Args:
        code: The code that AWS answers.
        message: Its message.
    """

    def __init__(self, code: str, message: str) -> None:
        super().__init__(message)
        self.code = code


@attrs.frozen
class Credentials:
    """An access key.

    Args:
        access_key: Its id.
        secret_key: The secret.
    """

    access_key: str
    secret_key: str = attrs.field(repr=False)


@attrs.frozen
class Issued:
    """Whom credentials were issued to.

    Args:
        credentials: The credentials.
        role: The ARN of the role that they are of, None for the owner of the account.
        place: Where in the flow they are used: a layer and its split, say. Empty if that is not known.
    """

    credentials: Credentials
    role: str | None
    place: str = ""


@attrs.frozen
class Signed:
    """The part of a request that says who signed it."""

    access_key: str
    region: str
    service: str
    headers: tuple[str, ...]
    signature: str
    timestamp: str
    expires: int | None

    @property
    def in_query(self) -> bool:
        """Whether the signature is in the address, which is good for some time."""
        return self.expires is not None


class Keyring:
    """The credentials of one rehearsal."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._issued: dict[str, Issued] = {}
        self._by_holder: dict[tuple[str | None, str], Issued] = {}
        self.owner = self.issue(None).credentials

    def issue(self, role: str | None, place: str = "") -> Issued:
        """Return the credentials of a role at a place; the same ones each time.

        Args:
            role: The role's ARN, None for the owner of the account.
            place: Where in the flow they are used.
        """
        with self._lock:
            found = self._by_holder.get((role, place))
            if found is None:
                found = Issued(_random(), role, place)
                self._by_holder[role, place] = self._issued[found.credentials.access_key] = found
            return found

    def verify(self, environ: WSGIEnvironment) -> tuple[Issued, Signed]:
        """Return whom a request is from.

        Args:
            environ: The request. Its body can be read again.

        Returns:
            Whom the credentials were issued to, and what was signed.

        Raises:
            SignatureError: If no credentials of this rehearsal signed the request as it is.
        """
        signed = _read(environ)
        found = self._issued.get(signed.access_key)
        if found is None:
            raise SignatureError("InvalidClientTokenId", "The security token included in the request is invalid.")
        _check_time(signed)
        expected = _sign(environ, signed, found.credentials)
        if not hmac.compare_digest(expected, signed.signature):
            message = "The request signature we calculated does not match the signature you provided."
            raise SignatureError("SignatureDoesNotMatch", message)
        return found, signed


def _random() -> Credentials:
    return Credentials("ASIA" + "".join(secrets.choice(_ALPHABET) for _ in range(16)), secrets.token_urlsafe(30))


def _read(environ: WSGIEnvironment) -> Signed:
    header = environ.get("HTTP_AUTHORIZATION", "")
    query = dict(parse_qsl(environ.get("QUERY_STRING", ""), keep_blank_values=True))
    try:
        if header:
            words = dict(word.strip().split("=", 1) for word in header.split(" ", 1)[1].split(","))
            stamp = environ.get("HTTP_X_AMZ_DATE", "")
            return _signature(words["Credential"], words["SignedHeaders"], words["Signature"], stamp)
        names = ("X-Amz-Credential", "X-Amz-SignedHeaders", "X-Amz-Signature", "X-Amz-Date")
        credential, headers, signature, stamp = (query[name] for name in names)
        return _signature(credential, headers, signature, stamp, int(query["X-Amz-Expires"]))
    except (KeyError, IndexError, ValueError):
        raise SignatureError("MissingAuthenticationToken", "Request is missing Authentication Token") from None


def _signature(credential: str, headers: str, signature: str, stamp: str, expires: int | None = None) -> Signed:
    access_key, _, region, service, _ = credential.split("/")
    names = tuple(headers.split(";"))
    if "host" not in names:
        raise SignatureError("SignatureDoesNotMatch", "'Host' must be a signed header of the request.")
    return Signed(access_key, region, service, names, signature, stamp, expires)


def _check_time(signed: Signed) -> None:
    try:
        moment = dt.datetime.strptime(signed.timestamp, "%Y%m%dT%H%M%SZ").replace(tzinfo=dt.UTC)
    except ValueError:
        raise SignatureError("IncompleteSignature", f"Date must be in ISO-8601: {signed.timestamp!r}") from None
    age = dt.datetime.now(dt.UTC) - moment
    if signed.expires is not None and not -_SKEW <= age <= dt.timedelta(seconds=min(signed.expires, _LONGEST)):
        raise SignatureError("AccessDenied", "Request has expired")
    if not signed.in_query and abs(age) > _SKEW:
        message = "The difference between the request time and the current time is too large."
        raise SignatureError("RequestTimeTooSkewed", message)


def _sign(environ: WSGIEnvironment, signed: Signed, credentials: Credentials) -> str:
    """Return the signature that a request has if it was signed by some credentials."""
    from botocore.auth import SigV4Auth
    from botocore.awsrequest import AWSRequest
    from botocore.credentials import Credentials as Keys

    signer = SigV4Auth(Keys(credentials.access_key, credentials.secret_key), signed.service, signed.region)
    request = AWSRequest()
    request.context["timestamp"] = signed.timestamp
    return str(signer.signature(signer.string_to_sign(request, _canonical(environ, signed)), request))


def _canonical(environ: WSGIEnvironment, signed: Signed) -> str:
    """Return a request in the form that is signed.

    https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_sigv-create-signed-request.html
    """
    path, _, query = str(environ.get("RAW_URI") or environ["REQUEST_URI"]).partition("?")
    # S3 has its paths encoded once, all others twice.
    path = path if signed.service == "s3" else quote(path, safe="/~")
    pairs = sorted(pair if "=" in pair else f"{pair}=" for pair in query.split("&") if pair)
    pairs = [pair for pair in pairs if not (signed.in_query and pair.startswith("X-Amz-Signature="))]
    headers = [f"{name}:{' '.join(_header(environ, name).split())}\n" for name in signed.headers]
    parts = (path, "&".join(pairs), "".join(headers), ";".join(signed.headers), _payload(environ, signed))
    return "\n".join((environ["REQUEST_METHOD"], *parts))


def _header(environ: WSGIEnvironment, name: str) -> str:
    key = name.upper().replace("-", "_")
    return str(environ.get(key if key in ("CONTENT_TYPE", "CONTENT_LENGTH") else f"HTTP_{key}", ""))


def _payload(environ: WSGIEnvironment, signed: Signed) -> str:
    """Return the digest of the body. Callers of S3 state it, and state for streams that it is not signed."""
    stated = str(environ.get("HTTP_X_AMZ_CONTENT_SHA256") or "")
    if signed.in_query and signed.service == "s3":
        return stated or "UNSIGNED-PAYLOAD"
    if stated and not (_DIGEST.fullmatch(stated) and "CONTENT_LENGTH" in environ):
        return stated
    content = environ["wsgi.input"].read(int(environ.get("CONTENT_LENGTH") or 0))
    environ["wsgi.input"] = io.BytesIO(content)
    found = hashlib.sha256(content).hexdigest()
    if stated not in ("", found):
        message = "The provided 'x-amz-content-sha256' header does not match what was computed."
        raise SignatureError("XAmzContentSHA256Mismatch", message)
    return found
