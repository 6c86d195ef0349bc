"""How a datastore in S3 reaches its bucket, and that both clients do the same."""

from __future__ import annotations

import contextlib
import hashlib
import json
import logging
import multiprocessing
import os
import re
import socket
import ssl
import subprocess
import threading
import time
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any, ClassVar

import boto3
import pytest
from botocore.credentials import RefreshableCredentials

from laminar_runtime.configurations.datastores import AWS, s3, s3_botocore, s3_obstore
from laminar_runtime.configurations.datastores.s3_boto3 import Boto3Objects
from laminar_runtime.configurations.datastores.s3_connection import Connection
from laminar_runtime.configurations.datastores.s3_encryption import NO_ENCRYPTION, Encryption
from laminar_runtime.configurations.datastores.s3_environment import connect
from laminar_runtime.configurations.datastores.s3_errors import S3Error
from laminar_runtime.configurations.datastores.s3_objects import RANGE, Objects
from laminar_runtime.configurations.datastores.s3_obstore import ObstoreObjects
from laminar_runtime.exceptions import DatastoreError, MissingError
from tests.support.aws_variables import KEYS, set_variables
from tests.support.harness import Folder


def _client(kind: str, encryption: Encryption = NO_ENCRYPTION, bucket: str = "bucket") -> Objects:
    if kind == "boto3":
        return Boto3Objects(bucket, encryption)
    return ObstoreObjects(bucket, connect(bucket, os.environ), encryption)


@pytest.fixture(params=["obstore", "boto3"])
def objects(request: pytest.FixtureRequest, s3_root: str) -> Objects:
    """The objects of an empty bucket, by each client."""
    return _client(request.param, bucket=s3_root.removeprefix("s3://").partition("/")[0])


def test_a_profile_is_read_by_obstore(aws: str, s3_root: str, home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Objects are moved by obstore also where botocore finds the credentials, here by running a program."""
    (home / ".aws").mkdir()
    answer = '{\\"Version\\": 1, \\"AccessKeyId\\": \\"a\\", \\"SecretAccessKey\\": \\"b\\"}'
    process = f"credential_process = sh -c \"echo '{answer}'\""
    (home / ".aws" / "config").write_text(f"[profile team]\n{process}\nregion = eu-central-1\n", encoding="utf-8")
    set_variables(monkeypatch, {"AWS_PROFILE": "team", "AWS_ENDPOINT_URL": aws})
    store = AWS.S3(root=s3_root)
    store.transport.put("a", b"x")
    assert store.transport.get("a") == b"x"
    assert isinstance(store.transport._objects(), ObstoreObjects)


@pytest.mark.parametrize("key", ["a/b", "a b/c", "ümlaut/~x", "a%20b/c+d", "a=b/[c]", "a#b/*"])
def test_keys_are_the_same(objects: Objects, s3_root: str, key: str) -> None:
    """Whatever its letters are, an object lies under the key that AWS shows, where others find it."""
    objects.put(key, b"some", memoryview(b"thing"))
    bucket = s3_root.removeprefix("s3://").partition("/")[0]
    client = boto3.Session().client("s3")
    assert [item["Key"] for item in client.list_objects_v2(Bucket=bucket)["Contents"]] == [key]
    assert objects.get(key) == b"something"
    assert objects.exists(key)
    assert objects.size(key) == len(objects.get(key))
    folder, _, name = key.partition("/")
    assert objects.names(f"{folder}/") == [name]


@pytest.mark.parametrize("size", [0, 1, RANGE, RANGE + 1, 3 * RANGE - 1])
def test_sizes(objects: Objects, size: int) -> None:
    """An object is read as it was written, at whatever size it is taken apart, and can be changed in memory."""
    content = bytes(range(256)) * (size // 256) + bytes(size % 256)
    objects.put("key", content[: size // 3], memoryview(content)[size // 3 :])
    found = objects.get_buffer("key")
    assert isinstance(found, bytearray)
    assert found == content
    assert objects.get("key") == content


def test_what_is_not_there(objects: Objects) -> None:
    """An object that is not there is one kind of error."""
    assert not objects.exists("nope")
    with pytest.raises(FileNotFoundError):
        objects.size("nope")
    for read in (objects.get, objects.get_buffer):
        with pytest.raises(FileNotFoundError):
            read("nope")


def test_boto3_is_not_loaded(s3_root: str, folder: Any) -> None:
    """In a plain environment a task's process never loads it."""
    code = f"""
    import sys
    from laminar_runtime.configurations import datastores
    store = datastores.AWS.S3(root={s3_root!r})
    store.transport.put("a", b"x")
    print(store.transport.get("a"), store.transport.exists("b"), "botocore" in sys.modules)
    """
    assert folder.run(code) == "b'x' False False"


def test_keys_that_no_client_has(s3_root: str) -> None:
    """A key that obstore cannot name is an error, and no reason to do by another client what the first one refused."""
    with pytest.raises(DatastoreError, match="contained empty path segment"):
        AWS.S3(root=s3_root).transport.put("a//b", b"x")


def _read(datastore: AWS.S3, answers: Any) -> None:
    said: list[str] = []
    handler = logging.Handler()
    handler.emit = lambda record: said.append(record.getMessage())  # type: ignore[method-assign]
    logging.getLogger("laminar").addHandler(handler)
    found = [datastore.transport.get("a"), AWS.S3(root=datastore.root).transport.get("a")]
    answers.put((found, said))


def test_forked_processes(s3_root: str) -> None:
    """A process that is forked from one that uses obstore reads by boto3, and says so once."""
    datastore = AWS.S3(root=s3_root)
    datastore.transport.put("a", b"x")
    context = multiprocessing.get_context("fork")
    answers = context.Queue()
    process = context.Process(target=_read, args=(datastore, answers))
    process.start()
    found, said = answers.get(timeout=60)
    process.join()
    assert found == [b"x", b"x"]
    note = "boto3 reads and writes S3, which is slower, because this process was forked from"
    assert [line.partition(" a process")[0] for line in said] == [note]


def test_platforms_without_obstore(s3_root: str, folder: Any) -> None:
    """Where obstore cannot be imported boto3 takes over, and standard error says so."""
    folder.write("raise ImportError('not for this platform')\n", "obstore.py")
    folder.write(f"""
    from laminar_runtime.configurations import datastores
    store = datastores.AWS.S3(root={s3_root!r})
    store.transport.put("a", b"x")
    print(store.transport.get("a"))
    """)
    ended = folder.python("main.py")
    assert (ended.returncode, ended.stdout) == (0, "b'x'\n"), ended.stderr
    note = "boto3 reads and writes S3, which is slower, because obstore"
    assert re.fullmatch(f"{note}.* cannot be imported: not for this platform\n", ended.stderr), ended.stderr


class _Cutting(BaseHTTPRequestHandler):
    """An S3 of one object that cuts its answers to the first requests, or refuses them."""

    protocol_version = "HTTP/1.1"  # a client that asks whether to go on is answered
    content: ClassVar[bytes] = b"".join(bytes([number]) * 1024 for number in range(200)) * 100
    cuts: ClassVar[int] = 0
    seen: ClassVar[list[dict[str, str]]] = []
    refusal: ClassVar[tuple[int, str] | None] = None
    refusals: ClassVar[int] = 0
    region: ClassVar[str] = ""
    tags: ClassVar[list[str]] = []

    def _refused(self) -> bool:
        """Note a request, and refuse it if that is due, or if it is signed for another region than the bucket's."""
        self.rfile.read(int(self.headers.get("Content-Length") or 0))
        self.seen.append({"path": self.path, **{name.lower(): value for name, value in self.headers.items()}})
        answer = None
        if self.refusals > 0 and self.refusal:
            type(self).refusals -= 1
            answer = self.refusal
        elif self.region and f"/{self.region}/s3/" not in self.headers["Authorization"]:
            answer = 301, "PermanentRedirect"
        if answer is None:
            return False
        self._answer(*answer)
        return True

    def _answer(self, status: int, code: str) -> None:
        body = f"<Error><Code>{code}</Code><Message>no &amp; no</Message></Error>".encode() if code else b""
        self.send_response(status)
        self.send_header("Content-Length", str(len(body)))
        self.send_header("ETag", '"tag"')
        self.send_header("Last-Modified", "Thu, 26 Nov 2026 00:00:00 GMT")
        if self.region:
            self.send_header("x-amz-bucket-region", self.region)
        self.send_header("Connection", "close")
        self.end_headers()
        self.wfile.write(b"" if self.command == "HEAD" else body)

    def do_HEAD(self) -> None:
        if not self._refused():
            self._answer(200, "")

    def do_POST(self) -> None:
        if not self._refused():
            self._answer(501, "NotImplemented")

    def do_GET(self) -> None:
        if self._refused():
            return
        tag = self.tags.pop(0) if len(self.tags) > 1 else self.tags[0]
        if self.headers.get("If-Match", tag) != tag:
            self._answer(412, "PreconditionFailed")
            return
        first, last = 0, len(self.content) - 1
        if span := self.headers.get("Range"):
            first, last = (int(place) for place in span.removeprefix("bytes=").split("-"))
            last = min(last, len(self.content) - 1)
        body = self.content[first : last + 1]
        self.send_response(206 if span else 200)
        self.send_header("Content-Length", str(len(body)))
        self.send_header("Content-Range", f"bytes {first}-{last}/{len(self.content)}")
        self.send_header("ETag", tag)
        self.send_header("Last-Modified", "Thu, 26 Nov 2026 00:00:00 GMT")
        self.send_header("Connection", "close")
        self.end_headers()
        cut = type(self).cuts > 0
        type(self).cuts -= cut
        with contextlib.suppress(OSError):  # a client may have seen enough
            self.wfile.write(body[: len(body) // 2] if cut else body)
        self.close_connection = True

    def do_PUT(self) -> None:
        if self._refused():
            return
        codes = {"gone": (404, ""), "there": (412, "PreconditionFailed"), "busy": (409, "ConditionalRequestConflict")}
        self._answer(*next((codes[name] for name in codes if name in self.path), (200, "")))

    def log_message(self, format: str, *args: Any) -> None: ...  # noqa: A002 - the base names it


@pytest.fixture
def cutting(home: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[type[_Cutting]]:
    """The server, named in an environment in which variables decide."""
    server = ThreadingHTTPServer(("127.0.0.1", 0), _Cutting)
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    set_variables(monkeypatch, {**KEYS, "AWS_ENDPOINT_URL": f"http://127.0.0.1:{server.server_port}"})
    _Cutting.cuts = _Cutting.refusals = 0
    _Cutting.refusal, _Cutting.region, _Cutting.tags = None, "", ['"tag"']
    _Cutting.seen.clear()
    yield _Cutting
    server.shutdown()
    server.server_close()
    thread.join()


@pytest.mark.parametrize("kind", ["obstore", "boto3"])
def test_answers_that_are_cut(kind: str, cutting: type[_Cutting]) -> None:
    """A connection that ends in the middle of an object is a passing fault: it is read again."""
    objects = _client(kind)
    for read in (objects.get, objects.get_buffer):
        cutting.cuts = 2
        assert read("key") == cutting.content
        assert cutting.cuts == 0
    cutting.cuts = 2
    assert objects.get_range("key", 1000, 3000) == cutting.content[1000:3000]
    assert cutting.cuts == 0


@pytest.mark.parametrize("kind", ["obstore", "boto3"])
def test_objects_that_are_written_anew_while_they_are_read(kind: str, cutting: type[_Cutting]) -> None:
    """The ranges of an object are of one version: it is read again if another one comes, and not for ever."""
    objects = _client(kind)
    for read in (objects.get, objects.get_buffer):
        cutting.tags = ['"old"', '"new"']
        assert read("key") == cutting.content
        cutting.tags = [f'"{number}"' for number in range(1000)]
        with pytest.raises(S3Error, match="PreconditionFailed"):
            read("key")


@pytest.mark.parametrize("kind", ["obstore", "boto3"])
def test_answers_that_are_always_cut(kind: str, cutting: type[_Cutting]) -> None:
    """An object that never comes whole is an error of ours, with its address."""
    cutting.cuts = 10_000
    store = AWS.S3(root="s3://bucket")
    store.transport._use(_client(kind))
    with pytest.raises(DatastoreError, match="s3://bucket/key: "):
        store.transport.get_buffer("key")


def test_what_is_gone_while_it_is_written(cutting: type[_Cutting]) -> None:
    """An upload, or a bucket, that is gone is a write that failed, and not an object that is not there."""
    store = AWS.S3(root="s3://bucket")
    for write in (store.transport.put, store.transport.create):
        with pytest.raises(DatastoreError, match="s3://bucket/gone: ") as error:
            write("gone", b"x")
        assert not isinstance(error.value, MissingError)


@pytest.mark.parametrize("kind", ["obstore", "boto3"])
def test_what_is_created_under_a_condition(kind: str, cutting: type[_Cutting]) -> None:
    """S3 is asked to write only where there is nothing, and its answers that there is something are understood."""
    objects = _client(kind)
    assert [objects.create(key, b"x") for key in ("new", "there", "busy")] == [True, False, False]
    assert {seen["if-none-match"] for seen in cutting.seen} == {"*"}


@pytest.mark.parametrize("kind", ["obstore", "boto3"])
@pytest.mark.parametrize(("asked", "key"), [(None, None), ("AES256", None), ("aws:kms", "alias/flows")])
def test_writes_ask_for_encryption(kind: str, asked: str | None, key: str | None, cutting: type[_Cutting]) -> None:
    """Each write has the headers that a policy may want, if it is configured, and no others."""
    objects = _client(kind, Encryption(asked, key))
    objects.put("key", b"x")
    objects.create("key", b"x")
    for found in cutting.seen:
        assert found.get("x-amz-server-side-encryption") == asked
        assert found.get("x-amz-server-side-encryption-aws-kms-key-id") == key


#: What S3 refuses: its status, its code, and what is done about it.
REFUSALS = [
    (403, "AccessDenied", "The credentials need s3:GetObject"),
    (400, "ExpiredToken", "Sign in again"),
    (403, "InvalidAccessKeyId", "Sign in again"),
    (403, "SignatureDoesNotMatch", "The credentials need"),
    (404, "NoSuchBucket", "Create the bucket"),
    (403, "RequestTimeTooSkewed", "Set the clock"),
]
ASK: dict[str, Callable[[Objects], Any]] = {
    "read": lambda objects: objects.get("key"),
    "read_buffer": lambda objects: objects.get_buffer("key"),
    "read_range": lambda objects: objects.get_range("key", 0, 9),
    "write": lambda objects: objects.put("key", b"x"),
    "write in parts": lambda objects: objects.put("key", bytes(RANGE + 1)),
    "create": lambda objects: objects.create("key", b"x"),
    "names": lambda objects: objects.names("a/"),
}


@pytest.mark.parametrize("ask", ASK.values(), ids=ASK)
def test_refusals_are_the_same(ask: Callable[[Objects], Any], cutting: type[_Cutting]) -> None:
    """Both clients give S3's own code, message and status, and neither asks again."""
    for kind in ("obstore", "boto3"):
        objects = _client(kind)
        for status, code, cure in REFUSALS:
            cutting.refusal, cutting.refusals = (status, code), 1
            cutting.seen.clear()
            with pytest.raises(S3Error) as error:
                ask(objects)
            found = error.value
            assert (kind, found.code, found.status, str(found)) == (kind, code, status, f"{code}: no & no")
            assert found.cure.startswith(cure)
            assert len(cutting.seen) == 1


@pytest.mark.parametrize("ask", ASK.values(), ids=ASK)
def test_refusals_that_pass(ask: Callable[[Objects], Any], cutting: type[_Cutting]) -> None:
    """What S3 may answer soon is asked again."""
    for answer in ((500, "InternalError"), (503, "SlowDown"), (400, "RequestTimeout")):
        objects = _client("obstore")
        cutting.refusal, cutting.refusals = answer, 2
        cutting.seen.clear()
        with contextlib.suppress(S3Error):  # a listing, and an upload in parts, are more than this server has
            ask(objects)
        assert cutting.refusals == 0
        assert len(cutting.seen) > 2


def test_a_conflict_of_two_writes_passes(cutting: type[_Cutting]) -> None:
    """S3 may refuse a write while another one is under way: that is no object that is there."""
    cutting.refusal, cutting.refusals = (409, "OperationAborted"), 1
    objects = _client("obstore")
    assert objects.create("new", b"x")
    cutting.refusals = 1
    objects.put("new", b"x")
    assert len(cutting.seen) == 4


def test_a_write_never_finds_nothing(cutting: type[_Cutting]) -> None:
    """A write that is refused as there is no such thing is an error of its own, whatever S3 calls it."""
    for kind in ("obstore", "boto3"):
        for ask in ("write", "create"):
            cutting.refusal, cutting.refusals = (404, "NoSuchKey"), 1
            with pytest.raises(S3Error, match=r"^NoSuchKey: no & no$"):
                ASK[ask](_client(kind))


def test_refusals_that_stay(cutting: type[_Cutting]) -> None:
    """What should pass and does not is an error like others."""
    cutting.refusal, cutting.refusals = (400, "RequestTimeout"), 1000
    with pytest.raises(S3Error, match=r"^RequestTimeout: no & no$"):
        _client("obstore").get("key")


def test_buckets_in_another_region(cutting: type[_Cutting]) -> None:
    """A bucket of another region is asked for its region once, and reached there from then on."""
    cutting.region = "ap-south-1"
    objects = _client("obstore")
    assert objects.get("key") == cutting.content
    asked = len(cutting.seen)
    objects.put("key", b"x")
    objects.put("key", bytes(RANGE // 2))
    assert objects.exists("key")
    regions = [found["authorization"].split("/")[2] for found in cutting.seen]
    assert regions[0] == "eu-west-1"
    assert regions[asked:] == ["ap-south-1"] * 3


def test_uploads_that_take_longer_than_an_answer_may(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A slow line is no server that does not answer."""
    monkeypatch.setitem(s3_obstore._CLIENT, "read_timeout", "500ms")
    listening = socket.create_server(("127.0.0.1", 0))
    size, taken = 1024 * 1024, []

    def take() -> None:
        connection, _ = listening.accept()
        with connection:
            got = 0
            while got < size:
                part = connection.recv(size // 8)
                got += len(part)
                if not part:
                    return
            time.sleep(0.8)
            taken.append(got)
            connection.sendall(b'HTTP/1.1 200 OK\r\nContent-Length: 0\r\nETag: "t"\r\nConnection: close\r\n\r\n')

    thread = threading.Thread(target=take, daemon=True)
    thread.start()
    set_variables(monkeypatch, {**KEYS, "AWS_ENDPOINT_URL": f"http://127.0.0.1:{listening.getsockname()[1]}"})
    _client("obstore").put("key", bytes(size))
    thread.join()
    listening.close()
    assert len(taken) == 1


@pytest.mark.parametrize(
    "more",
    [
        {"AWS_SKIP_SIGNATURE": "true"},
        {"AWS_ENDPOINT": "http://127.0.0.1:1"},
        {"AWS_S3_EXPRESS": "true"},
        {"AWS_CONDITIONAL_PUT": "disabled"},
        {"AWS_TOKEN": "another"},
        {"AWS_BUCKET": "another"},
    ],
    ids=lambda more: next(iter(more)),
)
def test_variables_of_obstore_alone(
    more: dict[str, str], cutting: type[_Cutting], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Obstore reads variables that no other client of AWS knows: they change nothing."""
    set_variables(monkeypatch, more)
    objects = _client("obstore")
    assert objects.create("key", b"x")
    assert objects.get("key") == cutting.content
    assert all(found["authorization"].startswith("AWS4-HMAC-SHA256 Credential=key/") for found in cutting.seen)
    assert not [found for found in cutting.seen if "x-amz-security-token" in found]


def test_the_endpoint_of_s3_alone(cutting: type[_Cutting], monkeypatch: pytest.MonkeyPatch) -> None:
    """Obstore reads this variable itself, and would take the bucket for a part of the host's name."""
    monkeypatch.setenv("AWS_ENDPOINT_URL_S3", os.environ["AWS_ENDPOINT_URL"])
    monkeypatch.setenv("AWS_ENDPOINT_URL", "http://127.0.0.1:1")
    assert _client("obstore").get("key") == cutting.content
    assert [found["path"] for found in cutting.seen][:1] == ["/bucket/key"]


@pytest.mark.parametrize("variable", ["HTTP_PROXY", "http_proxy"])
def test_proxies(variable: str, cutting: type[_Cutting], monkeypatch: pytest.MonkeyPatch) -> None:
    """Requests go by the proxy of the environment, but for the hosts that need none."""
    proxy = os.environ["AWS_ENDPOINT_URL"]
    set_variables(monkeypatch, {variable: proxy, "AWS_ENDPOINT_URL": "http://192.0.2.1:9000"})
    assert _client("obstore").get("key") == cutting.content
    assert cutting.seen[0]["path"] == "http://192.0.2.1:9000/bucket/key"
    set_variables(monkeypatch, {"AWS_ENDPOINT_URL": proxy, variable: "http://127.0.0.1:1", "NO_PROXY": "127.0.0.0/8"})
    assert _client("obstore").get("key") == cutting.content


def test_requester_pays(cutting: type[_Cutting], monkeypatch: pytest.MonkeyPatch) -> None:
    """A variable of obstore's says that who asks pays."""
    monkeypatch.setenv("AWS_REQUEST_PAYER", "requester")
    objects = _client("obstore")
    objects.put("key", b"x")
    objects.get_range("key", 0, 9)
    assert [found["x-amz-request-payer"] for found in cutting.seen] == ["requester"] * 2
    assert all("x-amz-request-payer" in found["authorization"] for found in cutting.seen)


class _Credentials(BaseHTTPRequestHandler):
    """What gives credentials: a container's agent, and IAM Identity Center."""

    def do_GET(self) -> None:
        end = datetime.now(UTC) + timedelta(hours=1)
        if self.path == "/container":
            found: dict[str, Any] = {
                "AccessKeyId": "container",
                "SecretAccessKey": "s",
                "Token": "t",
                "Expiration": end.strftime("%Y-%m-%dT%H:%M:%SZ"),
            }
        else:
            keys = {"accessKeyId": "sso", "secretAccessKey": "s", "sessionToken": "t"}
            found = {"roleCredentials": {**keys, "expiration": int(end.timestamp() * 1000)}}
        body = json.dumps(found).encode()
        self.send_response(200)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, format: str, *args: Any) -> None: ...  # noqa: A002 - the base names it


@pytest.fixture
def agent() -> Iterator[str]:
    """The address of what gives credentials."""
    server = ThreadingHTTPServer(("127.0.0.1", 0), _Credentials)
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    yield f"http://127.0.0.1:{server.server_port}"
    server.shutdown()
    server.server_close()
    thread.join()


ROLE = "arn:aws:iam::123456789012:role/flows"
CONFIG = f"""
[profile base]
aws_access_key_id = base
aws_secret_access_key = s
[profile role]
role_arn = {ROLE}
source_profile = base
[profile sso]
sso_start_url = https://company.awsapps.com/start
sso_region = eu-west-1
sso_account_id = 123456789012
sso_role_name = flows
"""


@pytest.mark.parametrize(
    ("variables", "key"),
    [
        ({"AWS_PROFILE": "base"}, "base"),
        ({"AWS_PROFILE": "role"}, "ASIA"),
        ({"AWS_PROFILE": "sso"}, "sso"),
        ({"AWS_WEB_IDENTITY_TOKEN_FILE": "TOKEN", "AWS_ROLE_ARN": ROLE}, "ASIA"),
        ({"AWS_CONTAINER_CREDENTIALS_FULL_URI": "AGENT/container"}, "container"),
    ],
    ids=["profile", "assumed role", "single sign-on", "web identity", "container"],
)
def test_credentials_by_botocore(  # noqa: PLR0913, PLR0917 - servers for all ways
    variables: dict[str, str],
    key: str,
    agent: str,
    aws_endpoint: str,
    cutting: type[_Cutting],
    home: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Whatever way botocore finds credentials by, obstore signs with them."""
    (home / ".aws" / "sso" / "cache").mkdir(parents=True)
    (home / ".aws" / "config").write_text(CONFIG, encoding="utf-8")
    file = hashlib.sha1(b"https://company.awsapps.com/start", usedforsecurity=False).hexdigest()
    token = {"accessToken": "t", "expiresAt": (datetime.now(UTC) + timedelta(hours=1)).isoformat()}
    (home / ".aws" / "sso" / "cache" / f"{file}.json").write_text(json.dumps(token), encoding="utf-8")
    (home / "token").write_text("token", encoding="utf-8")
    servers = {"S3": os.environ["AWS_ENDPOINT_URL"], "STS": aws_endpoint, "SSO": agent}
    for variable in ("AWS_ENDPOINT_URL", "AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
        monkeypatch.delenv(variable)
    set_variables(monkeypatch, {f"AWS_ENDPOINT_URL_{service}": url for service, url in servers.items()})
    words = {"AGENT": agent, "TOKEN": str(home / "token")}
    for name, value in variables.items():
        monkeypatch.setenv(name, re.sub("AGENT|TOKEN", lambda found: words[found[0]], value))
    # A process of its own, as botocore looks for the folder of tokens once.
    code = """
    from laminar_runtime.configurations import datastores
    store = datastores.AWS.S3(root="s3://bucket")
    print(len(store.transport.get("key")), type(store.transport._objects()).__name__)
    """
    assert Folder(home).run(code) == f"{len(cutting.content)} ObstoreObjects"
    assert cutting.seen[0]["authorization"].partition("Credential=")[2].startswith(key)


def test_credentials_are_renewed(cutting: type[_Cutting]) -> None:
    """Credentials are those of botocore at each request, so that they are never used beyond their end."""
    renewals: list[str] = []

    def renew() -> dict[str, str]:
        renewals.append(f"key{len(renewals)}")
        # Within botocore's last ten minutes, so that each request renews them.
        end = (datetime.now(UTC) + timedelta(minutes=9)).isoformat()
        return {"access_key": renewals[-1], "secret_key": "s", "token": "t", "expiry_time": end}

    credentials = RefreshableCredentials.create_from_metadata(renew(), refresh_using=renew, method="test")
    connection = Connection(connect("bucket", os.environ).address, "eu-west-1", s3_botocore._provider(credentials))
    objects = ObstoreObjects("bucket", connection)
    for _ in range(3):
        objects.get_range("key", 0, 9)
    used = [found["authorization"].partition("Credential=")[2].partition("/")[0] for found in cutting.seen]
    assert used == ["key1", "key2", "key3"]


def test_credentials_that_cannot_be_renewed(cutting: type[_Cutting]) -> None:
    """What botocore says of credentials that it cannot renew is what the user reads."""

    def ended() -> dict[str, Any]:
        raise RuntimeError("the session has ended")

    store = AWS.S3(root="s3://bucket")
    address = connect("bucket", os.environ).address
    store.transport._use(ObstoreObjects("bucket", Connection(address, "eu-west-1", ended)))
    with pytest.raises(DatastoreError, match=r"Credentials: RuntimeError: the session has ended\. Sign in again"):
        store.transport.get("a")


@pytest.fixture(scope="module")
def certificates(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Certificates for this machine: of an own authority, and one that is its own."""
    folder = tmp_path_factory.mktemp("certificates")

    def openssl(words: str) -> None:
        subprocess.run(["openssl", *words.split()], cwd=folder, check=True, capture_output=True)

    (folder / "names").write_text("subjectAltName=IP:127.0.0.1\nbasicConstraints=CA:FALSE\n", encoding="utf-8")
    openssl("req -x509 -newkey rsa:2048 -nodes -keyout ca.key -out ca.pem -days 2 -subj /CN=authority")
    openssl("req -newkey rsa:2048 -nodes -keyout issued.key -out issued.csr -subj /CN=127.0.0.1")
    openssl("x509 -req -in issued.csr -CA ca.pem -CAkey ca.key -CAcreateserial -out issued.pem -days 2 -extfile names")
    openssl(
        "req -x509 -newkey rsa:2048 -nodes -keyout own.key -out own.pem -days 2 -subj /CN=127.0.0.1 "
        "-addext subjectAltName=IP:127.0.0.1"
    )
    return folder


@pytest.fixture
def encrypted(
    certificates: Path, cutting: type[_Cutting], monkeypatch: pytest.MonkeyPatch
) -> Iterator[Callable[[str], None]]:
    """Serve under a certificate, and name the server in the environment."""
    servers = []

    def serve(name: str) -> None:
        server = ThreadingHTTPServer(("127.0.0.1", 0), cutting)
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(certificates / f"{name}.pem", certificates / f"{name}.key")
        server.handle_error = lambda *_: None  # type: ignore[method-assign] - a client that does not trust it hangs up
        server.socket = context.wrap_socket(server.socket, server_side=True, do_handshake_on_connect=False)
        threading.Thread(target=server.serve_forever, daemon=True).start()
        servers.append(server)
        monkeypatch.setenv("AWS_ENDPOINT_URL", f"https://127.0.0.1:{server.server_port}")

    yield serve
    for server in servers:
        server.shutdown()
        server.server_close()


@pytest.mark.parametrize("variable", ["AWS_CA_BUNDLE", "REQUESTS_CA_BUNDLE"])
def test_own_authorities(
    variable: str, encrypted: Callable[[str], None], certificates: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A server with a certificate of one's own authority is trusted where a file of certificates says so."""
    encrypted("issued")
    monkeypatch.setenv(variable, str(certificates / "ca.pem"))
    store = AWS.S3(root="s3://bucket")
    assert store.transport.get("key") == _Cutting.content
    assert isinstance(store.transport._objects(), ObstoreObjects)


def test_authorities_that_are_not_known(encrypted: Callable[[str], None]) -> None:
    """The error says that it is the certificate, and how to name its authority."""
    encrypted("issued")
    with pytest.raises(S3Error, match=r"^Certificate: .*UnknownIssuer") as error:
        _client("obstore").get("key")
    assert "AWS_CA_BUNDLE" in error.value.cure
    with pytest.raises(DatastoreError, match=r"Certificate: .*\. Set AWS_CA_BUNDLE to a file"):
        AWS.S3(root="s3://bucket").transport.get("key")


def test_certificates_that_obstore_does_not_accept(
    encrypted: Callable[[str], None],
    certificates: Path,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
) -> None:
    """A certificate that is its own authority is accepted by OpenSSL: boto3 takes over, with a note."""
    monkeypatch.setattr(s3, "_noted_in", None)
    encrypted("own")
    monkeypatch.setenv("AWS_CA_BUNDLE", str(certificates / "own.pem"))
    store = AWS.S3(root="s3://bucket")
    assert store.transport.get("key") == _Cutting.content
    assert isinstance(store.transport._objects(), Boto3Objects)
    (note,) = [record.getMessage() for record in caplog.records if record.name == "laminar"]
    assert "does not accept the server's certificate" in note


def test_systems_without_certificates(folder: Any) -> None:
    """In an image without any certificates those of botocore are used."""
    code = f"""
    from laminar_runtime.configurations.datastores import s3_environment, s3_obstore
    s3_obstore.ObstoreObjects("bucket", s3_environment.from_variables("bucket", {KEYS!r}))
    print("made")
    """
    folder.write(code)
    ended = folder.python("main.py", SSL_CERT_FILE="/nonexistent", SSL_CERT_DIR="/nonexistent")
    assert ended.stdout == "made\n", ended.stderr
