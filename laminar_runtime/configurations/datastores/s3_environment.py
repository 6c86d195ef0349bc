"""Find the address, region, credentials and certificates for a bucket in this process.

botocore knows all ways to configure these, and takes a quarter of a second to load. Where a few environment variables
are enough, as in the containers of AWS Batch and AWS Lambda, this module reads them, with the same result. The tests
compare both.
"""

from __future__ import annotations

import os
import re
from collections.abc import Mapping

from laminar_runtime.configurations.datastores.s3_connection import Connection, read_certificates

__all__ = ["connect", "from_variables"]

_KEY, _SECRET, _TOKEN = "AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_SESSION_TOKEN"
_REGION, _CONTAINER = "AWS_DEFAULT_REGION", "AWS_CONTAINER_CREDENTIALS_RELATIVE_URI"
_ENDPOINTS = ("AWS_ENDPOINT_URL_S3", "AWS_ENDPOINT_URL")
#: https://docs.aws.amazon.com/sdkref/latest/guide/file-location.html
_FILES = {"AWS_CONFIG_FILE": "~/.aws/config", "AWS_SHARED_CREDENTIALS_FILE": "~/.aws/credentials"}

#: Variables by which botocore finds another address, another region or other credentials than `from_variables` does.
_BOTOCORE_DECIDES = (
    "AWS_AUTH_SCHEME_PREFERENCE",
    "AWS_CONTAINER_AUTHORIZATION_TOKEN",
    "AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE",
    "AWS_CONTAINER_CREDENTIALS_FULL_URI",
    "AWS_CREDENTIAL_EXPIRATION",
    "AWS_CREDENTIAL_FILE",
    "AWS_DATA_PATH",
    "AWS_DEFAULT_PROFILE",
    "AWS_IGNORE_CONFIGURED_ENDPOINT_URLS",
    "AWS_PROFILE",
    "AWS_SECURITY_TOKEN",
    "AWS_SIGV4A_SIGNING_REGION_SET",
    "AWS_TOKEN",  # botocore ignores it, but obstore would take it for a session token
    "AWS_USE_DUALSTACK_ENDPOINT",
    "AWS_USE_FIPS_ENDPOINT",
    "AWS_WEB_IDENTITY_TOKEN_FILE",
    "BOTOCORE_EXPERIMENTAL__PLUGINS",
)
_PROXIES = ("HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY")
#: Regions of other partitions have hosts of other domains: https://docs.aws.amazon.com/general/latest/gr/s3.html
_OTHER_DOMAINS = ("cn-", "us-iso", "eu-iso", "eusc-")


def connect(bucket: str, environment: Mapping[str, str]) -> Connection:
    """Find the address, region and credentials for a bucket.

    Args:
        bucket: The bucket.
        environment: The environment variables of this process.

    Raises:
        S3Error: If there are no credentials, or the configuration of AWS is wrong.
    """
    found = from_variables(bucket, environment)
    if found is None:
        from laminar_runtime.configurations.datastores import s3_botocore

        return s3_botocore.connect(bucket)
    return found


def from_variables(bucket: str, environment: Mapping[str, str]) -> Connection | None:
    """Find the same by a few environment variables, without botocore.

    The order of credentials is that of botocore:
    https://docs.aws.amazon.com/boto3/latest/guide/credentials.html

    Args:
        bucket: The bucket.
        environment: The environment variables of this process.

    Returns:
        The connection; None if only botocore can find it.

    Raises:
        S3Error: If the file of certificates cannot be read.
    """
    region = environment.get(_REGION, "")
    if not re.fullmatch("[a-z0-9-]+", region) or region.startswith(_OTHER_DOMAINS):
        return None
    if any(environment.get(name) for name in _BOTOCORE_DECIDES):
        return None
    if any(_is_file(environment.get(name) or file) for name, file in _FILES.items()):
        return None
    endpoint = next(filter(None, map(environment.get, _ENDPOINTS)), "")
    if endpoint and not _is_ip_address(endpoint):
        return None
    credentials = _keys(environment) or _role(environment)
    if credentials is None:
        return None
    certificates = environment.get("AWS_CA_BUNDLE") or environment.get("REQUESTS_CA_BUNDLE")
    return Connection(
        _address(bucket, region, endpoint),
        region,
        credentials,
        read_certificates(certificates) if certificates and not endpoint.startswith("http://") else None,
    )


def _address(bucket: str, region: str, endpoint: str) -> str:
    if endpoint:
        return f"{endpoint.rstrip('/')}/{bucket}"
    # A certificate covers one level of names, and the names of hosts have no other letters.
    if re.fullmatch("[a-z0-9-]{3,63}", bucket):
        return f"https://{bucket}.s3.{region}.amazonaws.com"
    return f"https://s3.{region}.amazonaws.com/{bucket}"


def _keys(environment: Mapping[str, str]) -> dict[str, str] | None:
    if not environment.get(_KEY) or not environment.get(_SECRET):
        return None
    given = {"access_key_id": environment[_KEY], "secret_access_key": environment[_SECRET]}
    return {**given, "session_token": environment[_TOKEN]} if environment.get(_TOKEN) else given


def _role(environment: Mapping[str, str]) -> dict[str, str] | None:
    """Return the role of a job. obstore fetches and renews its credentials, but would ask a proxy for them.

    https://docs.aws.amazon.com/batch/latest/userguide/task-iam-roles.html
    """
    proxies = (environment.get(spelled) for name in _PROXIES for spelled in (name, name.lower()))
    if not environment.get(_CONTAINER) or environment.get(_KEY) or environment.get(_SECRET) or any(proxies):
        return None
    return {"container_credentials_relative_uri": environment[_CONTAINER]}


def _is_file(path: str) -> bool:
    return os.path.isfile(os.path.expanduser(path))  # noqa: PTH111, PTH113 - a task need not load pathlib


def _is_ip_address(endpoint: str) -> bool:
    """Return whether the host of an endpoint is an IPv4 address, so that the bucket has to be in the path."""
    host = endpoint.partition("://")[2].partition("/")[0].partition(":")[0]
    return all(part.isdigit() for part in host.split("."))
