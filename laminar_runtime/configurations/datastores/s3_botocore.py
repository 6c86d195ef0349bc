"""Find the address of a bucket and the credentials by botocore, in any environment.

botocore makes and signs the request for an object, and we take it before it is sent: its URL and its signature show
where obstore has to send requests. So botocore handles profiles, roles, single sign-on, endpoints and partitions.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import UTC, datetime
from types import SimpleNamespace
from typing import Any

from laminar_runtime.blocks import block
from laminar_runtime.configurations.datastores.s3_connection import Connection, Credentials, read_certificates
from laminar_runtime.configurations.datastores.s3_errors import S3Error

__all__ = ["botocore_errors", "bucket_region", "bundled_certificates", "connect"]

_KEY = "laminar"


def connect(bucket: str, region: str | None = None) -> Connection:
    """Find how botocore reaches a bucket.

    Args:
        bucket: The bucket.
        region: Its region, if it is not the one that the environment names.

    Raises:
        S3Error: If there are no credentials, or AWS is configured wrongly.
    """
    import os

    with botocore_errors():
        session = _session()
        request = _signed_request(session, bucket, region)
        credentials = session.get_credentials()
    signed = re.search(r"Credential=[^/]+/[^/]+/([^/]+)/s3/", _text(request.headers.get("Authorization", "")))
    if signed is None or credentials is None:
        msg = "botocore signs requests to this bucket in a way that obstore does not support"
        raise S3Error("UnknownSignature", msg)
    certificates = session.get_config_variable("ca_bundle") or os.environ.get("REQUESTS_CA_BUNDLE")
    return Connection(
        request.url.removesuffix(f"/{_KEY}"),
        signed[1],
        _provider(credentials),
        read_certificates(certificates) if certificates and request.url.startswith("https://") else None,
    )


def bucket_region(bucket: str) -> str | None:
    """Ask S3 for the region of a bucket.

    Args:
        bucket: The bucket.

    Returns:
        The region, None if S3 does not name it.
    """
    from botocore.exceptions import BotoCoreError, ClientError

    try:
        answer: Any = _client(_session()).head_bucket(Bucket=bucket)
    except ClientError as error:
        answer = error.response
    except BotoCoreError:
        return None
    region = answer.get("ResponseMetadata", {}).get("HTTPHeaders", {}).get("x-amz-bucket-region")
    return str(region) if region else None


def bundled_certificates() -> bytes:
    """Return the certificates of the botocore package, for a system without any."""
    import os
    from importlib.util import find_spec

    spec = find_spec("botocore")
    folder = (spec.submodule_search_locations or [""])[0] if spec else ""
    return read_certificates(os.path.join(folder, "cacert.pem"))  # noqa: PTH118 - a task need not load pathlib


@block
def botocore_errors() -> Iterator[None]:
    """Raise errors of botocore as `S3Error`."""
    from botocore.exceptions import BotoCoreError, ClientError

    try:
        yield
    except ClientError as error:
        found = error.response.get("Error", {})
        status = error.response.get("ResponseMetadata", {}).get("HTTPStatusCode", 0)
        raise S3Error(found.get("Code", ""), found.get("Message", "") or str(error), status=status) from error
    except BotoCoreError as error:
        raise S3Error(type(error).__name__, str(error)) from error


def _session() -> Any:
    import botocore.session

    return botocore.session.Session()


def _client(session: Any, region: str | None = None) -> Any:
    from botocore.config import Config

    return session.create_client("s3", region_name=region, config=Config(retries={"mode": "standard"}))


def _signed_request(session: Any, bucket: str, region: str | None) -> Any:
    """Return the request for an object, made and signed by botocore, without sending it."""
    from botocore.awsrequest import AWSResponse
    from botocore.compat import HTTPHeaders

    taken = []
    empty: Any = SimpleNamespace(stream=lambda: iter(()))

    def take(request: Any, **_: Any) -> Any:
        taken.append(request)
        return AWSResponse(request.url, 200, HTTPHeaders(), empty)

    client = _client(session, region)
    client.meta.events.register_first("before-send.s3.HeadObject", take)
    client.head_object(Bucket=bucket, Key=_KEY)
    return taken[0]


def _provider(credentials: Any) -> Credentials:
    """Return a function that gives obstore the credentials of botocore, which renews them.

    obstore would ask again five minutes before the credentials end; botocore renews them ten minutes before, but only
    if it is asked. So it is asked for each request, which costs almost nothing.
    """
    from botocore.credentials import RefreshableCredentials

    changing = isinstance(credentials, RefreshableCredentials)

    def provide() -> dict[str, Any]:
        found = credentials.get_frozen_credentials()
        return {
            "access_key_id": found.access_key,
            "secret_access_key": found.secret_key,
            "token": found.token,
            "expires_at": datetime.now(UTC) if changing else None,
        }

    return provide


def _text(value: str | bytes) -> str:
    return value.decode() if isinstance(value, bytes) else value
