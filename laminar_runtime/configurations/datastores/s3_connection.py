"""How a bucket is reached, as every client of S3 needs to know it."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from laminar_runtime import _records
from laminar_runtime.configurations.datastores.s3_errors import S3Error

__all__ = ["Connection", "Credentials", "read_certificates"]

#: Gives credentials as obstore wants them: a dictionary with an access key, a secret key, a token and an expiry.
Credentials = Callable[[], dict[str, Any]]


@_records.frozen
class Connection:
    """How a bucket is reached.

    Args:
        address: The URL that the key of an object follows after a slash.
        region: The region that requests are signed for.
        credentials: Gives the credentials of a request, or is what obstore is configured by: that spares it 9 ms.
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
