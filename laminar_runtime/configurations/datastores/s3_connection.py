"""The address, region and credentials for a bucket, as a client of S3 needs them."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from laminar_runtime import _records
from laminar_runtime.configurations.datastores.s3_errors import S3Error

__all__ = ["Connection", "Credentials", "read_certificates"]

#: Returns credentials in the form of obstore: a dictionary with an access key, a secret key, a token and an expiry.
Credentials = Callable[[], dict[str, Any]]


@_records.frozen
class Connection:
    """The address, region and credentials for a bucket.

    Args:
        address: The URL that the key of an object follows after a slash.
        region: The region that requests are signed for.
        credentials: Returns the credentials of a request; or the configuration of obstore for them, which is 9 ms
            faster.
        certificates: Certificates (PEM) to trust besides those of the system.
    """

    address: str
    region: str
    credentials: Credentials | Mapping[str, str]
    certificates: bytes | None = None


def read_certificates(path: str) -> bytes:
    """Read a file of certificates.

    Raises:
        S3Error: If it cannot be read.
    """
    try:
        with open(path, "rb") as file:  # noqa: PTH123 - a task need not load pathlib
            return file.read()
    except OSError as error:
        raise S3Error(
            "Certificates", f"the file of AWS_CA_BUNDLE or REQUESTS_CA_BUNDLE cannot be read: {error}"
        ) from None
