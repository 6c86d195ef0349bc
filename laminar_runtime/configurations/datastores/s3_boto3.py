"""S3 by boto3: for processes and platforms that obstore does not work in, and as the second opinion of the tests.

It takes a third of a second to load and to make a client, and some milliseconds of Python for each request.
docs/adr/0013-a-light-client-of-s3.md says where it takes over, and that it is planned to go.
"""

from __future__ import annotations

import functools
import io
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from typing import TYPE_CHECKING, Any

from laminar_runtime.blocks import block
from laminar_runtime.configurations.datastores.encoding import Buffer, size_of
from laminar_runtime.configurations.datastores.s3_botocore import botocore_errors
from laminar_runtime.configurations.datastores.s3_encryption import NO_ENCRYPTION, Encryption
from laminar_runtime.configurations.datastores.s3_errors import CHANGED, THERE, S3Error
from laminar_runtime.configurations.datastores.s3_objects import (
    AT_ONCE,
    CONNECTIONS,
    PIECE,
    RANGE,
    again,
    read_ranges,
    read_whole,
)

if TYPE_CHECKING:
    from mypy_boto3_s3.client import S3Client

__all__ = ["Boto3Objects"]


class _ChangedError(Exception):
    """An object was written anew while it was read in ranges."""


class Boto3Objects:
    """The objects of a bucket, with the credentials, the region and other options that boto3 finds.

    Args:
        bucket: The bucket.
        encryption: The encryption that each write requests.

    Raises:
        S3Error: If AWS is configured wrongly.
    """

    def __init__(self, bucket: str, encryption: Encryption = NO_ENCRYPTION) -> None:
        import boto3
        from botocore.config import Config

        self._bucket = bucket
        self._encryption: Any = encryption.arguments()
        config = Config(max_pool_connections=CONNECTIONS, retries={"mode": "standard", "max_attempts": 5})
        # Threads may come here at once, and the session that boto3 has by default is not for that.
        with botocore_errors():
            self._client: S3Client = boto3.Session().client("s3", config=config)

    def size(self, key: str) -> int:
        """Return the bytes of an object."""
        with _known_errors():
            return self._client.head_object(Bucket=self._bucket, Key=key)["ContentLength"]

    def exists(self, key: str) -> bool:
        """Return whether there is an object."""
        try:
            with _known_errors():
                self._client.head_object(Bucket=self._bucket, Key=key)
        except FileNotFoundError:
            return False
        return True

    def get(self, key: str) -> bytes:
        """Read an object, a large one in ranges."""

        def attempt() -> bytes:
            found = self._client.get_object(Bucket=self._bucket, Key=key)
            size = found["ContentLength"]
            if size <= RANGE:
                return found["Body"].read()
            found["Body"].close()
            first = self._range(key, 0, RANGE, found["ETag"])
            return read_whole(size, first, self._ranges(key, found["ETag"]), _cut())

        with _known_errors():
            return again(attempt, (*_cut(), _ChangedError))

    def get_buffer(self, key: str) -> bytearray:
        """Read an object, a large one in ranges."""

        def attempt() -> bytearray:
            first = self._client.get_object(Bucket=self._bucket, Key=key, Range=f"bytes=0-{RANGE - 1}")
            size = int(first.get("ContentRange", f"/{first['ContentLength']}").rpartition("/")[2])
            return read_ranges(size, first["Body"].iter_chunks(PIECE), self._ranges(key, first["ETag"]), _cut())

        try:
            with _known_errors():
                return again(attempt, (_ChangedError,))
        except S3Error as error:
            if error.code == "InvalidRange":  # an object without bytes has no first byte
                return bytearray()
            raise

    def _ranges(self, key: str, tag: str) -> Callable[[int, int], Iterator[bytes]]:
        return lambda start, end: self._range(key, start, end, tag)

    def _range(self, key: str, start: int, end: int, tag: str) -> Iterator[bytes]:
        from botocore.exceptions import ClientError

        span = f"bytes={start}-{end - 1}"
        try:
            part = self._client.get_object(Bucket=self._bucket, Key=key, Range=span, IfMatch=tag)
        except ClientError as error:
            if error.response.get("Error", {}).get("Code") == CHANGED:
                raise _ChangedError from error
            raise
        return part["Body"].iter_chunks(PIECE)

    def get_range(self, key: str, start: int, end: int) -> bytes:
        """Read some bytes of an object."""

        def attempt() -> bytes:
            found = self._client.get_object(Bucket=self._bucket, Key=key, Range=f"bytes={start}-{end - 1}")
            return found["Body"].read()

        try:
            with _known_errors():
                return again(attempt, _cut())
        except S3Error as error:
            if error.code == "InvalidRange":  # it ends before
                return b""
            raise

    def create(self, key: str, content: bytes) -> bool:
        """Write an object unless there is one."""
        try:
            with botocore_errors():
                self._client.put_object(Bucket=self._bucket, Key=key, Body=content, IfNoneMatch="*", **self._encryption)
        except S3Error as error:
            if error.code in THERE:
                return False
            raise
        return True

    def put(self, key: str, *parts: Buffer) -> None:
        """Write an object, a large one in parts."""
        if size_of(parts) <= RANGE:
            with botocore_errors():
                self._client.put_object(Bucket=self._bucket, Key=key, Body=b"".join(parts), **self._encryption)
            return
        from boto3.exceptions import Boto3Error
        from boto3.s3.transfer import TransferConfig

        config = TransferConfig(multipart_threshold=RANGE, multipart_chunksize=RANGE, max_concurrency=AT_ONCE)
        stream = io.BufferedReader(_Pieces(parts), buffer_size=RANGE)
        extra = dict(self._encryption)
        try:
            with botocore_errors():
                self._client.upload_fileobj(stream, self._bucket, key, ExtraArgs=extra, Config=config)
        except Boto3Error as error:
            raise S3Error(type(error).__name__, str(error)) from error

    def names(self, prefix: str) -> list[str]:
        """List the names directly below a prefix."""
        found = []
        with botocore_errors():
            for page in self._client.get_paginator("list_objects_v2").paginate(
                Bucket=self._bucket, Prefix=prefix, Delimiter="/"
            ):
                found += [item["Prefix"] for item in page.get("CommonPrefixes", [])]
                found += [item["Key"] for item in page.get("Contents", [])]
        return [name.removeprefix(prefix).rstrip("/") for name in found]


@functools.cache
def _cut() -> tuple[type[Exception], ...]:
    """Return the errors of a connection that is cut during a response: boto3 does not repeat these requests."""
    from botocore.exceptions import HTTPClientError, IncompleteReadError, ResponseStreamingError

    return EOFError, HTTPClientError, IncompleteReadError, ResponseStreamingError


@block
def _known_errors() -> Iterator[None]:
    """Raise errors of boto3 as `S3Error`, or as `FileNotFoundError` if there is no such object."""
    try:
        with botocore_errors():
            yield
    except _ChangedError as error:
        raise S3Error(CHANGED, "the object was overwritten repeatedly while it was read") from error
    except S3Error as error:
        if error.code in {"NoSuchKey", "HTTP 404"}:
            raise FileNotFoundError from None
        raise


class _Pieces(io.RawIOBase):
    """Pieces of bytes, read as one file without being put together."""

    def __init__(self, parts: Sequence[Buffer]) -> None:
        self._left = deque(memoryview(part).cast("B") for part in parts)

    def readable(self) -> bool:
        return True

    def readinto(self, target: Any) -> int:
        view, at = memoryview(target).cast("B"), 0
        while self._left and at < view.nbytes:
            piece = self._left.popleft()
            taken = min(piece.nbytes, view.nbytes - at)
            view[at : at + taken] = piece[:taken]
            at += taken
            if taken < piece.nbytes:
                self._left.appendleft(piece[taken:])
        return at
