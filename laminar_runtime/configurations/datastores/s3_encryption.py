"""The encryption that a write requests, where a policy of the bucket or of the organisation demands it.

S3 encrypts every object, also without a request. A policy may refuse writes that do not request it:
https://docs.aws.amazon.com/AmazonS3/latest/userguide/UsingKMSEncryption.html
"""

from __future__ import annotations

from typing import Any

from laminar_runtime import _records
from laminar_runtime.exceptions import DatastoreError

__all__ = ["NO_ENCRYPTION", "Encryption"]

_KINDS = ("AES256", "aws:kms", "aws:kms:dsse")


def _validate_kind(_: object, __: _records.Field, value: Any) -> None:
    if value is not None and value not in _KINDS:
        raise DatastoreError(f"the encryption of an S3 datastore must be {', '.join(_KINDS)} or None, not {value!r}")


def _validate_key(_: object, __: _records.Field, value: Any) -> None:
    if value is not None and not (isinstance(value, str) and value):
        msg = f"the kms_key_id of an S3 datastore must be the id, alias or ARN of a key, or None, not {value!r}"
        raise DatastoreError(msg)


@_records.frozen
class Encryption:
    """The encryption that each write requests.

    Args:
        kind: ``AES256``, ``aws:kms`` or ``aws:kms:dsse``; None for no request.
        key: The key of AWS KMS by its id, its alias or its ARN; None for the one of the bucket's account for S3.

    Raises:
        DatastoreError: If the kind is unknown, or a key of KMS is given for another kind.
    """

    kind: str | None = _records.field(default=None, validator=_validate_kind)
    key: str | None = _records.field(default=None, validator=_validate_key)

    def __post_init__(self) -> None:
        if self.key is not None and not str(self.kind).startswith("aws:kms"):
            raise DatastoreError("the kms_key_id of an S3 datastore needs encryption='aws:kms' or 'aws:kms:dsse'")

    def arguments(self) -> dict[str, str]:
        """Return the arguments of PutObject for boto3."""
        return _without_none({"ServerSideEncryption": self.kind, "SSEKMSKeyId": self.key})

    def state_arguments(self) -> dict[str, str]:
        """Return the arguments of PutObject for Step Functions.

        It spells parameters as the AWS SDK for Java 2 does, with an upper-case letter at their beginning:
        https://docs.aws.amazon.com/step-functions/latest/dg/supported-services-awssdk.html
        """
        return _without_none({"ServerSideEncryption": self.kind, "SsekmsKeyId": self.key})

    def configuration(self) -> dict[str, str]:
        """Return the configuration of a store of obstore."""
        return _without_none({"server_side_encryption": self.kind, "sse_kms_key_id": self.key})


def _without_none(named: dict[str, str | None]) -> dict[str, str]:
    return {name: value for name, value in named.items() if value is not None}


NO_ENCRYPTION = Encryption()
