"""Which client a datastore in S3 has, and that both do the same."""

from __future__ import annotations

import multiprocessing
import os
from pathlib import Path
from typing import Any

import boto3
import pytest

from laminar_runtime.configurations.datastores import AWS
from laminar_runtime.configurations.datastores.s3 import Objects
from laminar_runtime.configurations.datastores.s3_boto3 import Boto3Objects
from laminar_runtime.configurations.datastores.s3_objects import RANGE
from laminar_runtime.configurations.datastores.s3_obstore import ObstoreObjects, plain_configuration

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
    root = s3_root.replace("/flows", "/a//b")  # obstore has no keys with empty parts
    datastore = AWS.S3(root=root)
    datastore.write_bytes(path="c", content=b"x")
    assert datastore.read_bytes(path="c") == b"x"
    assert boto3.Session().client("s3").get_object(Bucket=root.split("/")[2], Key="a//b/c")["Body"].read() == b"x"


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
