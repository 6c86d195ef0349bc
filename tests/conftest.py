"""Fixtures of all tests, and the settings of Hypothesis: no time limit, because some machines are slow at times.

In CI its examples are the same in each run, so that a commit passes or fails there whoever runs it. Everywhere else
each run tries a few others, so that unit tests are quick, and remembers those that failed. At night it tries many.
"""

from __future__ import annotations

import json
import os
import signal
import urllib.request
import uuid
from collections.abc import Iterator
from pathlib import Path

import boto3
import pytest
from hypothesis import HealthCheck, settings

from tests.support.harness import Folder
from tests.support.sizes import NIGHTLY, size

_CI = os.environ.get("CI") == "true"

settings.register_profile(
    "laminar",
    deadline=None,
    derandomize=_CI and not NIGHTLY,
    max_examples=size(40 if _CI else 10, full=200),
    suppress_health_check=[HealthCheck.too_slow],
)
settings.load_profile("laminar")

# nohup, and a shell without job control, have what they start ignore these signals, and so do the processes that tests
# start and stop: they would never end.
for number in (signal.SIGHUP, signal.SIGINT, signal.SIGQUIT):
    if signal.getsignal(number) is signal.SIG_IGN:
        signal.signal(number, signal.default_int_handler if number == signal.SIGINT else signal.SIG_DFL)


@pytest.fixture(autouse=True, scope="module")
def own_session() -> None:
    """Have the fixtures of each file make a session of boto3 of their own, with their credentials."""
    boto3.DEFAULT_SESSION = None


@pytest.fixture(autouse=True)
def launching_process(monkeypatch: pytest.MonkeyPatch) -> None:
    """Have each test begin as a process that launches flows."""
    for name in list(os.environ):
        if name.startswith("LAMINAR_"):
            monkeypatch.delenv(name)
    # boto3 keeps a session for the process, with the credentials of the first test that asks for it.
    monkeypatch.setattr(boto3, "DEFAULT_SESSION", None)


@pytest.fixture
def folder(tmp_path: Path) -> Folder:
    return Folder(tmp_path)


@pytest.fixture(scope="session")
def aws_endpoint() -> Iterator[str]:
    from moto.server import ThreadedMotoServer

    server = ThreadedMotoServer(ip_address="127.0.0.1", port=0, verbose=False)
    server.start()
    host, port = server.get_host_and_port()
    endpoint = f"http://{host}:{port}"
    # State machines are run, and not only recorded.
    config = json.dumps({"stepfunctions": {"execute_state_machine": True}}).encode()
    headers = {"Content-Type": "application/json"}
    request = urllib.request.Request(f"{endpoint}/moto-api/config", config, headers)  # noqa: S310
    urllib.request.urlopen(request).close()  # noqa: S310
    yield endpoint
    server.stop()


@pytest.fixture
def aws(aws_endpoint: str, monkeypatch: pytest.MonkeyPatch) -> str:
    """Point the environment at a server that answers for AWS."""
    monkeypatch.setenv("AWS_ENDPOINT_URL", aws_endpoint)
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "testing")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "testing")
    monkeypatch.setenv("AWS_DEFAULT_REGION", "eu-central-1")
    monkeypatch.setenv("AWS_EC2_METADATA_DISABLED", "true")
    return aws_endpoint


@pytest.fixture
def s3_root(aws: str) -> str:
    """A prefix in a new bucket."""
    bucket = f"bucket-{uuid.uuid4()}"
    boto3.Session().client("s3").create_bucket(
        Bucket=bucket, CreateBucketConfiguration={"LocationConstraint": "eu-central-1"}
    )
    return f"s3://{bucket}/flows"
