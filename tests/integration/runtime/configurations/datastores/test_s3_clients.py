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
from collections.abc import Callable, Iterator, Mapping
from datetime import UTC, datetime, timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any, ClassVar

import boto3
import pytest
from botocore.configprovider import BOTOCORE_DEFAUT_SESSION_VARIABLES, DEFAULT_S3_CONFIG_VARS
from botocore.credentials import RefreshableCredentials

from laminar_runtime.configurations.datastores import AWS, from_root, s3, s3_botocore, s3_environment, s3_obstore
from laminar_runtime.configurations.datastores.s3_boto3 import Boto3Objects
from laminar_runtime.configurations.datastores.s3_connection import Connection
from laminar_runtime.configurations.datastores.s3_encryption import NO_ENCRYPTION, Encryption
from laminar_runtime.configurations.datastores.s3_environment import connect, from_variables
from laminar_runtime.configurations.datastores.s3_errors import S3Error
from laminar_runtime.configurations.datastores.s3_objects import RANGE, Objects
from laminar_runtime.configurations.datastores.s3_obstore import ObstoreObjects
from laminar_runtime.exceptions import DatastoreError, MissingError
from tests.support.harness import Folder

KEYS = {"AWS_ACCESS_KEY_ID": "key", "AWS_SECRET_ACCESS_KEY": "secret", "AWS_DEFAULT_REGION": "eu-west-1"}
JOB = {"AWS_CONTAINER_CREDENTIALS_RELATIVE_URI": "/v2/credentials/1", "AWS_DEFAULT_REGION": "eu-west-1"}


def _client(kind: str, encryption: Encryption = NO_ENCRYPTION, bucket: str = "bucket") -> Objects:
    if kind == "boto3":
        return Boto3Objects(bucket, encryption)
    return ObstoreObjects(bucket, connect(bucket, os.environ), encryption)


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty home, and an environment without a word on AWS."""
    for name in list(os.environ):
        if name.startswith("AWS_") or name == "REQUESTS_CA_BUNDLE" or name.upper().endswith("_PROXY"):
            monkeypatch.delenv(name)
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("AWS_EC2_METADATA_DISABLED", "true")
    return tmp_path


@pytest.fixture(params=["obstore", "boto3"])
def objects(request: pytest.FixtureRequest, s3_root: str) -> Objects:
    """The objects of an empty bucket, by each client."""
    return _client(request.param, bucket=s3_root.removeprefix("s3://").partition("/")[0])


#: Environments in which variables decide.
PLAIN: dict[str, dict[str, str]] = {
    "keys": {},
    "token": {"AWS_SESSION_TOKEN": "token", "AWS_REGION": "us-east-2", "AWS_EXECUTION_ENV": "AWS_Lambda_python3.11"},
    "what AWS adds": {"AWS_BATCH_JOB_ID": "1", "AWS_LAMBDA_FUNCTION_NAME": "planner"},
    "endpoint": {"AWS_ENDPOINT_URL": "http://127.0.0.1:9000", "AWS_CA_BUNDLE": "/not/for/http.pem"},
    "endpoint of S3": {"AWS_ENDPOINT_URL_S3": "http://127.0.0.1:9000/", "AWS_ENDPOINT_URL": "http://127.0.0.1:1"},
    "endpoint with a path": {"AWS_ENDPOINT_URL": "http://127.0.0.1:9000/s3"},
    "us-gov": {"AWS_DEFAULT_REGION": "us-gov-west-1"},
    "proxy": {"HTTPS_PROXY": "http://proxy:3128"},
    "of no matter": {"AWS_MAX_ATTEMPTS": "3", "AWS_RETRY_MODE": "adaptive", "AWS_SOMETHING_NEW": "x"},
}


def _set(monkeypatch: pytest.MonkeyPatch, variables: dict[str, str]) -> None:
    for name, value in variables.items():
        monkeypatch.setenv(name, value)


def _known(found: Connection) -> tuple[Any, ...]:
    """Return the comparable parts of a connection."""
    return found.address, found.region, _keys(found), found.certificates


def _keys(found: Connection) -> tuple[str | None, ...]:
    """Return an access key, a secret key and a token."""
    if isinstance(found.credentials, Mapping):
        return tuple(found.credentials.get(name) for name in ("access_key_id", "secret_access_key", "session_token"))
    return tuple(found.credentials().get(name) for name in ("access_key_id", "secret_access_key", "token"))


@pytest.mark.unit
@pytest.mark.parametrize("bucket", ["bucket", "my.bucket", "my_bucket", "Bucket", "point-abcdef-s3alias"])
@pytest.mark.parametrize("more", PLAIN.values(), ids=PLAIN)
def test_variables_say_what_botocore_says(
    more: dict[str, str], bucket: str, home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Where variables decide, botocore is not needed: it would find the same."""
    _set(monkeypatch, {**KEYS, **more})
    found = from_variables(bucket, os.environ)
    assert found is not None
    assert _known(found) == _known(s3_botocore.connect(bucket))


@pytest.mark.unit
def test_the_address_in_us_east_1(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The region's own host is taken, as in other regions, where botocore by default takes the one of all regions."""
    _set(monkeypatch, {**KEYS, "AWS_DEFAULT_REGION": "us-east-1"})
    found, other = from_variables("bucket", os.environ), s3_botocore.connect("bucket")
    assert found is not None
    assert (found.address, found.region) == ("https://bucket.s3.us-east-1.amazonaws.com", other.region)


@pytest.mark.unit
def test_a_job_has_the_credentials_of_its_role(home: Path) -> None:
    """A job of AWS Batch has a variable with the place of its credentials."""
    found = from_variables("bucket", JOB)
    assert found is not None
    assert found.credentials == {"container_credentials_relative_uri": "/v2/credentials/1"}
    assert (
        from_variables("bucket", {**JOB, "http_proxy": "http://proxy"}) is None
    )  # obstore would ask the proxy for them


#: Variables of botocore that change neither a bucket's address nor the credentials, the region or the signature; those
#: of the instance's metadata service count only where there are no other credentials, which botocore then looks for.
NO_MATTER = {
    "AWS_ACCOUNT_ID_ENDPOINT_MODE",
    "AWS_CSM_CLIENT_ID",
    "AWS_CSM_ENABLED",
    "AWS_CSM_HOST",
    "AWS_CSM_PORT",
    "AWS_DEFAULTS_MODE",
    "AWS_DISABLE_HOST_PREFIX_INJECTION",
    "AWS_DISABLE_REQUEST_COMPRESSION",
    "AWS_EC2_METADATA_SERVICE_ENDPOINT",
    "AWS_EC2_METADATA_SERVICE_ENDPOINT_MODE",
    "AWS_EC2_METADATA_V1_DISABLED",
    "AWS_ENDPOINT_DISCOVERY_ENABLED",
    "AWS_IMDS_USE_IPV6",
    "AWS_MAX_ATTEMPTS",
    "AWS_METADATA_SERVICE_NUM_ATTEMPTS",
    "AWS_METADATA_SERVICE_TIMEOUT",
    "AWS_REQUEST_CHECKSUM_CALCULATION",
    "AWS_REQUEST_MIN_COMPRESSION_SIZE_BYTES",
    "AWS_RESPONSE_CHECKSUM_VALIDATION",
    "AWS_RETRY_MODE",
    "AWS_S3_DISABLE_EXPRESS_SESSION_AUTH",
    "AWS_S3_DISABLE_MULTIREGION_ACCESS_POINTS",
    "AWS_S3_US_EAST_1_REGIONAL_ENDPOINT",
    "AWS_S3_USE_ARN_REGION",
    "AWS_SDK_UA_APP_ID",
    "AWS_STS_REGIONAL_ENDPOINTS",
    "BOTOCORE_TCP_KEEPALIVE",
}


@pytest.mark.unit
def test_no_variable_of_botocore_is_forgotten() -> None:
    """Each variable that botocore reads is read here, left to botocore, or known to be of no matter."""
    known = {*KEYS, *s3_environment._BOTOCORE_DECIDES, *s3_environment._FILES, *NO_MATTER, "AWS_CA_BUNDLE"}
    tables = {**BOTOCORE_DEFAUT_SESSION_VARIABLES, **DEFAULT_S3_CONFIG_VARS}
    read = {
        name for _, names, *_ in tables.values() for name in (names if isinstance(names, list) else [names]) if name
    }
    assert read <= known


@pytest.mark.unit
@pytest.mark.parametrize(
    "change",
    [
        {"AWS_PROFILE": "team"},
        {"AWS_USE_FIPS_ENDPOINT": "true"},
        {"AWS_WEB_IDENTITY_TOKEN_FILE": "/token"},
        {"AWS_ENDPOINT_URL": "http://s3.local"},
        {"AWS_DEFAULT_REGION": "cn-north-1"},
        {"AWS_DEFAULT_REGION": ""},
        {"AWS_SECRET_ACCESS_KEY": ""},
    ],
    ids=lambda change: next(iter(change)),
)
def test_botocore_decides_the_rest(home: Path, change: dict[str, str]) -> None:
    """What more than a few variables decide is left to botocore."""
    assert from_variables("bucket", {**KEYS, **change}) is None


@pytest.mark.unit
@pytest.mark.parametrize("file", ["config", "credentials"])
def test_botocore_reads_files(home: Path, file: str) -> None:
    """Files of AWS's may say anything."""
    (home / ".aws").mkdir()
    (home / ".aws" / file).write_text("[default]\n", encoding="utf-8")
    assert from_variables("bucket", KEYS) is None
    elsewhere = {"AWS_CONFIG_FILE": os.devnull, "AWS_SHARED_CREDENTIALS_FILE": os.devnull}
    assert from_variables("bucket", {**KEYS, **elsewhere}) is not None


FIPS, ACCELERATED = "https://bucket.s3-fips.us-west-1.amazonaws.com", "https://bucket.s3-accelerate.amazonaws.com"


@pytest.mark.unit
@pytest.mark.parametrize(
    ("config", "variables", "address", "region"),
    [
        ("region = eu-north-1", {}, "https://bucket.s3.eu-north-1.amazonaws.com", "eu-north-1"),
        ("region = cn-north-1", {}, "https://bucket.s3.cn-north-1.amazonaws.com.cn", "cn-north-1"),
        ("region = x", {"AWS_DEFAULT_REGION": "r-1"}, "https://bucket.s3.r-1.amazonaws.com", "r-1"),
        ("use_fips_endpoint = true\nregion = us-west-1", {}, FIPS, "us-west-1"),
        ("s3 =\n  addressing_style = path\nregion = r-1", {}, "https://s3.r-1.amazonaws.com/bucket", "r-1"),
        ("endpoint_url = https://minio.local:9000/x\nregion = r", {}, "https://minio.local:9000/x/bucket", "r"),
        ("", {"AWS_ENDPOINT_URL_S3": "http://localhost:9000"}, "http://localhost:9000/bucket", "us-east-1"),
        ("s3 =\n  use_accelerate_endpoint = true\nregion = r-1", {}, ACCELERATED, "r-1"),
    ],
)
def test_addresses_by_botocore(  # noqa: PLR0913, PLR0917 - an environment and what comes of it
    config: str, variables: dict[str, str], address: str, region: str, home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Profiles, partitions and endpoints are found as boto3 finds them."""
    (home / ".aws").mkdir()
    keys = "aws_access_key_id = a\naws_secret_access_key = b"
    (home / ".aws" / "config").write_text(f"[profile team]\n{keys}\n{config}\n", encoding="utf-8")
    _set(monkeypatch, {"AWS_PROFILE": "team", **variables})
    found = connect("bucket", os.environ)
    assert (found.address, found.region) == (address, region)
    assert _keys(found)[0] == "a"


def test_a_profile_is_read_by_obstore(aws: str, s3_root: str, home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Objects are moved by obstore also where botocore finds the credentials, here by running a program."""
    (home / ".aws").mkdir()
    answer = '{\\"Version\\": 1, \\"AccessKeyId\\": \\"a\\", \\"SecretAccessKey\\": \\"b\\"}'
    process = f"credential_process = sh -c \"echo '{answer}'\""
    (home / ".aws" / "config").write_text(f"[profile team]\n{process}\nregion = eu-central-1\n", encoding="utf-8")
    _set(monkeypatch, {"AWS_PROFILE": "team", "AWS_ENDPOINT_URL": aws})
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
    """An object that is not there is told by one kind of error."""
    assert not objects.exists("nope")
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


@pytest.mark.unit
def test_directory_buckets() -> None:
    """Requests to a directory bucket need sessions, which boto3 has."""
    assert "directory bucket" in s3_obstore.unusable("bucket--use1-az4--x-s3")
    assert not s3_obstore.unusable("bucket")


@pytest.mark.unit
def test_environments_without_credentials(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Without credentials the error says how to give some."""
    with pytest.raises(DatastoreError, match=r"s3://bucket/a: NoCredentialsError: .*\. Set AWS_PROFILE, or"):
        AWS.S3(root="s3://bucket").transport.get("a")
    monkeypatch.setenv("AWS_PROFILE", "nope")
    with pytest.raises(DatastoreError, match=r"ProfileNotFound: .*\. Correct AWS_PROFILE"):
        AWS.S3(root="s3://bucket").transport.get("a")


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
    _set(monkeypatch, {**KEYS, "AWS_ENDPOINT_URL": f"http://127.0.0.1:{server.server_port}"})
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
    """An upload, or a bucket, that is gone is told as a write that failed, and not as an object that is not there."""
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
    """Each write has the headers that a policy may want, if it is told to, and none else."""
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
    _set(monkeypatch, {**KEYS, "AWS_ENDPOINT_URL": f"http://127.0.0.1:{listening.getsockname()[1]}"})
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
    _set(monkeypatch, more)
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
    _set(monkeypatch, {variable: proxy, "AWS_ENDPOINT_URL": "http://192.0.2.1:9000"})
    assert _client("obstore").get("key") == cutting.content
    assert cutting.seen[0]["path"] == "http://192.0.2.1:9000/bucket/key"
    _set(monkeypatch, {"AWS_ENDPOINT_URL": proxy, variable: "http://127.0.0.1:1", "NO_PROXY": "127.0.0.0/8"})
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
    _set(monkeypatch, {f"AWS_ENDPOINT_URL_{service}": url for service, url in servers.items()})
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


@pytest.mark.unit
def test_files_that_hold_no_certificates(home: Path) -> None:
    """A file of certificates that is not there, or holds none, is an error with its variable."""
    (home / "none.pem").write_text("none", encoding="utf-8")
    for name, words in (("nope.pem", "AWS_CA_BUNDLE .* cannot be read"), ("none.pem", "No certificates found")):
        with pytest.raises(S3Error, match=words):
            ObstoreObjects("bucket", connect("bucket", {**KEYS, "AWS_CA_BUNDLE": str(home / name)}))


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


@pytest.mark.unit
@pytest.mark.parametrize(
    ("options", "told"),
    [
        ({"encryption": "kms"}, "must be AES256, aws:kms, aws:kms:dsse or None, not 'kms'"),
        ({"kms_key_id": "alias/x"}, "needs encryption='aws:kms'"),
        ({"encryption": "aws:kms", "kms_key_id": ""}, "the id, alias or ARN of a key"),
    ],
)
def test_encryption_that_there_is_not(options: dict[str, str], told: str) -> None:
    """Another encryption than S3 has is refused where it is given."""
    with pytest.raises(DatastoreError, match=re.escape(told)):
        AWS.S3(root="s3://bucket", **options)  # type: ignore[arg-type]


@pytest.mark.unit
def test_tasks_ask_for_the_same() -> None:
    """The datastore of a task, at the root that its deployment has, asks for what the flow's own asks for."""
    own = AWS.S3(root="s3://mine", encryption="aws:kms", kms_key_id="alias/x")
    found = from_root("s3://deployed/x", own)
    assert isinstance(found, AWS.S3)
    assert found.requested_encryption() == own.requested_encryption()
