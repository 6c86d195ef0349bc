"""Calls of this process to the embedded AWS are given to what answers, without a connection."""

from __future__ import annotations

import io
from collections.abc import Iterable
from typing import TYPE_CHECKING, Any

import pytest
from botocore.awsrequest import AWSRequest

from laminar_codegen.rehearsal.aws.direct_calls import DirectCalls

if TYPE_CHECKING:
    from wsgiref.types import StartResponse, WSGIEnvironment

_SEEN = ("REQUEST_METHOD", "PATH_INFO", "QUERY_STRING", "RAW_URI", "HTTP_HOST", "HTTP_X_AMZ_DATE", "CONTENT_LENGTH")


def _echo(environ: WSGIEnvironment, start: StartResponse) -> Iterable[bytes]:
    """Answer what was asked for, a line for each thing."""
    start("201 Created", [("X-Answer", "yes")])
    yield from (f"{name}={environ[name]}\n".encode() for name in _SEEN)  # type: ignore[literal-required]
    yield environ["wsgi.input"].read()


def _fail(environ: WSGIEnvironment, start: StartResponse) -> Iterable[bytes]:
    del environ, start
    raise RuntimeError("a fault of the embedded AWS")


def _request(body: Any, **headers: str) -> Any:
    sent = {"X-Amz-Date": "now", **headers}
    url = "http://127.0.0.1:99/a%2Fb/%C3%BC?list-type=2&x=%20"
    return AWSRequest(method="PUT", url=url, headers=sent, data=body).prepare()


def test_what_is_asked_for() -> None:
    """The request is the same as by a socket: the path as it was sent, and as it is meant."""
    answer = DirectCalls(_echo).answer(_request(b"content"))
    assert answer is not None
    assert (answer.status_code, answer.headers["x-answer"]) == (201, "yes")
    assert answer.content.decode() == (
        f"REQUEST_METHOD=PUT\nPATH_INFO=/a/b/{'ü'.encode().decode('latin-1')}\nQUERY_STRING=list-type=2&x=%20\n"
        "RAW_URI=/a%2Fb/%C3%BC?list-type=2&x=%20\nHTTP_HOST=127.0.0.1:99\nHTTP_X_AMZ_DATE=now\nCONTENT_LENGTH=7\ncontent"
    )


def test_a_fault_is_an_answer(caplog: pytest.LogCaptureFixture) -> None:
    """What fails inside is answered as by the server: with status 500, and a line in the log."""
    answer = DirectCalls(_fail).answer(_request(b""))
    assert answer is not None
    assert answer.status_code == 500
    assert "PUT /a/b/" in caplog.text


@pytest.mark.parametrize(("body", "headers"), [(io.BytesIO(b"x"), {}), (b"", {"x-amz-meta-a_b": "c"})])
def test_what_is_sent(body: Any, headers: dict[str, str]) -> None:
    """A stream, and a header that WSGI has no name for, go by the socket."""
    assert DirectCalls(_echo).answer(_request(body, **headers)) is None
