"""Which client a datastore in S3 has, and that both do the same."""

from __future__ import annotations

import multiprocessing
import os
import re
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any, ClassVar

import boto3
import pytest

from laminar_runtime.configurations.datastores import AWS, from_root
from laminar_runtime.configurations.datastores.s3 import Objects
from laminar_runtime.configurations.datastores.s3_boto3 import Boto3Objects
from laminar_runtime.configurations.datastores.s3_encryption import NO_ENCRYPTION, Encryption
from laminar_runtime.configurations.datastores.s3_objects import RANGE
from laminar_runtime.configurations.datastores.s3_obstore import ObstoreObjects, plain_configuration
from laminar_runtime.exceptions import DatastoreError, MissingError

KEYS = {"AWS_ACCESS_KEY_ID": "key", "AWS_SECRET_ACCESS_KEY": "secret", "AWS_DEFAULT_REGION": "eu-west-1"}
JOB = {"AWS_CONTAINER_CREDENTIALS_RELATIVE_URI": "/v2/credentials/1", "AWS_DEFAULT_REGION": "eu-west-1"}


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty home."""
    monkeypatch.setenv("HOME", str(tmp_path))
    return tmp_path


@pytest.fixture(params=["obstore", "boto3"])
def objects(request: pytest.FixtureRequest, s3_root: str) -> Objects:
    """The objects of an empty bucket, by each client."""
    bucket = s3_root.removeprefix("s3://").partition("/")[0]
    if request.param == "boto3":
        return Boto3Objects(bucket)
    configuration = plain_configuration(bucket, os.environ)
    assert configuration is not None
    return ObstoreObjects(bucket, configuration)


@pytest.mark.parametrize(
    "more",
    [
        {},
        {"AWS_SESSION_TOKEN": "token", "AWS_REGION": "eu-west-1", "AWS_EXECUTION_ENV": "AWS_Lambda_python3.11"},
        {"AWS_BATCH_JOB_ID": "1", "AWS_LAMBDA_FUNCTION_NAME": "planner", "AWS_PROFILE": "", "NO_PROXY": "localhost"},
        {"AWS_ENDPOINT_URL": "http://127.0.0.1:9000", "AWS_CA_BUNDLE": "/not/for/http.pem"},
    ],
)
def test_a_plain_environment(home: Path, more: dict[str, str]) -> None:
    """Keys and a region are a plain environment, and so is what AWS itself adds in jobs and functions."""
    configuration = plain_configuration("bucket", {**KEYS, **more})
    assert configuration is not None
    config = configuration["config"]
    assert (config["access_key_id"], config["secret_access_key"], config["region"]) == ("key", "secret", "eu-west-1")
    assert config.get("session_token") == more.get("AWS_SESSION_TOKEN")
    assert config.get("endpoint") == more.get("AWS_ENDPOINT_URL")


def test_a_job_has_the_credentials_of_its_role(home: Path) -> None:
    """A job of AWS Batch is told where its credentials are."""
    configuration = plain_configuration("bucket", JOB)
    assert configuration is not None
    assert configuration["config"]["container_credentials_relative_uri"] == "/v2/credentials/1"


@pytest.mark.parametrize(
    ("bucket", "endpoint", "expected"),
    [("bucket", None, True), ("my.bucket", None, False), ("bucket", "http://127.0.0.1:9000", False)],
)
def test_where_the_bucket_is_named(home: Path, bucket: str, endpoint: str | None, expected: bool) -> None:  # noqa: FBT001
    """A bucket is in the name of the host, unless that is an address, or no certificate covers it as it has a dot."""
    configuration = plain_configuration(bucket, {**KEYS, **({"AWS_ENDPOINT_URL": endpoint} if endpoint else {})})
    assert configuration is not None
    assert configuration["config"]["virtual_hosted_style_request"] is expected


@pytest.mark.parametrize(
    "change",
    [
        {"AWS_PROFILE": "team"},
        {"AWS_USE_FIPS_ENDPOINT": "true"},
        {"AWS_CA_BUNDLE": "/etc/ca.pem"},
        {"AWS_WEB_IDENTITY_TOKEN_FILE": "/token"},
        {"HTTPS_PROXY": "http://proxy"},
        {"https_proxy": "http://proxy"},
        {"AWS_ENDPOINT_URL": "http://s3.local"},
        {"AWS_DEFAULT_REGION": "cn-north-1"},
        {"AWS_DEFAULT_REGION": ""},
        {"AWS_SECRET_ACCESS_KEY": ""},
    ],
    ids=lambda change: next(iter(change)),
)
def test_boto3_has_the_rest(home: Path, change: dict[str, str]) -> None:
    """What is not understood for certain is left to boto3."""
    assert plain_configuration("bucket", {**KEYS, **change}) is None


@pytest.mark.parametrize("file", ["config", "credentials"])
def test_boto3_has_what_files_say(home: Path, file: str) -> None:
    """Files of AWS's may say anything."""
    (home / ".aws").mkdir()
    (home / ".aws" / file).write_text("[default]\n", encoding="utf-8")
    assert plain_configuration("bucket", KEYS) is None
    elsewhere = {"AWS_CONFIG_FILE": os.devnull, "AWS_SHARED_CREDENTIALS_FILE": os.devnull}
    assert plain_configuration("bucket", {**KEYS, **elsewhere}) is not None


@pytest.mark.parametrize("key", ["a/b", "a b/c", "ümlaut/~x", "a%20b/c+d", "a=b/[c]", "a#b/*"])
def test_keys_are_the_same(objects: Objects, s3_root: str, key: str) -> None:
    """Whatever its letters are, an object lies under the key that AWS shows, where others find it."""
    objects.write(key, [b"some", memoryview(b"thing")])
    bucket = s3_root.removeprefix("s3://").partition("/")[0]
    client = boto3.Session().client("s3")
    assert [item["Key"] for item in client.list_objects_v2(Bucket=bucket)["Contents"]] == [key]
    assert objects.read(key) == b"something"
    assert objects.exists(key)
    folder, _, name = key.partition("/")
    assert objects.names(f"{folder}/") == [name]


@pytest.mark.parametrize("size", [0, 1, RANGE, RANGE + 1, 3 * RANGE - 1])
def test_sizes(objects: Objects, size: int) -> None:
    """An object is read as it was written, at whatever size it is taken apart, and can be changed in memory."""
    content = bytes(range(256)) * (size // 256) + bytes(size % 256)
    objects.write("key", [content[: size // 3], memoryview(content)[size // 3 :]])
    found = objects.read_buffer("key")
    assert isinstance(found, bytearray)
    assert found == content
    assert objects.read("key") == content


def test_what_is_not_there(objects: Objects) -> None:
    """An object that is not there is told by one kind of error."""
    assert not objects.exists("nope")
    for read in (objects.read, objects.read_buffer):
        with pytest.raises(FileNotFoundError):
            read("nope")


def test_boto3_is_not_loaded(s3_root: str, folder: Any) -> None:
    """In a plain environment a task's process never loads it."""
    code = f"""
    import sys
    from laminar_runtime.configurations import datastores
    store = datastores.AWS.S3(root={s3_root!r})
    store.write_bytes(path="a", content=b"x")
    print(store.read_bytes(path="a"), store.exists(path="b"), "botocore" in sys.modules)
    """
    assert folder.run(code) == "b'x' False False"


def test_boto3_takes_over(s3_root: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """What obstore cannot do goes through boto3, and so does all after it."""
    datastore = AWS.S3(root=s3_root)
    datastore.write_bytes(path="a//b", content=b"x")  # obstore has no keys with empty parts
    assert datastore.read_bytes(path="a//b") == b"x"
    found = boto3.Session().client("s3").get_object(Bucket=s3_root.split("/")[2], Key="flows/a//b")
    assert found["Body"].read() == b"x"


def _read(datastore: AWS.S3, answers: Any) -> None:
    answers.put(datastore.read_bytes(path="a"))


def test_forked_processes(s3_root: str) -> None:
    """A process that is forked from one that uses obstore has none of its threads, and reads all the same."""
    datastore = AWS.S3(root=s3_root)
    datastore.write_bytes(path="a", content=b"x")
    context = multiprocessing.get_context("fork")
    answers = context.Queue()
    process = context.Process(target=_read, args=(datastore, answers))
    process.start()
    assert answers.get(timeout=60) == b"x"
    process.join()


class _Cutting(BaseHTTPRequestHandler):
    """An S3 of one object that cuts its answers to the first requests, or refuses them all."""

    content: ClassVar[bytes] = b"".join(bytes([number]) * 1024 for number in range(200)) * 100
    cuts: ClassVar[int] = 0
    seen: ClassVar[list[dict[str, str]]] = []

    def do_GET(self) -> None:
        first, last = 0, len(self.content) - 1
        if span := self.headers.get("Range"):
            first, last = (int(place) for place in span.removeprefix("bytes=").split("-"))
            last = min(last, len(self.content) - 1)
        body = self.content[first : last + 1]
        self.send_response(206 if span else 200)
        self.send_header("Content-Length", str(len(body)))
        self.send_header("Content-Range", f"bytes {first}-{last}/{len(self.content)}")
        self.send_header("ETag", '"tag"')
        self.send_header("Last-Modified", "Thu, 26 Nov 2026 00:00:00 GMT")
        self.end_headers()
        cut = type(self).cuts > 0
        type(self).cuts -= cut
        self.wfile.write(body[: len(body) // 2] if cut else body)
        self.close_connection = True

    def do_PUT(self) -> None:
        self.rfile.read(int(self.headers.get("Content-Length") or 0))
        self.seen.append({name.lower(): value for name, value in self.headers.items()})
        codes = {"gone": (404, ""), "there": (412, "PreconditionFailed"), "busy": (409, "ConditionalRequestConflict")}
        status, code = next((codes[name] for name in codes if name in self.path), (200, ""))
        body = f"<Error><Code>{code}</Code><Message>no</Message></Error>".encode() if code else b""
        self.send_response(status)
        self.send_header("Content-Length", str(len(body)))
        self.send_header("ETag", '"tag"')
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, format: str, *args: Any) -> None: ...  # noqa: A002 - the base names it


@pytest.fixture
def cutting(home: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[type[_Cutting]]:
    """The server, named in an environment that is plain."""
    server = ThreadingHTTPServer(("127.0.0.1", 0), _Cutting)
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    for name, value in KEYS.items():
        monkeypatch.setenv(name, value)
    monkeypatch.setenv("AWS_ENDPOINT_URL", f"http://127.0.0.1:{server.server_port}")
    _Cutting.cuts = 0
    _Cutting.seen.clear()
    yield _Cutting
    server.shutdown()
    server.server_close()
    thread.join()


def _client(kind: str, encryption: Encryption = NO_ENCRYPTION) -> Objects:
    if kind == "boto3":
        return Boto3Objects("bucket", encryption)
    configuration = plain_configuration("bucket", os.environ)
    assert configuration is not None
    return ObstoreObjects("bucket", configuration, encryption)


@pytest.mark.parametrize("kind", ["obstore", "boto3"])
def test_answers_that_are_cut(kind: str, cutting: type[_Cutting]) -> None:
    """A connection that ends in the middle of an object is a passing fault: it is read again."""
    objects = _client(kind)
    for read in (objects.read, objects.read_buffer):
        cutting.cuts = 2
        assert read("key") == cutting.content
        assert cutting.cuts == 0
    cutting.cuts = 2
    assert objects.read_range("key", 1000, 3000) == cutting.content[1000:3000]
    assert cutting.cuts == 0


def test_answers_that_are_always_cut(cutting: type[_Cutting]) -> None:
    """An object that never comes whole is an error of ours, with its address."""
    cutting.cuts = 10_000
    store = AWS.S3(root="s3://bucket")
    store._use(_client("boto3"))
    with pytest.raises(DatastoreError, match="s3://bucket/key: "):
        store.read_buffer(path="key")


def test_what_is_gone_while_it_is_written(cutting: type[_Cutting]) -> None:
    """An upload, or a bucket, that is gone is told as a write that failed, and not as an object that is not there."""
    store = AWS.S3(root="s3://bucket")
    for write in (store.write_bytes, store.create_bytes):
        with pytest.raises(DatastoreError, match="s3://bucket/gone: ") as error:
            write(path="gone", content=b"x")
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
    objects.write("key", [b"x"])
    objects.create("key", b"x")
    for found in cutting.seen:
        assert found.get("x-amz-server-side-encryption") == asked
        assert found.get("x-amz-server-side-encryption-aws-kms-key-id") == key


@pytest.mark.parametrize(
    ("options", "told"),
    [
        ({"encryption": "kms"}, "is one of AES256, aws:kms, aws:kms:dsse or None, not 'kms'"),
        ({"kms_key_id": "alias/x"}, "needs encryption='aws:kms'"),
        ({"encryption": "aws:kms", "kms_key_id": ""}, "the id, the alias or the ARN of a key"),
    ],
)
def test_encryption_that_there_is_not(options: dict[str, str], told: str) -> None:
    """Another encryption than S3 has is refused where it is given."""
    with pytest.raises(DatastoreError, match=re.escape(told)):
        AWS.S3(root="s3://bucket", **options)  # type: ignore[arg-type]


def test_tasks_ask_for_the_same() -> None:
    """The datastore of a task, at the root that its deployment has, asks for what the flow's own asks for."""
    own = AWS.S3(root="s3://mine", encryption="aws:kms", kms_key_id="alias/x")
    found = from_root("s3://deployed/x", own)
    assert isinstance(found, AWS.S3)
    assert found.asked() == own.asked()
