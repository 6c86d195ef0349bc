"""Who gets into the embedded AWS, and what is checked of a request before anything answers it."""

from __future__ import annotations

import io
from collections.abc import Callable, Iterable
from typing import Any
from urllib.parse import unquote, urlsplit

import pytest
from botocore.auth import S3SigV4Auth, SigV4Auth
from botocore.awsrequest import AWSRequest
from botocore.credentials import Credentials as Keys

from laminar_codegen.rehearsal.aws.gate import Gate
from laminar_codegen.rehearsal.aws.signatures import signature_of
from laminar_codegen.rehearsal.credentials import Credentials, Keyring
from laminar_codegen.rehearsal.permissions import Guard, Roles
from tests.support.fake_iam import ROLE, FakeIam

HOST = "127.0.0.1:5000"
READ = {"Effect": "Allow", "Action": "s3:GetObject", "Resource": "arn:aws:s3:::bucket/*"}
LIST = {"Effect": "Allow", "Action": "s3:ListBucket", "Resource": "arn:aws:s3:::bucket"}
START = b'{"stateMachineArn": "arn:aws:states:us-east-1:123456789012:stateMachine:M"}'


def request(
    keys: Credentials, method: str, path: str, service: str, body: bytes = b"", **headers: str
) -> dict[str, Any]:
    """Return a signed request as a WSGI server hands it over."""
    signed = AWSRequest(method=method, url=f"http://{HOST}{path}", data=body, headers=headers)
    auth = S3SigV4Auth if service == "s3" else SigV4Auth
    auth(Keys(keys.access_key, keys.secret_key), service, "us-east-1").add_auth(signed)
    prepared = signed.prepare()
    parts = urlsplit(prepared.url)
    names = {name.upper().replace("-", "_"): _text(value) for name, value in prepared.headers.items()}
    return {
        "REQUEST_METHOD": method,
        "REQUEST_URI": parts.path + (f"?{parts.query}" if parts.query else ""),
        "PATH_INFO": unquote(parts.path),
        "QUERY_STRING": parts.query,
        "SERVER_PORT": "5000",
        "CONTENT_LENGTH": str(len(body)),
        "CONTENT_TYPE": headers.get("Content-Type", ""),
        "wsgi.input": io.BytesIO(body),
        **{f"HTTP_{name}": value for name, value in names.items()},
        "HTTP_HOST": HOST,
    }


def _text(value: str | bytes) -> str:
    return value.decode() if isinstance(value, bytes) else value


class Answering:
    """An application behind the gate, which keeps the requests that get in."""

    def __init__(self, status: str = "200 OK") -> None:
        self.status = status
        self.entered: list[Any] = []

    def __call__(self, environ: Any, start: Callable[..., Any]) -> Iterable[bytes]:
        self.entered.append(signature_of(environ))
        start(self.status, [])
        return [b"answered"]


def ask(gate: Gate, environ: dict[str, Any]) -> tuple[str, str]:
    """Return the status and the body of an answer."""
    statuses: list[str] = []
    body = b"".join(gate(environ, lambda status, *_: statuses.append(status)))  # type: ignore[arg-type,return-value]
    (status,) = statuses
    return status, body.decode()


@pytest.fixture
def keyring() -> Keyring:
    return Keyring()


def test_a_signed_request_gets_in(keyring: Keyring) -> None:
    """What answers finds who asks, and what for: the request is read once."""
    behind = Answering()
    issued = keyring.issue(ROLE, "job Report-Work[3]")
    asked = request(issued.credentials, "GET", "/bucket/a/key", "s3")
    assert ask(Gate(behind, keyring, None, None), asked) == ("200 OK", "answered")
    (signature,) = behind.entered
    assert (signature.role, signature.service, signature.region) == (ROLE, "s3", "us-east-1")
    assert (signature.call.operation, signature.call.place) == ("GetObject", "job Report-Work[3]")
    assert signature.call.parameters == {"Bucket": "bucket", "Key": "a/key"}


@pytest.mark.parametrize(
    "change",
    [
        {"HTTP_HOST": "attacker.example:5000"},
        {"HTTP_HOST": "127.0.0.1:5001"},
        {"HTTP_ORIGIN": "https://attacker.example"},
        {"HTTP_AUTHORIZATION": ""},
        {"REQUEST_METHOD": "DELETE"},
    ],
    ids=["another host", "another port", "a page of a browser", "no signature", "another request"],
)
def test_nobody_else_gets_in(change: dict[str, str], keyring: Keyring) -> None:
    """A request of somebody else is refused, and nothing sees it."""
    behind = Answering()
    asked = {**request(keyring.owner, "GET", "/bucket/key", "s3"), **change}
    status, _ = ask(Gate(behind, keyring, None, None), asked)
    assert status == "403 Forbidden"
    assert behind.entered == []


@pytest.mark.parametrize("path", ["/moto-api/reset", "/moto-api/"])
def test_the_endpoints_of_moto_are_closed(path: str, keyring: Keyring) -> None:
    """Nobody can wipe the embedded AWS by a request, whoever signs it."""
    behind = Answering()
    assert ask(Gate(behind, keyring, None, None), request(keyring.owner, "POST", path, "s3"))[0] == "403 Forbidden"
    assert behind.entered == []


def test_parameters_are_held_against_the_model(keyring: Keyring) -> None:
    """A request that the API's model does not take is refused as the service does it."""
    behind = Answering()
    headers = {"X-Amz-Target": "AWSStepFunctions.StartExecution", "Content-Type": "application/x-amz-json-1.0"}
    gate = Gate(behind, keyring, None, None)
    assert ask(gate, request(keyring.owner, "POST", "/", "states", START, **headers))[0] == "200 OK"
    wrong = START.replace(b"}", b', "name": "' + b"n" * 81 + b'"}')
    status, body = ask(gate, request(keyring.owner, "POST", "/", "states", wrong, **headers))
    assert status == "400 Bad Request"
    assert "1 validation error detected: name: has 81 characters" in body
    assert len(behind.entered) == 1


def guarded(behind: Answering, keyring: Keyring, *statements: Any) -> Gate:
    guard = Guard(Roles(FakeIam(*statements)))
    return Gate(behind, keyring, lambda: guard, None)


def test_roles_are_held_to_their_policies(keyring: Keyring) -> None:
    """What a role's policies do not allow is refused; the owner of the account may do everything."""
    behind = Answering()
    gate = guarded(behind, keyring, READ)
    role = keyring.issue(ROLE).credentials
    assert ask(gate, request(role, "GET", "/bucket/key", "s3"))[0] == "200 OK"
    status, body = ask(gate, request(role, "PUT", "/bucket/key", "s3", b"x"))
    assert status == "403 Forbidden"
    assert "is not authorized to perform: s3:PutObject on resource: arn:aws:s3:::bucket/key" in body
    assert ask(gate, request(keyring.owner, "PUT", "/bucket/key", "s3", b"x"))[0] == "200 OK"
    assert len(behind.entered) == 2


@pytest.mark.parametrize(("statements", "expected"), [((READ,), "403 Forbidden"), ((READ, LIST), "404 Not Found")])
def test_that_an_object_is_missing_is_for_who_may_list(
    statements: tuple[Any, ...], expected: str, keyring: Keyring
) -> None:
    """S3 reports a missing object as such only to who may list its bucket."""
    gate = guarded(Answering("404 Not Found"), keyring, *statements)
    role = keyring.issue(ROLE).credentials
    assert ask(gate, request(role, "GET", "/bucket/key", "s3"))[0] == expected
