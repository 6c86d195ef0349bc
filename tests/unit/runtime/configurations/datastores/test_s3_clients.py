"""How a datastore in S3 reaches its bucket, and that both clients do the same."""

from __future__ import annotations

import os
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest
from botocore.configprovider import BOTOCORE_DEFAUT_SESSION_VARIABLES, DEFAULT_S3_CONFIG_VARS

from laminar_runtime.configurations.datastores import AWS, from_root, s3_botocore, s3_environment, s3_obstore
from laminar_runtime.configurations.datastores.s3_connection import Connection
from laminar_runtime.configurations.datastores.s3_environment import connect, from_variables
from laminar_runtime.configurations.datastores.s3_errors import S3Error
from laminar_runtime.configurations.datastores.s3_obstore import ObstoreObjects
from laminar_runtime.exceptions import DatastoreError
from tests.support.aws_variables import KEYS, set_variables

JOB = {"AWS_CONTAINER_CREDENTIALS_RELATIVE_URI": "/v2/credentials/1", "AWS_DEFAULT_REGION": "eu-west-1"}


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


def _known(found: Connection) -> tuple[Any, ...]:
    """Return the comparable parts of a connection."""
    return found.address, found.region, _keys(found), found.certificates


def _keys(found: Connection) -> tuple[str | None, ...]:
    """Return an access key, a secret key and a token."""
    if isinstance(found.credentials, Mapping):
        return tuple(found.credentials.get(name) for name in ("access_key_id", "secret_access_key", "session_token"))
    return tuple(found.credentials().get(name) for name in ("access_key_id", "secret_access_key", "token"))


@pytest.mark.parametrize("bucket", ["bucket", "my.bucket", "my_bucket", "Bucket", "point-abcdef-s3alias"])
@pytest.mark.parametrize("more", PLAIN.values(), ids=PLAIN)
def test_variables_say_what_botocore_says(
    more: dict[str, str], bucket: str, home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Where variables decide, botocore is not needed: it would find the same."""
    set_variables(monkeypatch, {**KEYS, **more})
    found = from_variables(bucket, os.environ)
    assert found is not None
    assert _known(found) == _known(s3_botocore.connect(bucket))


def test_the_address_in_us_east_1(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The region's own host is taken, as in other regions, where botocore by default takes the one of all regions."""
    set_variables(monkeypatch, {**KEYS, "AWS_DEFAULT_REGION": "us-east-1"})
    found, other = from_variables("bucket", os.environ), s3_botocore.connect("bucket")
    assert found is not None
    assert (found.address, found.region) == ("https://bucket.s3.us-east-1.amazonaws.com", other.region)


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


def test_no_variable_of_botocore_is_forgotten() -> None:
    """Each variable that botocore reads is read here, left to botocore, or known to be of no matter."""
    known = {*KEYS, *s3_environment._BOTOCORE_DECIDES, *s3_environment._FILES, *NO_MATTER, "AWS_CA_BUNDLE"}
    tables = {**BOTOCORE_DEFAUT_SESSION_VARIABLES, **DEFAULT_S3_CONFIG_VARS}
    read = {
        name for _, names, *_ in tables.values() for name in (names if isinstance(names, list) else [names]) if name
    }
    assert read <= known


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


@pytest.mark.parametrize("file", ["config", "credentials"])
def test_botocore_reads_files(home: Path, file: str) -> None:
    """Files of AWS's may say anything."""
    (home / ".aws").mkdir()
    (home / ".aws" / file).write_text("[default]\n", encoding="utf-8")
    assert from_variables("bucket", KEYS) is None
    elsewhere = {"AWS_CONFIG_FILE": os.devnull, "AWS_SHARED_CREDENTIALS_FILE": os.devnull}
    assert from_variables("bucket", {**KEYS, **elsewhere}) is not None


FIPS, ACCELERATED = "https://bucket.s3-fips.us-west-1.amazonaws.com", "https://bucket.s3-accelerate.amazonaws.com"


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
    set_variables(monkeypatch, {"AWS_PROFILE": "team", **variables})
    found = connect("bucket", os.environ)
    assert (found.address, found.region) == (address, region)
    assert _keys(found)[0] == "a"


def test_directory_buckets() -> None:
    """Requests to a directory bucket need sessions, which boto3 has."""
    assert "directory bucket" in s3_obstore.unusable("bucket--use1-az4--x-s3")
    assert not s3_obstore.unusable("bucket")


def test_environments_without_credentials(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Without credentials the error says how to give some."""
    with pytest.raises(DatastoreError, match=r"s3://bucket/a: NoCredentialsError: .*\. Set AWS_PROFILE, or"):
        AWS.S3(root="s3://bucket").transport.get("a")
    monkeypatch.setenv("AWS_PROFILE", "nope")
    with pytest.raises(DatastoreError, match=r"ProfileNotFound: .*\. Correct AWS_PROFILE"):
        AWS.S3(root="s3://bucket").transport.get("a")


def test_files_that_hold_no_certificates(home: Path) -> None:
    """A file of certificates that is not there, or holds none, is an error with its variable."""
    (home / "none.pem").write_text("none", encoding="utf-8")
    for name, words in (("nope.pem", "AWS_CA_BUNDLE .* cannot be read"), ("none.pem", "No certificates found")):
        with pytest.raises(S3Error, match=words):
            ObstoreObjects("bucket", connect("bucket", {**KEYS, "AWS_CA_BUNDLE": str(home / name)}))


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"encryption": "kms"}, "must be AES256, aws:kms, aws:kms:dsse or None, not 'kms'"),
        ({"kms_key_id": "alias/x"}, "needs encryption='aws:kms'"),
        ({"encryption": "aws:kms", "kms_key_id": ""}, "the id, alias or ARN of a key"),
    ],
)
def test_encryption_that_there_is_not(options: dict[str, str], message: str) -> None:
    """Another encryption than S3 has is refused where it is given."""
    with pytest.raises(DatastoreError, match=re.escape(message)):
        AWS.S3(root="s3://bucket", **options)  # type: ignore[arg-type]


def test_tasks_ask_for_the_same() -> None:
    """The datastore of a task, at the root that its deployment has, asks for what the flow's own asks for."""
    own = AWS.S3(root="s3://mine", encryption="aws:kms", kms_key_id="alias/x")
    found = from_root("s3://deployed/x", own)
    assert isinstance(found, AWS.S3)
    assert found.requested_encryption() == own.requested_encryption()
