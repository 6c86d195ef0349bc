"""Credentials of a rehearsal: what signs a request, and what does not."""

from __future__ import annotations

import io
from typing import Any
from urllib.parse import unquote, urlsplit

import pytest
from botocore.auth import S3SigV4Auth, S3SigV4QueryAuth, SigV4Auth
from botocore.awsrequest import AWSRequest
from botocore.credentials import Credentials as Keys

from laminar_codegen.rehearsal.credentials import Credentials, Keyring, SignatureError

ROLE = "arn:aws:iam::123456789012:role/task"
HOST = "http://127.0.0.1:5000"


def environ(request: AWSRequest) -> dict[str, Any]:
    """Return a request as a WSGI server hands it over."""
    prepared = request.prepare()
    parts = urlsplit(prepared.url)
    body = prepared.body or b""
    body = body.encode() if isinstance(body, str) else body
    headers = {name.upper().replace("-", "_"): text(value) for name, value in prepared.headers.items()}
    return {
        "REQUEST_METHOD": prepared.method,
        "REQUEST_URI": parts.path + (f"?{parts.query}" if parts.query else ""),
        "PATH_INFO": unquote(parts.path),
        "QUERY_STRING": parts.query,
        "HTTP_HOST": parts.netloc,
        "CONTENT_LENGTH": str(len(body)),
        "CONTENT_TYPE": headers.get("CONTENT_TYPE", ""),
        "wsgi.input": io.BytesIO(body),
        **{f"HTTP_{name}": value for name, value in headers.items()},
    }


def text(value: str | bytes) -> str:
    return value.decode() if isinstance(value, bytes) else value


def signed(keys: Credentials, request: AWSRequest, service: str = "batch", auth: Any = SigV4Auth) -> dict[str, Any]:
    """Return a request that botocore signed."""
    auth(Keys(keys.access_key, keys.secret_key), service, "eu-west-1").add_auth(request)
    return environ(request)


def submission(**changes: Any) -> AWSRequest:
    return AWSRequest(**{"method": "POST", "url": f"{HOST}/v1/submitjob", "data": b'{"jobName": "x"}', **changes})


def test_the_holder_of_a_signature_is_found() -> None:
    """A request says by its signature which role made it, and where."""
    keyring = Keyring()
    issued = keyring.issue(ROLE, "Work[3]")
    request = signed(issued.credentials, submission())
    found, parts = keyring.verify(request)
    assert (found.role, found.place, parts.service, parts.region) == (ROLE, "Work[3]", "batch", "eu-west-1")
    assert request["wsgi.input"].read() == b'{"jobName": "x"}'
    assert keyring.issue(ROLE, "Work[3]") is issued
    assert keyring.verify(signed(keyring.owner, submission()))[0].role is None


@pytest.mark.parametrize("key", ["a/b c", "a+b%25", "Grüße/@1", "a//b/../c", "x?y&z=1"])
@pytest.mark.parametrize("auth", [S3SigV4Auth, S3SigV4QueryAuth])
def test_keys_of_objects(key: str, auth: Any) -> None:
    """Paths are signed as they are sent."""
    from urllib.parse import quote

    keyring = Keyring()
    request = AWSRequest(method="GET", url=f"{HOST}/bucket/{quote(key)}?versionId=1&list")
    if auth is S3SigV4QueryAuth:
        request = AWSRequest(method="GET", url=f"{HOST}/bucket/{quote(key)}")
    assert keyring.verify(signed(keyring.owner, request, "s3", auth))[0].credentials == keyring.owner


def test_a_path_with_an_arn() -> None:
    """All services but S3 sign a path that is encoded twice."""
    keyring = Keyring()
    url = f"{HOST}/2015-03-31/functions/arn%3Aaws%3Alambda%3Aeu-west-1%3A1%3Afunction%3Af/invocations"
    assert keyring.verify(signed(keyring.owner, submission(url=url), "lambda"))[0].role is None


@pytest.mark.parametrize(
    ("change", "code"),
    [
        ({"HTTP_AUTHORIZATION": ""}, "MissingAuthenticationToken"),
        ({"HTTP_AUTHORIZATION": "Basic abc"}, "MissingAuthenticationToken"),
        ({"wsgi.input": io.BytesIO(b'{"jobName": "y"}')}, "SignatureDoesNotMatch"),
        ({"REQUEST_URI": "/v1/terminatejob"}, "SignatureDoesNotMatch"),
        ({"REQUEST_METHOD": "PUT"}, "SignatureDoesNotMatch"),
        ({"HTTP_HOST": "attacker.example"}, "SignatureDoesNotMatch"),
        ({"HTTP_X_AMZ_DATE": "20200101T000000Z"}, "RequestTimeTooSkewed"),
        ({"HTTP_X_AMZ_DATE": "yesterday"}, "IncompleteSignature"),
    ],
)
def test_what_was_not_signed_is_refused(change: dict[str, Any], code: str) -> None:
    """A request that was changed after it was signed, or never signed, is nobody's."""
    keyring = Keyring()
    request = {**signed(keyring.owner, submission()), **change}
    with pytest.raises(SignatureError) as raised:
        keyring.verify(request)
    assert raised.value.code == code


def test_a_body_that_was_not_signed() -> None:
    """S3's callers state the digest of a body: another body is refused."""
    keyring = Keyring()
    asked = AWSRequest(method="PUT", url=f"{HOST}/bucket/key", data=b"one")
    request = {**signed(keyring.owner, asked, "s3", S3SigV4Auth), "wsgi.input": io.BytesIO(b"two")}
    assert len(request["HTTP_X_AMZ_CONTENT_SHA256"]) == 64
    with pytest.raises(SignatureError) as raised:
        keyring.verify(request)
    assert raised.value.code == "XAmzContentSHA256Mismatch"


def test_an_address_that_expired() -> None:
    """A signature in an address is good for as long as it says."""
    keyring = Keyring()
    asked = AWSRequest(method="GET", url=f"{HOST}/bucket/key")
    request = signed(keyring.owner, asked, "s3", lambda *given: S3SigV4QueryAuth(*given, expires=-1))
    with pytest.raises(SignatureError) as raised:
        keyring.verify(request)
    assert raised.value.code == "AccessDenied"


def test_a_host_that_is_not_signed() -> None:
    """A signature without the host is good for no host."""
    keyring = Keyring()
    request = signed(keyring.owner, submission())
    header = request["HTTP_AUTHORIZATION"].replace("SignedHeaders=host;", "SignedHeaders=")
    with pytest.raises(SignatureError) as raised:
        keyring.verify({**request, "HTTP_AUTHORIZATION": header})
    assert raised.value.code == "SignatureDoesNotMatch"


def test_other_credentials_are_refused() -> None:
    """Credentials of another rehearsal, or guessed ones, are refused."""
    one, other = Keyring(), Keyring()
    with pytest.raises(SignatureError) as raised:
        one.verify(signed(other.owner, submission()))
    assert raised.value.code == "InvalidClientTokenId"
    guessed = Credentials(one.owner.access_key, "embedded")
    with pytest.raises(SignatureError) as raised:
        one.verify(signed(guessed, submission()))
    assert raised.value.code == "SignatureDoesNotMatch"


def test_secrets_are_not_shown() -> None:
    """Logs show no secret key."""
    keyring = Keyring()
    assert keyring.owner.secret_key not in repr(keyring.issue(None))
